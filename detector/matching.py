"""Which anchor or region learns what: matching and sampling in fixed shapes.

Everything is `keras.ops`, so that it runs inside the training graph of any backend.
Objects are `(B, G, 4)` boxes x1, y1, x2, y2 in input pixels with `(B, G)` labels; a
label below 0 is padding.
"""

from typing import Any, Final

import numpy as np
from keras import ops

from detector.suppression import pairwise_iou
from vod.types import FloatArray

LEAST_OBJECT: Final = 1.0
"""Input pixels: an object with a shorter side teaches nothing.

A box without area overlaps nothing and has no logarithm of its sides: the classic cause
of losses that are no numbers.
"""


def usable_objects(boxes: Any, labels: Any) -> tuple[Any, Any]:
    """Give boxes, those that teach nothing set to 0, and a `(B, G)` mask of the others.

    Padding, boxes turned over or narrower than `LEAST_OBJECT` and boxes that hold NaN
    teach nothing.
    """
    boxes = ops.cast(boxes, "float32")
    sides = boxes[..., 2:] - boxes[..., :2]
    usable = (labels >= 0) & ops.all(sides >= LEAST_OBJECT, axis=-1)
    usable = usable & ops.all(ops.isfinite(boxes), axis=-1)
    return ops.where(usable[..., None], boxes, 0.0), usable


def match(references: Any, boxes: Any, usable: Any) -> tuple[Any, Any, Any]:
    """Find the object of every reference box.

    Args:
        references: `(B, N, 4)` or `(N, 4)`.
        boxes: `(B, G, 4)` of `usable_objects`.
        usable: `(B, G)` likewise.

    Returns:
        IoU with the best object `(B, N)`, -1 where a picture has none; which one it is
        `(B, N)` int32; and whether the reference is the best of some object `(B, N)`.
    """
    overlap = pairwise_iou(references, boxes)
    overlap = ops.where(usable[:, None, :], overlap, -1.0)
    best_of_object = ops.max(overlap, axis=1, keepdims=True)
    is_best = ops.any((overlap == best_of_object) & (overlap > 0), axis=-1)
    owner = ops.cast(ops.argmax(overlap, axis=-1), "int32")
    return ops.max(overlap, axis=-1), owner, is_best


def chance(values: Any) -> Any:
    """Give `(B, N)` numbers in [0, 1) that look random, from the digits of others.

    A network's outputs differ in every picture and step, so sampling by these does
    too; and with no state of its own a resumed training draws what an unbroken one
    does.
    """
    count = values.shape[-1]
    phase = np.arange(count, dtype=np.float64) * 78.233 % (2 * np.pi)
    mixed = ops.sin(values * 12.9898 + phase.astype(np.float32)) * 437.585453
    return ops.stop_gradient(mixed - ops.floor(mixed))


def draw(mask: Any, numbers: Any, count: Any, *, most: int) -> Any:
    """Choose `count` of the places in a mask, those with the greatest numbers.

    Args:
        mask: `(B, N)` bool.
        numbers: `(B, N)` in [0, 1).
        count: `(B,)` int32 or int, at most `most`; where the mask has fewer, all are.
        most: bound of `count`.

    Returns:
        `(B, N)` bool.
    """
    most = min(most, numbers.shape[-1])
    keys = ops.where(mask, numbers + 1, 0.0)
    ranked = ops.top_k(keys, most)[0]
    count = ops.minimum(count, most) + ops.zeros_like(ranked[:, 0], dtype="int32")
    last = ops.one_hot(count - 1, most, dtype=ranked.dtype)
    # No row of `last` is hot where nothing is to be chosen.
    least = ops.sum(ranked * last, axis=-1) + 3.0 * ops.cast(count < 1, ranked.dtype)
    return mask & (keys >= least[:, None])


def draw_both(
    positive: Any, negative: Any, numbers: Any, *, samples: int, share: float
) -> tuple[Any, Any]:
    """Choose positives up to a share of the samples, and fill up with negatives.

    Returns:
        Two `(B, N)` bool masks.
    """
    most = max(int(samples * share), 1)
    chosen = draw(positive, numbers, most, most=most)
    found = ops.sum(ops.cast(chosen, "int32"), axis=-1)
    return chosen, draw(negative, numbers, samples - found, most=samples)


def inside(anchors: FloatArray, border: float | None, height: int, width: int) -> Any:
    """Say which `(N, 4)` corners stick out of the picture by no more than a border."""
    if border is None:
        return np.ones(len(anchors), np.bool_)
    low = (anchors[:, :2] >= -border).all(axis=1)
    limit = np.array([width + border, height + border])
    return low & (anchors[:, 2:] <= limit).all(axis=1)
