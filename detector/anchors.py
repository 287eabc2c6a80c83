"""The boxes that an SSD's predictions are relative to."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from vod.types import FloatArray

# TensorFlow object detection, `ssd_anchor_generator` of the SSD MobileNet V1
# configurations: six levels, sides from 0.2 to 0.95 of the image's shorter side.
MIN_SCALE: Final = 0.2
MAX_SCALE: Final = 0.95
ASPECT_RATIOS: Final = (1.0, 2.0, 0.5, 3.0, 1 / 3)
# `reduce_boxes_in_lowest_layer`: the finest level has three boxes, the first small.
LOWEST_SCALE: Final = 0.1
LOWEST_ASPECT_RATIOS: Final = (1.0, 2.0, 0.5)


def anchor_shapes(levels: int) -> list[list[tuple[float, float]]]:
    """Give the (width, height) of each level's anchors, in shares of the shorter side.

    A level k has one anchor an aspect ratio at its scale s_k, and a square one at
    sqrt(s_k * s_(k+1)); s runs linearly from 0.2 to 0.95, s after the last level is 1.

    Source: Liu et al., SSD, ECCV 2016, sec. 2.2; `multiple_grid_anchor_generator` of
    the TensorFlow object-detection models.
    """
    step = (MAX_SCALE - MIN_SCALE) / max(levels - 1, 1)
    scales = [*(MIN_SCALE + step * level for level in range(levels)), 1.0]
    shapes = []
    for level in range(levels):
        scale = scales[level]
        if level == 0:
            pairs = [
                (LOWEST_SCALE if i == 0 else scale, ratio)
                for i, ratio in enumerate(LOWEST_ASPECT_RATIOS)
            ]
        else:
            pairs = [(scale, ratio) for ratio in ASPECT_RATIOS]
            pairs.append((math.sqrt(scale * scales[level + 1]), 1.0))
        shapes.append(
            [
                (side * math.sqrt(ratio), side / math.sqrt(ratio))
                for side, ratio in pairs
            ]
        )
    return shapes


def anchors_per_cell(levels: int) -> list[int]:
    """Give how many anchors a cell of each level has: 3, then 6 a level."""
    return [len(shapes) for shapes in anchor_shapes(levels)]


def generate_anchors(
    grids: Sequence[tuple[int, int]],
    *,
    input_height: int,
    input_width: int,
    side: float | None = None,
) -> FloatArray:
    """Give `(N, 4)` anchors: centre x, centre y, width, height in input pixels.

    Order: level, row, column, anchor of the cell, as the predictors' outputs lie.

    Args:
        grids: (height, width) of every level, finest first; a cell's anchors are
            centred on the cell.
        input_height: rows of the detector's input.
        input_width: columns of the detector's input.
        side: pixels that the anchors' sides are shares of; None is the shorter side of
            the input.
    """
    whole = min(input_height, input_width) if side is None else side
    levels = []
    for (height, width), shapes in zip(grids, anchor_shapes(len(grids)), strict=True):
        rows = (np.arange(height) + 0.5) * (input_height / height)
        columns = (np.arange(width) + 0.5) * (input_width / width)
        level = np.empty((height, width, len(shapes), 4), np.float32)
        level[..., 0] = columns[None, :, None]
        level[..., 1] = rows[:, None, None]
        level[..., 2:] = np.array(shapes, np.float32) * whole
        levels.append(level.reshape(-1, 4))
    return np.concatenate(levels)
