"""The same rules one detection at a time: slow, short, and easy to believe.

Written after the order of work of the reference (`eval_vid_detection.m`: frames, then
detections in descending score, then objects). Tests hold the vectorised matcher against
it, and the benchmark its speed. Boxes are Python numbers, nothing is vectorised.
"""

from collections import defaultdict
from typing import NamedTuple

from vod.evaluation.matching import MatchRule
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions

PlainBox = tuple[float, float, float, float]


class _Found(NamedTuple):
    """A detection, as the loops see it."""

    row: int
    label: int
    score: float
    box: PlainBox


def plain_match(
    ground_truth: GroundTruth, predictions: Predictions, rule: MatchRule
) -> list[int]:
    """Give what `match` gives; both sides must have the same classes."""
    taken = [-2] * len(predictions)
    found = _by_frame(predictions, rule)
    objects: dict[int, list[tuple[int, int, PlainBox]]] = defaultdict(list)
    columns = (ground_truth.object_frames, ground_truth.labels, ground_truth.boxes)
    for row, (frame, label, box) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        objects[frame].append((row, label, tuple(box)))
    for frame, index in enumerate(ground_truth.frame_indices.tolist()):
        _match_frame(found.get(index, []), objects.get(frame, []), rule, taken)
    return taken


def _by_frame(predictions: Predictions, rule: MatchRule) -> dict[int, list[_Found]]:
    found: dict[int, list[_Found]] = defaultdict(list)
    columns = (
        predictions.indices,
        predictions.labels,
        predictions.scores,
        predictions.boxes,
    )
    for row, (index, label, score, box) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        if rule.keeps_inverted or (box[2] >= box[0] and box[3] >= box[1]):
            found[index].append(_Found(row, label, score, tuple(box)))
    return found


def _match_frame(
    found: list[_Found],
    objects: list[tuple[int, int, PlainBox]],
    rule: MatchRule,
    taken: list[int],
) -> None:
    """Match one frame's detections into `taken`."""
    used: set[int] = set()
    seen: dict[int, int] = defaultdict(int)
    for row, label, _, box in sorted(found, key=lambda detection: -detection.score):
        seen[label] += 1
        if rule.max_detections is not None and seen[label] > rule.max_detections:
            continue
        best, best_iou = -1, -1.0
        for number, object_label, object_box in objects:
            if object_label != label or (rule.next_free and number in used):
                continue
            iou = plain_iou(box, object_box, rule.pixel)
            better = iou >= best_iou if rule.last_of_equals else iou > best_iou
            if better and iou >= _threshold(object_box, rule):
                best, best_iou = number, iou
        taken[row] = -1 if best in used else best
        used.add(taken[row])


def plain_iou(first: PlainBox, second: PlainBox, pixel: int) -> float:
    """Give the IoU of two boxes xmin, ymin, xmax, ymax."""
    width = min(first[2], second[2]) - max(first[0], second[0]) + pixel
    height = min(first[3], second[3]) - max(first[1], second[1]) + pixel
    if width <= 0 or height <= 0:
        return 0.0
    areas = [
        (box[2] - box[0] + pixel) * (box[3] - box[1] + pixel) for box in (first, second)
    ]
    return width * height / (areas[0] + areas[1] - width * height)


def _threshold(box: PlainBox, rule: MatchRule) -> float:
    if not rule.tolerance:
        return rule.iou
    width, height = box[2] - box[0] + rule.pixel, box[3] - box[1] + rule.pixel
    tolerated = (width + rule.tolerance) * (height + rule.tolerance)
    return min(rule.iou, width * height / tolerated)


def plain_average_precision(
    scores: list[float], hits: list[bool], num_objects: int
) -> float:
    """Give the area under the precision envelope, see `ap_from_hits`."""
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    found, precision = 0, []
    for rank, place in enumerate(order, 1):
        found += hits[place]
        precision.append(found / rank)
    best, area = 0.0, 0.0
    for place, value in zip(reversed(order), reversed(precision), strict=True):
        best = max(best, value)
        area += best * hits[place]
    return area / num_objects


def plain_ap(
    ground_truth: GroundTruth, predictions: Predictions, rule: MatchRule
) -> dict[str, float | None]:
    """Give every class's AP, None without objects; classes must be the same."""
    taken = plain_match(ground_truth, predictions, rule)
    rows = defaultdict(list)
    for row, index in enumerate(predictions.indices.tolist()):
        if taken[row] >= -1:
            rows[index].append(row)
    labels, scores = predictions.labels.tolist(), predictions.scores.tolist()
    ranked: dict[int, list[int]] = defaultdict(list)
    for index in ground_truth.frame_indices.tolist():
        for row in rows.get(index, []):
            ranked[labels[row]].append(row)
    objects = ground_truth.labels.tolist()
    ap: dict[str, float | None] = {}
    for label, name in enumerate(ground_truth.classes):
        count, found = objects.count(label), ranked.get(label, [])
        hits = [taken[row] >= 0 for row in found]
        ap[name] = (
            plain_average_precision([scores[row] for row in found], hits, count)
            if count
            else None
        )
    return ap
