"""How boxes lie to each other, in `keras.ops`: what matching and losses ask."""

from typing import Any

import keras
from keras import ops


def box_areas(boxes: Any) -> Any:
    """Give `(...)`: the areas of `(..., 4)` boxes; 0 where they are inside out."""
    sides = ops.relu(boxes[..., 2:] - boxes[..., :2])
    return sides[..., 0] * sides[..., 1]


def overlaps(references: Any, boxes: Any) -> Any:
    """Give the IoU `(B, N, G)` of `(N, 4)` or `(B, N, 4)` boxes with `(B, G, 4)` ones.

    Two boxes without area have IoU 0.
    """
    first, second = references[..., :, None, :], boxes[:, None, :, :]
    left_top = ops.maximum(first[..., :2], second[..., :2])
    right_bottom = ops.minimum(first[..., 2:], second[..., 2:])
    shared = box_areas(ops.concatenate([left_top, right_bottom], axis=-1))
    union = box_areas(first) + box_areas(second) - shared
    return shared / ops.maximum(union, keras.config.epsilon())


def generalised_iou(first: Any, second: Any) -> Any:
    """Give `(...)`: the generalised IoU, in [-1, 1], of `(..., 4)` boxes, pair by pair.

    IoU minus the share of the smallest box around both that belongs to neither, so that
    boxes apart have a slope towards each other.

    Source: Rezatofighi et al., arXiv 1902.09630, algorithm 2.
    """
    shared = box_areas(
        ops.concatenate(
            [
                ops.maximum(first[..., :2], second[..., :2]),
                ops.minimum(first[..., 2:], second[..., 2:]),
            ],
            axis=-1,
        )
    )
    around = box_areas(
        ops.concatenate(
            [
                ops.minimum(first[..., :2], second[..., :2]),
                ops.maximum(first[..., 2:], second[..., 2:]),
            ],
            axis=-1,
        )
    )
    least = keras.config.epsilon()
    union = ops.maximum(box_areas(first) + box_areas(second) - shared, least)
    around = ops.maximum(around, least)
    return shared / union - (around - union) / around


def is_object(boxes: Any, labels: Any) -> Any:
    """Give `(B, G)` bool: whether a row is an object, not padding nor without area.

    A box without area has no logarithm of its sides: it would make the loss no number.

    Args:
        boxes: `(B, G, 4)`.
        labels: `(B, G)`, -1 for padding.
    """
    return ops.logical_and(labels >= 0, box_areas(boxes) > 0)
