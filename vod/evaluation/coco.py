"""COCO's AP50, AP50:95 and AP by size, computed by pycocotools itself.

pycocotools visits every pair of frame and class, five million in ImageNet VID, and
holds a Python object a detection: hours and tens of gigabytes. Most detections overlap
no object by half and can take none, nor stand in another's way. So only the others go
through its `computeIoU` and `evaluateImg`, one class at a time; its `accumulate` sees
every detection, in the order in which it would have collected them. The figures are the
same to the last digit (tests hold this against `COCOeval` run as a whole).
"""

import contextlib
import copy
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vod.evaluation.matching import MatchRule, among_best, candidates, group_numbers
from vod.evaluation.pairs import Placement, RowArray
from vod.evaluation.scores import ApByClass, mean_of
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions

MAX_DETECTIONS: Final = 100
_CERTAIN: Final = 0.5 - 1e-6
"""IoU below COCO's least threshold by more than rounding can account for."""

_AREA_NAMES: Final = ("all", "small", "medium", "large")


@dataclass(frozen=True, slots=True)
class CocoOptions:
    """What papers change about COCO's protocol.

    Attributes:
        max_detections: best detections a frame and class; mmdet reports 1000.
        inclusive: whether the last pixel belongs to a box (width + 1).
    """

    max_detections: int = MAX_DETECTIONS
    inclusive: bool = False


def coco_scores(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    placement: Placement,
    options: CocoOptions | None = None,
) -> tuple[ApByClass, dict[str, Any]]:
    """Give AP50 of every class, and the figures that COCO reports.

    Args:
        ground_truth: the objects; none is a crowd.
        predictions: the detections.
        placement: `place` of both.
        options: None = COCO's own.

    Returns:
        AP at IoU 0.5 by class, and `AP` (0.50:0.95), `AP50`, `AP75`, `AP_small`,
        `AP_medium`, `AP_large`, `AP50_per_class`, `AP_per_class`; None without objects.
    """
    options = options or CocoOptions()
    columns = _columns(ground_truth, predictions, placement, options)
    precision = {}
    for label in np.unique(ground_truth.labels).tolist():
        precision[ground_truth.classes[label]] = _class_precision(columns, label)
    ap50 = _by_class(ground_truth, precision, threshold=0)
    ap = _by_class(ground_truth, precision)
    whole = np.stack(list(precision.values())) if precision else None
    extra: dict[str, Any] = {
        "AP": _mean(whole),
        "AP50": mean_of(ap50),
        "AP75": _mean(whole, threshold=5),
        "AP50_per_class": ap50,
        "AP_per_class": ap,
        "max_detections": options.max_detections,
    }
    for area, name in enumerate(_AREA_NAMES[1:], 1):
        extra[f"AP_{name}"] = _mean(whole, area=area)
    return ap50, extra


def _by_class(
    ground_truth: GroundTruth,
    precision: dict[str, DoubleArray],
    threshold: int | None = None,
) -> ApByClass:
    return {
        name: _mean(precision[name][None], threshold=threshold)
        if name in precision
        else None
        for name in ground_truth.classes
    }


def _mean(
    precision: DoubleArray | None, *, threshold: int | None = None, area: int = 0
) -> float | None:
    """Average `(classes, thresholds, recalls, areas)` as COCO's summary does."""
    if precision is None:
        return None
    chosen = precision[..., area]
    if threshold is not None:
        chosen = chosen[:, threshold]
    chosen = chosen[chosen > -1]
    return float(np.mean(chosen)) if len(chosen) else None


@dataclass(frozen=True, eq=False, slots=True)
class _Columns:
    """Objects, and detections in pycocotools' order: class, image, score.

    `overlapping` tells which detections may take an object.
    """

    options: CocoOptions
    object_boxes: DoubleArray
    object_labels: RowArray
    object_images: RowArray
    boxes: DoubleArray
    scores: DoubleArray
    labels: RowArray
    images: RowArray
    overlapping: BoolArray


def _columns(
    ground_truth: GroundTruth,
    predictions: Predictions,
    placement: Placement,
    options: CocoOptions,
) -> _Columns:
    images = predictions.indices
    groups = group_numbers(ground_truth, placement.frames, placement.labels)
    seen = among_best(
        groups, predictions.scores, placement.known, options.max_detections
    )
    seen &= placement.known
    groups[~seen] = -1
    rule = MatchRule(iou=_CERTAIN, pixel=int(options.inclusive))
    overlapping = np.zeros(len(predictions), np.bool_)
    overlapping[candidates(ground_truth, predictions, groups, rule)[0]] = True
    rows = np.flatnonzero(seen)
    order = np.lexsort(
        (-predictions.scores[rows], images[rows], placement.labels[rows])
    )
    rows = rows[order]
    object_images = ground_truth.frame_indices[ground_truth.object_frames]
    objects = np.lexsort((object_images, ground_truth.labels))
    return _Columns(
        options,
        _sized(ground_truth.boxes[objects], options),
        ground_truth.labels[objects].astype(np.int64),
        object_images[objects],
        _sized(predictions.boxes[rows], options),
        predictions.scores[rows],
        placement.labels[rows].astype(np.int64),
        images[rows],
        overlapping[rows],
    )


def _sized(boxes: DoubleArray, options: CocoOptions) -> DoubleArray:
    """Give xmin, ymin, xmax, ymax as x, y, width, height."""
    sizes = boxes[:, 2:] - boxes[:, :2] + int(options.inclusive)
    return np.concatenate([boxes[:, :2], sizes], axis=1)


def _class_precision(columns: _Columns, label: int) -> DoubleArray:
    """Give `(thresholds, recalls, areas)` precision of one class, -1 = undefined."""
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(iouType="bbox")
    params = evaluation.params
    params.catIds = [label]
    params.maxDets = [columns.options.max_detections]
    objects = slice(*np.searchsorted(columns.object_labels, [label, label + 1]))
    found = slice(*np.searchsorted(columns.labels, [label, label + 1]))
    areas = np.prod(columns.boxes[found, 2:], axis=1)
    object_areas = np.prod(columns.object_boxes[objects, 2:], axis=1)
    outside = [(areas < low) | (areas > high) for low, high in params.areaRng]
    shape = (len(params.areaRng), len(params.iouThrs), len(areas))
    matched = np.zeros(shape, np.bool_)
    ignored = np.repeat(np.array(outside).reshape(shape[0], 1, -1), shape[1], axis=1)
    _match_images(evaluation, columns, objects, found, matched, ignored)
    params.imgIds, params.maxDets = [0], [max(shape[2], 1)]
    evaluation.evalImgs = [
        {
            "dtScores": columns.scores[found],
            "dtMatches": matched[area],
            "dtIgnore": ignored[area],
            "gtIgnore": (object_areas < low) | (object_areas > high),
        }
        for area, (low, high) in enumerate(params.areaRng)
    ]
    evaluation._paramsEval = copy.deepcopy(params)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        evaluation.accumulate()
    precision: DoubleArray = evaluation.eval["precision"][:, :, 0, :, 0]
    return precision


def _match_images(
    evaluation: Any,
    columns: _Columns,
    objects: slice,
    found: slice,
    matched: BoolArray,
    ignored: BoolArray,
) -> None:
    """Let pycocotools match every image that has both, into `matched` and `ignored`."""
    params, label = evaluation.params, evaluation.params.catIds[0]
    rows = np.flatnonzero(columns.overlapping[found])
    boxes, scores = columns.boxes[found][rows], columns.scores[found][rows]
    object_boxes = columns.object_boxes[objects]
    object_images, images = columns.object_images[objects], columns.images[found][rows]
    for image, own, its in zip(
        np.unique(images).tolist(),
        _spans(object_images, images),
        _spans(images, images),
        strict=True,
    ):
        key = image, label
        evaluation._gts[key] = _annotations(object_boxes[own])
        evaluation._dts[key] = _annotations(boxes[its], scores[its])
        evaluation.ious[key] = evaluation.computeIoU(*key)
        for area, bounds in enumerate(params.areaRng):
            result = evaluation.evaluateImg(*key, bounds, params.maxDets[-1])
            matched[area][:, rows[its]] = result["dtMatches"] > 0
            ignored[area][:, rows[its]] = result["dtIgnore"]
        del evaluation._gts[key], evaluation._dts[key], evaluation.ious[key]


def _spans(images: RowArray, wanted: RowArray) -> list[slice]:
    """Give where each wanted image lies in sorted images."""
    wanted = np.unique(wanted)
    first, last = (np.searchsorted(images, wanted, side) for side in ("left", "right"))
    return [slice(*ends) for ends in zip(first, last, strict=True)]


def _annotations(
    boxes: DoubleArray, scores: DoubleArray | None = None
) -> list[dict[str, Any]]:
    """Give boxes as pycocotools' dictionaries; id 0 would mean "not matched"."""
    values = np.zeros(len(boxes)) if scores is None else scores
    return [
        {
            "id": number,
            "bbox": box,
            "area": box[2] * box[3],
            "score": score,
            "iscrowd": 0,
            "ignore": 0,
        }
        for number, (box, score) in enumerate(
            zip(boxes.tolist(), values.tolist(), strict=True), 1
        )
    ]
