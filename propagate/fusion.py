"""Make one set of boxes of two that were carried to a frame from either side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from propagate.tracked import Tracked, join
from vod.assignment import Rows, best_assignment
from vod.boxes import pairwise_iou
from vod.types import Detections

LEAST_OVERLAP = 0.3
"""Mean IoU over the frames between two key frames from which two boxes are one object.

Also the least IoU by which published trackers associate (SORT).
"""


@dataclass(frozen=True, eq=False, slots=True)
class Association:
    """Which rows of two sets are one object.

    Attributes:
        first: `(P,)` rows of the set from the earlier key frame.
        second: `(P,)` rows of the other, in the same order.
        first_alone: the earlier set's other rows.
        second_alone: the later set's other rows.
    """

    first: Rows
    second: Rows
    first_alone: Rows
    second_alone: Rows


def associate(forward: Sequence[Tracked], backward: Sequence[Tracked]) -> Association:
    """Find the pairs with the greatest overlap over all frames, class by class.

    Args:
        forward: boxes carried from the earlier key frame, one set a frame, rows alike.
        backward: boxes carried from the later one, likewise.
    """
    one, other = forward[0].detections, backward[0].detections
    overlap = np.zeros((len(one), len(other)), np.float32)
    for there, back in zip(forward, backward, strict=True):
        overlap += pairwise_iou(there.detections.boxes, back.detections.boxes)
    overlap /= len(forward)
    overlap[one.labels[:, None] != other.labels[None]] = 0
    rows, columns = best_assignment(overlap)
    good = overlap[rows, columns] >= LEAST_OVERLAP
    rows, columns = rows[good], columns[good]
    return Association(
        rows,
        columns,
        np.setdiff1d(np.arange(len(one)), rows),
        np.setdiff1d(np.arange(len(other)), columns),
    )


def fuse(
    forward: Tracked, backward: Tracked, pairs: Association, *, share: float
) -> Tracked:
    """Give the objects of a frame between two key frames.

    A pair's box and score are the mean of both, weighted by nearness. A box without
    counterpart came or went in between: its score falls with the square root of the
    nearness to its key frame.

    Args:
        forward: carried from the earlier key frame to this frame.
        backward: carried from the later one.
        pairs: of `associate`.
        share: of the way from the earlier to the later key frame, in (0, 1).
    """
    one, other = forward.select(pairs.first), backward.select(pairs.second)
    first, second = one.detections, other.detections
    mean = Detections(
        ((1 - share) * first.boxes + share * second.boxes).astype(np.float32),
        ((1 - share) * first.scores + share * second.scores).astype(np.float32),
        first.labels,
    )
    nearer = one if share <= 0.5 else other
    fused = replace(
        nearer,
        detections=mean,
        confidences=(1 - share) * one.confidences + share * other.confidences,
    )
    gone = forward.select(pairs.first_alone)
    come = backward.select(pairs.second_alone)
    return join(
        [
            fused,
            gone.with_scores(gone.detections.scores * np.sqrt(1 - share)),
            come.with_scores(come.detections.scores * np.sqrt(share)),
        ]
    )
