"""How fast objects move, and AP of the slow, the medium and the fast ones.

The motion IoU of an object is its mean IoU with itself in the 10 frames before and
after; FGFA ships it as a table for one list of frames, here it comes from track ids.

Source: Zhu et al., "Flow-Guided Feature Aggregation", 2017, section 5.2, and its
`imagenet_vid_eval_motion.py`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from vod.errors import AnnotationError
from vod.evaluation.average_precision import ap_from_hits
from vod.evaluation.matching import FALSE_POSITIVE, match
from vod.evaluation.pairs import (
    Placement,
    RowArray,
    aligned_iou,
    joined,
    rows_by_class,
)
from vod.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS
from vod.evaluation.scores import MotionScores, mean_of
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions

REACH: Final = 10
"""Frames before and after that an object is compared with."""

SLOW_FROM: Final = 0.9
FAST_BELOW: Final = 0.7

GROUPS: Final = ("slow", "medium", "fast")

_LEAST_SUM: Final = 1e-10
"""Least sum of IoUs: the reference never divides exactly 0."""


@dataclass(frozen=True, slots=True)
class MotionGroups:
    """AP of the three groups under two rules.

    Attributes:
        fgfa: by name; ranges share their ends, false positives count as in FGFA.
        strict: by name; every object is in one group, and every detection that takes
            no object is a false positive of each group.
    """

    fgfa: dict[str, MotionScores]
    strict: dict[str, MotionScores]


def motion_iou(ground_truth: GroundTruth) -> DoubleArray:
    """Give the `(G,)` mean IoU of each object with itself in the frames around it.

    The objects of the same snippet and track in the frames f - 10 to f + 10 except f;
    frames without it are skipped. 1 for an object that none of them has.

    Raises:
        AnnotationError: an object has no track id.
    """
    _check_tracks(ground_truth)
    frames = ground_truth.frame_numbers[ground_truth.object_frames].astype(np.int64)
    snippets = ground_truth.frame_snippets[ground_truth.object_frames]
    order = np.lexsort((frames, ground_truth.track_ids, snippets))
    frames, boxes = frames[order], ground_truth.boxes[order]
    tracks = np.stack([snippets[order], ground_truth.track_ids[order]])
    changes = (np.diff(tracks) != 0).any(axis=0)
    track = np.concatenate([[0], np.cumsum(changes)])[: len(frames)]
    # Tracks lie so far apart on one axis of time that no window reaches the next.
    time = track * (int(frames.max(initial=0)) + REACH + 1) + frames
    first = np.searchsorted(time, time - REACH, "left")
    count = np.searchsorted(time, time + REACH, "right") - first
    total, number = np.zeros(len(frames)), np.zeros(len(frames))
    for rows, others in joined(first, count):
        other_frame = frames[rows] != frames[others]
        rows, others = rows[other_frame], others[other_frame]
        iou = aligned_iou(boxes[rows], boxes[others])
        total += np.bincount(rows, iou, len(frames))
        number += np.bincount(rows, minlength=len(frames))
    mean = np.ones(len(frames))
    np.divide(np.maximum(total, _LEAST_SUM), number, out=mean, where=number > 0)
    result = np.empty(len(frames))
    result[order] = mean
    return result


def _check_tracks(ground_truth: GroundTruth) -> None:
    untracked = np.flatnonzero(ground_truth.track_ids < 0)
    if len(untracked):
        frame = int(ground_truth.object_frames[untracked[0]])
        raise AnnotationError(
            f"{len(untracked)} objects have no track id, the first in "
            f"{ground_truth.image_names[frame]}; motion groups need one for every "
            "object. Score without motion."
        )


def motion_scores(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    placement: Placement,
    taken: RowArray | None = None,
) -> MotionGroups:
    """Score slow, medium and fast objects.

    Objects outside a group are ignored: a detection that takes one counts neither way.

    Args:
        ground_truth: objects with track ids.
        predictions: the detections.
        placement: `place` of both.
        taken: `(M,)` of `match` by the devkit's rule, where the caller has it already.

    Raises:
        AnnotationError: an object has no track id.
    """
    shared, apart = _groups(motion_iou(ground_truth))
    if taken is None:
        rule = PROTOCOLS[DEFAULT_PROTOCOL].rule
        taken = match(ground_truth, predictions, rule, placement=placement)
    weights = false_positive_weights(
        ground_truth,
        predictions,
        taken=taken,
        placement=placement,
        kept=shared,
        empty=_empty_shares(ground_truth, shared),
    )
    ranked = list(rows_by_class(ground_truth, predictions.scores, placement))
    return MotionGroups(
        {
            name: _group_scores(ground_truth, predictions, ranked, taken, kept, weight)
            for name, kept, weight in zip(GROUPS, shared, weights, strict=True)
        },
        {
            name: _group_scores(ground_truth, predictions, ranked, taken, kept, None)
            for name, kept in zip(GROUPS, apart, strict=True)
        },
    )


def _groups(motion: DoubleArray) -> tuple[BoolArray, BoolArray]:
    """Tell `(3, G)` which objects each of `GROUPS` has: ends shared, and strictly."""
    medium = (motion >= FAST_BELOW) & (motion <= SLOW_FROM)
    shared = np.stack([motion >= SLOW_FROM, medium, motion <= FAST_BELOW])
    return shared, np.stack([motion > SLOW_FROM, medium, motion < FAST_BELOW])


def _empty_shares(ground_truth: GroundTruth, kept: BoolArray) -> DoubleArray:
    """Give what a false positive on a frame without objects counts for, by group.

    It is the group's share of all entries of FGFA's table, in which every frame without
    objects is one entry of motion 0: a fast one.
    """
    empty = ground_truth.num_frames - len(np.unique(ground_truth.object_frames))
    entries = kept.sum(axis=1) + np.array([0, 0, empty])
    shares: DoubleArray = entries / max(ground_truth.num_objects + empty, 1)
    return shares


def false_positive_weights(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    taken: RowArray,
    placement: Placement,
    kept: BoolArray,
    empty: DoubleArray,
) -> DoubleArray:
    """Give what each unmatched detection counts for in each group, as FGFA has it.

    1 where its greatest IoU with a kept object exceeds that with an ignored one, 0 the
    other way round, and the ignored share of the frame's objects where they are equal;
    objects of all classes, found or not. A detection that took an object counts 0.

    Args:
        ground_truth: objects (G).
        predictions: detections (M).
        taken: `(M,)` of `match`.
        placement: `place` of both.
        kept: `(R, G)` which objects each group keeps.
        empty: `(R,)` weight on a frame without objects.

    Returns:
        `(R, M)`.
    """
    unmatched = np.flatnonzero(taken == FALSE_POSITIVE)
    frames = placement.frames[unmatched]
    first = np.searchsorted(
        ground_truth.object_frames, np.arange(ground_truth.num_frames + 1)
    )
    count = np.diff(first)
    weights = np.zeros((len(kept), len(taken)))
    ignored_share = _ignored_shares(ground_truth, kept)
    # Where a group keeps all of a frame's objects or none, no overlap needs comparing.
    plain = np.where(count == 0, empty[:, None], ignored_share == 0)
    weights[:, unmatched] = plain[:, frames]
    mixed: BoolArray = np.logical_or.reduce((ignored_share > 0) & (ignored_share < 1))
    unmatched = unmatched[mixed[frames]]
    frames = placement.frames[unmatched]
    for pairs, objects in joined(first[frames], count[frames]):
        rows = unmatched[pairs]
        iou = aligned_iou(predictions.boxes[rows], ground_truth.boxes[objects])
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        rows = rows[starts]
        for group, keeps in enumerate(kept):
            best_kept = np.maximum.reduceat(np.where(keeps[objects], iou, -1), starts)
            best_other = np.maximum.reduceat(np.where(keeps[objects], -1, iou), starts)
            weights[group, rows] = np.where(
                best_kept == best_other,
                ignored_share[group, placement.frames[rows]],
                best_kept > best_other,
            )
    return weights


def _ignored_shares(ground_truth: GroundTruth, kept: BoolArray) -> DoubleArray:
    """Give the `(R, F)` share of each frame's objects that a group ignores."""
    frames, number = ground_truth.object_frames, ground_truth.num_frames
    every = np.maximum(np.bincount(frames, minlength=number), 1)
    return np.stack([np.bincount(frames, ~keeps, number) / every for keeps in kept])


def _group_scores(
    ground_truth: GroundTruth,
    predictions: Predictions,
    ranked: list[tuple[int, RowArray]],
    taken: RowArray,
    kept: BoolArray,
    weights: DoubleArray | None,
) -> MotionScores:
    """Score one group; `weights` None = every unmatched detection counts 1."""
    objects = np.bincount(
        ground_truth.labels[kept], minlength=len(ground_truth.classes)
    )
    # Row -1 of the lengthened mask: a detection without object hits nothing.
    hits_of = np.append(kept, False)
    ap: dict[str, float | None] = dict.fromkeys(ground_truth.classes)
    for label, rows in ranked:
        if objects[label]:
            took = taken[rows]
            ap[ground_truth.classes[label]] = ap_from_hits(
                predictions.scores[rows],
                hits_of[took],
                int(objects[label]),
                weights=(took == FALSE_POSITIVE).astype(np.float64)
                if weights is None
                else weights[rows],
            )
    return MotionScores(mean_of(ap), ap, int(kept.sum()))
