"""COCO's AP50, AP50:95 and AP by size, computed by pycocotools itself.

pycocotools visits every pair of frame and class, five million in ImageNet VID, four
times over, and holds a Python object a detection. Most detections overlap no object by
half: they can take none, nor stand in another's way. So only the others go through its
`computeIoU` and `evaluateImg`, one class at a time; its `accumulate` sees every
detection, in the order in which it would have collected them. The figures are the same
to the last digit (tests hold this against `COCOeval` run as a whole).
"""

import contextlib
import copy
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vod.evaluation.coco_columns import CocoColumns, CocoOptions, coco_columns
from vod.evaluation.pairs import Placement, RowArray
from vod.evaluation.scores import ApByClass, mean_of
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions

_AREA_NAMES: Final = ("all", "small", "medium", "large")


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
    columns = coco_columns(ground_truth, predictions, placement, options)
    precision = {}
    for label in np.unique(ground_truth.labels).tolist():
        precision[ground_truth.classes[label]] = _class_precision(
            columns.of_class(label), label, options
        )
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
class _Matches:
    """What `evaluateImg` says of the objects (G) and detections (N) of one class.

    Attributes:
        objects_outside: `(areas, G)` whether an object's area lies outside each range.
        matched: `(areas, thresholds, N)` whether a detection took an object.
        ignored: `(areas, thresholds, N)` whether it counts neither way.
    """

    objects_outside: BoolArray
    matched: BoolArray
    ignored: BoolArray


def _class_precision(
    columns: CocoColumns, label: int, options: CocoOptions
) -> DoubleArray:
    """Give `(thresholds, recalls, areas)` precision of one class, -1 = undefined."""
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(iouType="bbox")
    params = evaluation.params
    params.catIds, params.maxDets = [label], [options.max_detections]
    matches = _match_images(evaluation, columns)
    # One image that holds all, with room for all detections, of which each real image
    # has given its best.
    params.imgIds, params.maxDets = [0], [max(len(columns.scores), 1)]
    evaluation._paramsEval = copy.deepcopy(params)
    evaluation.evalImgs = [
        {
            "dtScores": columns.scores,
            "dtMatches": matches.matched[area],
            "dtIgnore": matches.ignored[area],
            "gtIgnore": matches.objects_outside[area],
        }
        for area in range(len(params.areaRng))
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        evaluation.accumulate()
    precision: DoubleArray = evaluation.eval["precision"][:, :, 0, :, 0]
    return precision


def _match_images(evaluation: Any, columns: CocoColumns) -> _Matches:
    """Let pycocotools match every image where a detection may take an object."""
    params = evaluation.params
    outside = _outside(columns.boxes, params.areaRng)
    ignored = np.repeat(outside[:, None], len(params.iouThrs), axis=1)
    matches = _Matches(
        _outside(columns.object_boxes, params.areaRng), np.zeros_like(ignored), ignored
    )
    overlapping = np.flatnonzero(columns.overlapping)
    images = columns.images[overlapping]
    for image, own, its in zip(
        np.unique(images).tolist(),
        _spans(columns.object_images, images),
        _spans(images, images),
        strict=True,
    ):
        rows, key = overlapping[its], (image, params.catIds[0])
        evaluation._gts[key] = _annotations(columns.object_boxes[own])
        evaluation._dts[key] = _annotations(columns.boxes[rows], columns.scores[rows])
        evaluation.ious[key] = evaluation.computeIoU(*key)
        _match_image(evaluation, key, matches, rows, matches.objects_outside[:, own])
        del evaluation._gts[key], evaluation._dts[key], evaluation.ious[key]
    return matches


def _match_image(
    evaluation: Any,
    key: tuple[int, int],
    matches: _Matches,
    rows: RowArray,
    objects_outside: BoolArray,
) -> None:
    """Match one image in every range of areas, into `matches`.

    Ignoring changes what is taken only where some objects are ignored and some are not;
    elsewhere the first range, which ignores none, has the answer already.
    """
    params = evaluation.params
    for area, outside in enumerate(objects_outside):
        matched, ignored = matches.matched[area], matches.ignored[area]
        if area == 0 or outside.any() != outside.all():
            found = evaluation.evaluateImg(
                *key, params.areaRng[area], params.maxDets[-1]
            )
            matched[:, rows] = found["dtMatches"] > 0
            ignored[:, rows] = found["dtIgnore"]
        else:
            took = matches.matched[0][:, rows]
            matched[:, rows] = took
            ignored[:, rows] = np.where(took, outside[0], ignored[:, rows])


def _outside(boxes: DoubleArray, ranges: list[list[float]]) -> BoolArray:
    """Tell `(areas, N)` which boxes' areas lie outside each range."""
    areas = boxes[:, 2] * boxes[:, 3]
    return np.stack([(areas < low) | (areas > high) for low, high in ranges])


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
