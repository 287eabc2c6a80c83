"""Score detections in memory under any protocol: `evaluate`."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vod.errors import AnnotationError
from vod.evaluation.average_precision import ap_from_hits
from vod.evaluation.coco import coco_scores
from vod.evaluation.coco_columns import CocoOptions
from vod.evaluation.matching import LEFT_OUT, match
from vod.evaluation.motion import motion_scores
from vod.evaluation.pairs import Placement, RowArray, place, rows_by_class
from vod.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS, protocol_named
from vod.evaluation.scores import ApByClass, Scores, mean_of
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions
from vod.types import Detections, IntArray


def evaluate(
    ground_truth: GroundTruth,
    predictions: Predictions | Mapping[int, Detections],
    *,
    protocol: str = DEFAULT_PROTOCOL,
    motion: bool = False,
    mean_over_all: bool = False,
    coco: CocoOptions | None = None,
) -> Scores:
    """Score detections against the objects of an image set.

    Args:
        ground_truth: frames and their objects.
        predictions: the content of a result file; or detections by the frame's index,
            labelled by position in the ground truth's classes. Frames that the list
            lacks are ignored and counted; boxes are not clipped.
        protocol: a name in `PROTOCOLS`.
        motion: also score slow, medium and fast objects (by the devkit's matching,
            whatever the protocol).
        mean_over_all: let `mean_ap` be `mean_over_all_classes`.
        coco: what to change about the protocol `coco`.

    Raises:
        ConfigError: no such protocol.
        AnnotationError: a score is not finite, or motion is asked for without tracks.
    """
    chosen = protocol_named(protocol)
    if not isinstance(predictions, Predictions):
        predictions = Predictions.from_detections(predictions, ground_truth.classes)
    _check_scores(predictions)
    placement = place(ground_truth, predictions)
    taken = None
    if protocol == "coco":
        ap, extra = coco_scores(
            ground_truth, predictions, placement=placement, options=coco
        )
    else:
        taken = match(ground_truth, predictions, chosen.rule, placement=placement)
        ap = class_ap(ground_truth, predictions, taken, placement, chosen.interpolation)
        extra = {}
    scores = Scores(
        protocol,
        mean_of(ap),
        ap,
        _counts(ground_truth, ground_truth.labels),
        _counts(ground_truth, placement.labels[placement.known]),
        ground_truth.num_frames,
        int(np.count_nonzero(placement.frames < 0)),
        int(np.count_nonzero((placement.frames >= 0) & (placement.labels < 0))),
        extra=extra,
    )
    if mean_over_all:
        scores = replace(scores, mean_ap=mean_over_all_classes(scores))
    if motion:
        groups = motion_scores(
            ground_truth,
            predictions,
            placement=placement,
            taken=taken if protocol == DEFAULT_PROTOCOL else None,
        )
        scores = replace(scores, motion=groups.fgfa, motion_strict=groups.strict)
    return scores


def class_ap(
    ground_truth: GroundTruth,
    predictions: Predictions,
    taken: RowArray,
    placement: Placement,
    interpolation: str = PROTOCOLS[DEFAULT_PROTOCOL].interpolation,
) -> ApByClass:
    """Give every class's AP from what `match` found, None without objects.

    Args:
        ground_truth: the objects.
        predictions: the detections (M).
        taken: `(M,)` of `match`.
        placement: `place` of both.
        interpolation: a name in `INTERPOLATIONS`.
    """
    objects = np.bincount(ground_truth.labels, minlength=len(ground_truth.classes))
    ap: ApByClass = {}
    for label, rows in rows_by_class(ground_truth, predictions.scores, placement):
        name = ground_truth.classes[label]
        ap[name] = None
        if objects[label]:
            rows = rows[taken[rows] != LEFT_OUT]
            ap[name] = ap_from_hits(
                predictions.scores[rows],
                taken[rows] >= 0,
                int(objects[label]),
                interpolation=interpolation,
            )
    return ap


def mean_over_all_classes(scores: Scores) -> float | None:
    """Give the mean over all classes, also those without objects, as DFF and FGFA do.

    A class with neither objects nor detections counts 0; one with detections but no
    object has no AP, and neither then has the mean.
    """
    values = [
        (0.0 if not scores.num_detections[name] else math.nan) if ap is None else ap
        for name, ap in scores.ap.items()
    ]
    mean = sum(values) / len(values) if values else math.nan
    return None if math.isnan(mean) else mean


def _counts(ground_truth: GroundTruth, labels: IntArray) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(ground_truth.classes)).tolist()
    return dict(zip(ground_truth.classes, counts, strict=True))


def _check_scores(predictions: Predictions) -> None:
    wrong = np.flatnonzero(~np.isfinite(predictions.scores))
    if len(wrong):
        raise AnnotationError(
            f"detection {wrong[0]} (frame index {predictions.indices[wrong[0]]}) has "
            f"the score {predictions.scores[wrong[0]]}; scores must be finite."
        )
