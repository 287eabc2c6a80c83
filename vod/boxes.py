"""Boxes on NumPy arrays: one format, x1, y1, x2, y2 in continuous coordinates."""

import numpy as np
import numpy.typing as npt

from vod.types import FloatArray, IntArray


def box_area(boxes: FloatArray) -> FloatArray:
    """Give the `(N,)` areas of `(N, 4)` boxes; a box turned inside out has area 0."""
    width = np.maximum(boxes[:, 2] - boxes[:, 0], 0)
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    return width * height


def pairwise_iou(first: FloatArray, second: FloatArray) -> FloatArray:
    """Give the `(N, M)` intersection over union of `(N, 4)` and `(M, 4)` boxes.

    Two boxes without area have IoU 0.
    """
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, 0)
    overlap = sides[..., 0] * sides[..., 1]
    union = box_area(first)[:, None] + box_area(second)[None, :] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def non_maximum_suppression(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, *, iou_threshold: float
) -> npt.NDArray[np.intp]:
    """Keep the best of boxes of one class that overlap.

    Args:
        boxes: `(N, 4)`.
        scores: `(N,)`.
        labels: `(N,)`; boxes of different labels never suppress each other.
        iou_threshold: a box is dropped when its IoU with a better, kept box of its
            label is greater than this.

    Returns:
        `(K,)` indices of the kept boxes, best score first; equal scores keep the order
        of their input.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, labels = boxes[order], labels[order]
    suppresses = pairwise_iou(boxes, boxes) > iou_threshold
    suppresses &= labels[:, None] == labels[None, :]
    alive = np.ones(len(order), np.bool_)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1 :] &= ~suppresses[i, i + 1 :]
    return order[alive]
