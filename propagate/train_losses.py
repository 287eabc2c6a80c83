"""What joint training minimises: boxes carried by the flow, and the flow itself.

Everything is `keras.ops` on fixed shapes, so that any Keras backend trains it.
"""

from typing import Any

import numpy as np
from keras import ops

from propagate.box_motion import LARGEST_CHANGE, LEAST_RESIDUAL, sample_offsets
from propagate.transport_config import TransportConfig

BARELY = 0.05
"""Pixels: flow errors below are not pursued further."""


def flow_loss(truth: Any, weight: Any, flow: Any) -> Any:
    """Give the mean over pairs of the weighted root of the end-point error.

    The root makes a tenth of a pixel count where motion is small, as it is from one
    frame to the next, and large errors in occluded or misjudged places count less.

    Args:
        truth: `(B, h, w, 2)` flow in pixels of the input.
        weight: `(B, h, w)` trust in it, 0 where it is unknown.
        flow: `(B, h, w, 2)` as the network gives it.
    """
    error = ops.sum(ops.square(truth - flow), axis=-1) + BARELY**2
    # error holds squares: its fourth root is the root of the end-point error.
    total = ops.sum(weight * ops.sqrt(ops.sqrt(error)), axis=(1, 2))
    return ops.mean(total / (ops.sum(weight, axis=(1, 2)) + 1))


def box_loss(
    earlier: Any, current: Any, weight: Any, flow: Any, *, config: TransportConfig
) -> Any:
    """Give how far boxes carried by the flow lie from where the detector has them.

    Args:
        earlier: `(B, K, 4)` boxes of the earlier frame, in cells of the flow's grid,
            continuous x1, y1, x2, y2.
        current: `(B, K, 4)` the same objects in the current frame.
        weight: `(B, K)` 0 for padding.
        flow: `(B, h, w, 2)` backward flow in cells of its grid.
        config: as at inference.

    Returns:
        Mean of the Huber loss of centres and log sides, in shares of the box's sides.
    """
    sides = earlier[..., 2:] - earlier[..., :2]
    target = current[..., 2:] - current[..., :2]
    centre, size = carry(earlier, flow, config=config)
    away = (centre - (current[..., :2] + current[..., 2:]) / 2) / ops.maximum(sides, 1)
    growth = ops.log(ops.maximum(size, 0.1)) - ops.log(ops.maximum(target, 0.1))
    error = _huber(ops.concatenate([away, growth], axis=-1) / HUBER_AT) * HUBER_AT
    return ops.sum(ops.sum(error, axis=-1) * weight) / (ops.sum(weight) + 1)


HUBER_AT = 0.1
"""Share of a side from which a box's error counts linearly: detections jitter."""


def _huber(error: Any) -> Any:
    size = ops.abs(error)
    return ops.where(size < 1, 0.5 * ops.square(size), size - 0.5)


def carry(boxes: Any, flow: Any, *, config: TransportConfig) -> tuple[Any, Any]:
    """Carry boxes as `propagate.transport.transport_boxes` does, differentiably.

    Args:
        boxes: `(B, K, 4)` in cells of the flow's grid.
        flow: `(B, h, w, 2)` in cells of its grid.
        config: of the fit.

    Returns:
        Centres `(B, K, 2)` and sides `(B, K, 2)` in the current frame. Gradients pass
        through the last fit; where to look, and the weights, count as given.
    """
    start = (boxes[..., :2] + boxes[..., 2:]) / 2
    sides = boxes[..., 2:] - boxes[..., :2]
    offsets = ops.convert_to_tensor(np.array(sample_offsets(config.samples)))
    shift, scale = ops.zeros_like(start), ops.zeros_like(start)
    fixed = ops.stop_gradient(flow)
    for iteration in range(config.iterations):
        last = iteration == config.iterations - 1
        span = ops.maximum(sides / (1 + scale) * config.core, config.least_side)
        away = offsets * span[:, :, None]  # (B, K, P, 2)
        points = (start - shift)[:, :, None] + away
        vectors = _look_up(flow if last else fixed, points)
        seen = ops.stop_gradient(vectors)
        residual = ops.sum(
            ops.abs(seen - shift[:, :, None] - scale[:, :, None] * away), axis=-1
        )
        shift, scale = _fit(vectors, away, residual, sides, config)
    return start - shift, sides / (1 + scale)


def _look_up(grid: Any, points: Any) -> Any:
    """Sample `(B, h, w, 2)` bilinearly at `(B, K, P, 2)` continuous x, y."""
    _, height, width, _ = grid.shape
    batch, boxes, samples = ops.shape(points)[:3]
    x = ops.clip(points[..., 0] - 0.5, 0, width - 1)
    y = ops.clip(points[..., 1] - 0.5, 0, height - 1)
    left = ops.minimum(ops.floor(x), width - 2)
    top = ops.minimum(ops.floor(y), height - 2)
    across, along = x - left, y - top
    cells = ops.reshape(grid, (-1, height * width, 2))
    total: Any = 0.0
    for row, row_weight in ((top, 1 - along), (top + 1, along)):
        for column, column_weight in ((left, 1 - across), (left + 1, across)):
            index = ops.cast(row * width + column, "int32")
            taps = ops.take_along_axis(
                cells, ops.reshape(index, (batch, boxes * samples, 1)), axis=1
            )
            taps = ops.reshape(taps, (batch, boxes, samples, 2))
            total = total + taps * (row_weight * column_weight)[..., None]
    return total


def _fit(
    vectors: Any, away: Any, residual: Any, sides: Any, config: TransportConfig
) -> tuple[Any, Any]:
    """See `propagate.box_motion`."""
    typical = ops.maximum(ops.median(residual, axis=-1, keepdims=True), LEAST_RESIDUAL)
    weight = 1 / (1 + ops.square(residual / (config.resistance * typical)))
    weight = (weight / ops.sum(weight, axis=-1, keepdims=True))[..., None]
    mean_away = ops.sum(weight * away, axis=2)
    mean_vector = ops.sum(weight * vectors, axis=2)
    if not config.scale:
        return mean_vector, ops.zeros_like(mean_vector)
    spread = away - mean_away[:, :, None]
    slope = ops.sum(weight * spread * (vectors - mean_vector[:, :, None]), axis=2)
    prior = ops.square(config.stiffness * ops.maximum(sides, config.least_side))
    slope = slope / (ops.sum(weight * ops.square(spread), axis=2) + prior)
    scale = ops.clip(slope, -LARGEST_CHANGE, LARGEST_CHANGE)
    return mean_vector - scale * mean_away, scale
