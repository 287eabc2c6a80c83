"""Which detection takes which object: one matcher for every protocol's rule.

Ten million detections cannot be visited one by one. Detections and objects of one frame
and class are joined by position, the overlaps of all pairs are computed in chunks, and
the greedy choice runs for all frames and classes at once: in every round the best
detection left in each group takes its best free object. There are as many rounds as
the fullest group has objects, a few dozen in ImageNet VID.

Source of the rules: `eval_vid_detection.m` of the ILSVRC2015 devkit, `VOCevaldet.m` of
the VOC devkit, `cocoeval.py` of pycocotools.
"""

from dataclasses import dataclass

import numpy as np

from vod.evaluation.pairs import Placement, RowArray, aligned_iou, joined, place
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions
from vod.types import IntArray

FALSE_POSITIVE = -1
LEFT_OUT = -2


@dataclass(frozen=True, slots=True)
class MatchRule:
    """When a detection may take an object of its frame and class.

    Attributes:
        iou: least IoU, inclusive.
        pixel: added to a box's width and height: 1 where the last pixel belongs to it.
        tolerance: pixels by which a small box may be off in width and in height; its
            own least IoU is `min(iou, w h / ((w + tolerance)(h + tolerance)))`.
        next_free: whether a detection whose best object is taken may take the next.
        last_of_equals: which of two objects with equal IoU is taken.
        keeps_inverted: whether a box with xmax < xmin or ymax < ymin counts as a false
            positive; it is left out otherwise.
        max_detections: best detections a frame and class that are looked at.
    """

    iou: float = 0.5
    pixel: int = 1
    tolerance: int = 0
    next_free: bool = True
    last_of_equals: bool = False
    keeps_inverted: bool = True
    max_detections: int | None = None

    def thresholds(self, boxes: DoubleArray) -> DoubleArray:
        """Give the `(N,)` least IoU at which each object `(N, 4)` is found."""
        if not self.tolerance:
            return np.full(len(boxes), self.iou)
        width = boxes[:, 2] - boxes[:, 0] + self.pixel
        height = boxes[:, 3] - boxes[:, 1] + self.pixel
        tolerated = (width + self.tolerance) * (height + self.tolerance)
        thresholds: DoubleArray = np.minimum(self.iou, width * height / tolerated)
        return thresholds


def match(
    ground_truth: GroundTruth,
    predictions: Predictions,
    rule: MatchRule,
    *,
    placement: Placement | None = None,
) -> RowArray:
    """Give the row of the object that each detection takes.

    Within a frame and class, detections choose in descending score; equal scores keep
    the order of the file.

    Args:
        ground_truth: the objects.
        predictions: the detections (M).
        rule: what may be taken.
        placement: `place` of both, where the caller has it already.

    Returns:
        `(M,)` row in the ground truth for a true positive, `FALSE_POSITIVE`, or
        `LEFT_OUT` where the frame is not listed, the class unknown to the ground truth,
        or the rule does not look at the detection.
    """
    placement = placement or place(ground_truth, predictions)
    taken = np.full(len(predictions), LEFT_OUT, np.int64)
    scored = placement.known
    if not rule.keeps_inverted:
        boxes = predictions.boxes
        scored &= (boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1])
    groups = group_numbers(ground_truth, placement.frames, placement.labels)
    if rule.max_detections is not None:
        scored &= among_best(groups, predictions.scores, scored, rule.max_detections)
    taken[scored] = FALSE_POSITIVE
    groups[~scored] = -1
    rows, objects, iou = candidates(ground_truth, predictions, groups, rule)
    if not len(rows):
        return taken
    order, group = _preference(rows, objects, iou, groups, predictions.scores, rule)
    _choose(taken, rows[order], objects[order], group[order], rule)
    return taken


def group_numbers(
    ground_truth: GroundTruth, frames: IntArray, labels: IntArray
) -> RowArray:
    """Give every pair of frame and class `(N,)` its number, frames first."""
    return frames.astype(np.int64) * len(ground_truth.classes) + labels


def among_best(
    groups: RowArray, scores: DoubleArray, scored: BoolArray, count: int
) -> BoolArray:
    """Tell which detections are among the best of their frame and class.

    Args:
        groups: `(M,)` of `group_numbers`.
        scores: `(M,)`; of equal ones the first is the better.
        scored: `(M,)` detections that are looked at; others are told to be.
        count: how many a group keeps.
    """
    best = np.ones(len(groups), np.bool_)
    rows = np.flatnonzero(scored)
    _, inverse, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
    rows = rows[sizes[inverse] > count]
    rows = rows[np.lexsort((-scores[rows], groups[rows]))]
    crowded = groups[rows]
    rank = np.arange(len(rows)) - np.searchsorted(crowded, crowded)
    best[rows[rank >= count]] = False
    return best


def candidates(
    ground_truth: GroundTruth,
    predictions: Predictions,
    groups: RowArray,
    rule: MatchRule,
) -> tuple[RowArray, RowArray, DoubleArray]:
    """Find every detection and object that may be matched.

    Args:
        ground_truth: the objects.
        predictions: the detections (M).
        groups: `(M,)` of `group_numbers`, -1 for a detection that is not looked at.
        rule: tells the least IoU.

    Returns:
        `(K,)` rows of detections, ascending, and of objects, and their IoU.
    """
    object_groups = group_numbers(
        ground_truth, ground_truth.object_frames, ground_truth.labels
    )
    order = np.argsort(object_groups, kind="stable")
    object_groups = object_groups[order]
    present, first, count = np.unique(
        object_groups, return_index=True, return_counts=True
    )
    found: list[tuple[RowArray, RowArray, DoubleArray]] = [
        (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    ]
    if len(present):
        nearest = np.minimum(np.searchsorted(present, groups), len(present) - 1)
        matched = np.where(present[nearest] == groups, count[nearest], 0)
        thresholds = rule.thresholds(ground_truth.boxes)
        for rows, partners in joined(first[nearest], matched):
            objects = order[partners]
            iou = aligned_iou(
                predictions.boxes[rows], ground_truth.boxes[objects], pixel=rule.pixel
            )
            kept = iou >= thresholds[objects]
            found.append((rows[kept], objects[kept], iou[kept]))
    rows, objects, iou = (np.concatenate(column) for column in zip(*found, strict=True))
    return rows, objects, iou


def _preference(
    rows: RowArray,
    objects: RowArray,
    iou: DoubleArray,
    groups: RowArray,
    scores: DoubleArray,
    rule: MatchRule,
) -> tuple[RowArray, RowArray]:
    """Order pairs by group, detection (best first) and object (best first).

    Returns:
        The order and every pair's group.
    """
    group = groups[rows]
    placed = -objects if rule.last_of_equals else objects
    return np.lexsort((placed, -iou, rows, -scores[rows], group)), group


def _choose(
    taken: RowArray,
    rows: RowArray,
    objects: RowArray,
    group: RowArray,
    rule: MatchRule,
) -> None:
    """Let detections take objects, all groups at once, into `taken`."""
    if not rule.next_free:
        best = np.flatnonzero(np.diff(rows, prepend=-1))
        rows, objects, group = rows[best], objects[best], group[best]
    used = np.zeros(int(objects.max(initial=-1)) + 1, np.bool_)
    while len(rows):
        first = np.flatnonzero(np.diff(group, prepend=-1))
        taken[rows[first]] = objects[first]
        used[objects[first]] = True
        left = ~used[objects] & (taken[rows] < 0)
        rows, objects, group = rows[left], objects[left], group[left]
