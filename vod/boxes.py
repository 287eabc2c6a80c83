"""Boxes on NumPy arrays: one format, x1, y1, x2, y2 in continuous coordinates."""

import numpy as np
import numpy.typing as npt

from vod.types import FloatArray, IntArray


def box_area(boxes: FloatArray) -> FloatArray:
    """Give the `(..., N)` areas of `(..., N, 4)` boxes; one turned inside out has 0."""
    width = np.maximum(boxes[..., 2] - boxes[..., 0], 0)
    height = np.maximum(boxes[..., 3] - boxes[..., 1], 0)
    return width * height


def pairwise_iou(first: FloatArray, second: FloatArray) -> FloatArray:
    """Give the intersection over union of every box of one set with every other's.

    Two boxes without area have IoU 0.

    Args:
        first: `(..., N, 4)`.
        second: `(..., M, 4)`, the axes before alike: one pair of sets each.

    Returns:
        `(..., N, M)`.
    """
    # A plane a side: NumPy takes far longer over an innermost axis of two or four.
    left, top, right, bottom = (first[..., :, None, side] for side in range(4))
    its_left, its_top, its_right, its_bottom = (
        second[..., None, :, side] for side in range(4)
    )
    overlap = _shared(left, right, its_left, its_right)
    overlap *= _shared(top, bottom, its_top, its_bottom)
    union = box_area(first)[..., :, None] + box_area(second)[..., None, :]
    union -= overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def _shared(
    low: FloatArray, high: FloatArray, its_low: FloatArray, its_high: FloatArray
) -> FloatArray:
    """Give the length that two spans share, 0 where they do not meet."""
    shared = np.minimum(high, its_high)
    shared -= np.maximum(low, its_low)
    return np.maximum(shared, 0, out=shared)


def survivors(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, *, iou_threshold: float
) -> npt.NDArray[np.bool_]:
    """Say which boxes stay when the best of boxes of one class that overlap is kept.

    Suppression goes from the best box downwards: a box counts only if no better one
    has dropped it. Instead of box by box, all are judged at once until nothing changes;
    each time at least one more box, in the order of scores, is judged for good.

    Args:
        boxes: `(..., N, 4)`; the axes before are sets that do not touch each other.
        scores: `(..., N)`; of two equal ones the first counts as better.
        labels: `(N,)`; boxes of different labels never suppress each other.
        iou_threshold: a box is dropped when its IoU with a better, kept box of its
            label is greater than this.

    Returns:
        `(..., N)`.
    """
    place = np.arange(scores.shape[-1])
    one, other = scores[..., :, None], scores[..., None, :]
    drops = _overlap(boxes, labels, iou_threshold)
    drops &= (one > other) | ((one == other) & (place[:, None] < place))
    return _never_dropped(drops)


def _overlap(
    boxes: FloatArray, labels: IntArray, iou_threshold: float
) -> npt.NDArray[np.bool_]:
    """Say which boxes `(..., N, 4)` of one label overlap, `(..., N, N)`."""
    overlaps = pairwise_iou(boxes, boxes) > iou_threshold
    overlaps &= labels[:, None] == labels
    return overlaps


def _never_dropped(drops: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Give `(..., N)` for what each row of `(..., N, N)` drops as long as it stays."""
    alive = _true_nowhere(drops)
    while True:
        judged = _true_nowhere(drops & alive[..., :, None])
        if (judged == alive).all():
            return alive
        alive = judged


def _true_nowhere(drops: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Say for each column of `(..., N, N)` that no row drops it."""
    free: npt.NDArray[np.bool_] = np.logical_not(drops.any(-2))
    return free


def non_maximum_suppression(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, *, iou_threshold: float
) -> npt.NDArray[np.intp]:
    """Keep the best of boxes of one class that overlap; see `survivors`.

    Args:
        boxes: `(N, 4)`.
        scores: `(N,)`.
        labels: `(N,)`.
        iou_threshold: greater overlaps count.

    Returns:
        `(K,)` indices of the kept boxes, best score first; equal scores keep the order
        of their input.
    """
    ranked: npt.NDArray[np.intp] = np.argsort(-scores, kind="stable")
    place = np.arange(len(ranked))
    drops = _overlap(boxes[ranked], labels[ranked], iou_threshold)
    drops &= place[:, None] < place  # the better come first: no score is compared
    return ranked[_never_dropped(drops)]
