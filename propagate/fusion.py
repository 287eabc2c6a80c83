"""Make one set of boxes of two that were carried to the same frames from either side.

All frames between two key frames at once: F frames, N boxes from the first key frame,
M from the last, R in all.
"""

from dataclasses import dataclass

import numpy as np

from propagate.paths import Path
from propagate.tracked import Tracked, inside
from vod.assignment import Rows, best_assignment
from vod.boxes import pairwise_iou, survivors
from vod.types import Detections, FloatArray, IntArray

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


def associate(ahead: Path, back: Path) -> Association:
    """Find the pairs with the greatest overlap over all frames, class by class.

    Args:
        ahead: boxes carried from the earlier key frame.
        back: boxes carried from the later one, to the same frames.
    """
    one, other = ahead.found.detections, back.found.detections
    overlap = pairwise_iou(ahead.boxes, back.boxes).mean(0)
    overlap[one.labels[:, None] != other.labels[None]] = 0
    rows, columns = best_assignment(overlap)
    good = overlap[rows, columns] >= LEAST_OVERLAP
    rows, columns = rows[good], columns[good]
    return Association(
        rows,
        columns,
        _others(len(one), rows),
        _others(len(other), columns),
    )


def _others(count: int, rows: Rows) -> Rows:
    """Give those of `count` rows that are none of `rows`, ascending."""
    is_other = np.ones(count, np.bool_)
    is_other[rows] = False
    return np.flatnonzero(is_other)


@dataclass(frozen=True, eq=False, slots=True)
class Fused:
    """R boxes on F frames.

    Attributes:
        boxes: `(F, R, 4)`.
        scores: `(F, R)`.
        labels: `(R,)`.
        key_frames: `(F, R)`, as in `Tracked`, like all that follow.
        ages: `(F, R)`.
        shifts: `(F, R)`.
        confidences: `(F, R)`.
    """

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    key_frames: IntArray
    ages: IntArray
    shifts: FloatArray
    confidences: FloatArray

    def shown(
        self,
        *,
        frame_size: tuple[int, int],
        iou_threshold: float,
        threshold: float,
        limit: int,
    ) -> list[Tracked]:
        """Give what is put out on each frame; see `Tracked.distinct` and `shown`."""
        # A box that is nowhere good enough is not shown, and drops no better one.
        rows = np.flatnonzero((self.scores >= threshold).any(0))
        boxes, scores, labels = (
            self.boxes[:, rows],
            self.scores[:, rows],
            self.labels[rows],
        )
        alive = survivors(boxes, scores, labels, iou_threshold=iou_threshold)
        clipped, is_inside = inside(boxes, frame_size)
        keep = alive & (scores >= threshold) & is_inside
        found = []
        for frame in range(len(self.boxes)):
            kept = np.flatnonzero(keep[frame])
            best = kept[np.argsort(-scores[frame, kept], kind="stable")][:limit]
            row = rows[best]
            found.append(
                Tracked(
                    Detections(clipped[frame, best], scores[frame, best], labels[best]),
                    self.key_frames[frame, row],
                    self.ages[frame, row],
                    self.shifts[frame, row],
                    self.confidences[frame, row],
                )
            )
        return found


def fuse(ahead: Path, back: Path, pairs: Association) -> Fused:
    """Give the objects of the frames between two key frames.

    A pair's box and score are the mean of both, weighted by nearness. A box without
    counterpart came or went in between: its score falls with the square root of the
    nearness to its key frame.

    Args:
        ahead: boxes of the earlier key frame on every frame up to the later one.
        back: boxes of the later key frame on the same frames, the last its own.
        pairs: of `associate`.
    """
    steps = len(ahead)
    share = (np.arange(1, steps) / steps)[:, None]  # of the way to the later key frame
    one, other = _rows(ahead, pairs.first), _rows(back, pairs.second)
    first, second = (1 - share).astype(np.float32), share.astype(np.float32)
    nearer = share <= 0.5
    both = Fused(
        first[..., None] * one.boxes + second[..., None] * other.boxes,
        first * one.scores + second * other.scores,
        one.labels,
        np.where(nearer, one.key_frames, other.key_frames),
        np.where(nearer, one.ages, other.ages),
        np.where(nearer, one.shifts, other.shifts),
        first * one.confidences + second * other.confidences,
    )
    gone = _rows(ahead, pairs.first_alone, weight=np.sqrt(1 - share))
    come = _rows(back, pairs.second_alone, weight=np.sqrt(share))
    parts = (both, gone, come)
    columns = {
        # Rows are the second axis of all but the labels, which have one.
        name: np.concatenate([getattr(p, name) for p in parts], int(name != "labels"))
        for name in Fused.__slots__
    }
    return Fused(**columns)


def _rows(path: Path, rows: Rows, *, weight: FloatArray | float = 1.0) -> Fused:
    """Take rows of a path on the frames before the later key frame."""
    found, frames = path.found, len(path) - 1
    shape = (frames, len(rows))
    ages = found.ages[rows] + path.ages[:frames, None]
    return Fused(
        path.boxes[:frames, rows],
        (np.broadcast_to(found.detections.scores[rows], shape) * weight).astype(
            np.float32
        ),
        found.detections.labels[rows],
        np.broadcast_to(found.key_frames[rows], shape),
        ages.astype(np.int32),
        path.shifts[:frames, rows],
        path.confidences[:frames, rows],
    )
