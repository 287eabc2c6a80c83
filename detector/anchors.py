"""The boxes that an SSD's predictions are relative to."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from detector.features import halved
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


def cell_centres(side: int, halvings: int, trained: int) -> npt.NDArray[np.float64]:
    """Give where anchors are centred along one side of a picture, in its pixels.

    In training, on the cells: n cells part the side evenly. But what a cell sees lies
    elsewhere. Layers that halve a side with SAME padding centre cell i on pixel 2i of
    an odd side and on 2i + 1 of an even one. So after some of them the middle of what a
    cell sees lies off its anchors, by up to a cell and by how much depends on the side.
    The predictors have learned what it was in training. For another side, anchors are
    as far from the middle of what their cells see as they were then at the same place
    in the picture. (Parted evenly, those of 256 x 256 cost an AP of .06 to .11, see
    docs/export.md.)

    Args:
        side: of the picture, in pixels.
        halvings: how many layers have halved it, each with SAME padding.
        trained: the same side of the pictures in training.
    """
    first, cells = _first_seen(side, halvings)
    first_trained, cells_trained = _first_seen(trained, halvings)
    step = 2.0**halvings
    place = (np.arange(cells) + 0.5) / cells  # in shares of the side
    learned = place * trained - (first_trained + step * (place * cells_trained - 0.5))
    return first + step * np.arange(cells) + learned


def _first_seen(side: int, halvings: int) -> tuple[float, int]:
    """Give the middle of what the first cell sees, in pixels, and how many cells."""
    even = [n for n in range(halvings) if halved(side, n) % 2 == 0]
    return 0.5 + sum(2**n for n in even), halved(side, halvings)


def generate_anchors(
    centres: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]], *, side: float
) -> FloatArray:
    """Give `(N, 4)` anchors: centre x, centre y, width, height in input pixels.

    Order: level, row, column, anchor of the cell, as the predictors' outputs lie.

    Args:
        centres: of each level, finest first, centre y of every row of cells and centre
            x of every column, in pixels.
        side: pixels that the anchors' sides are shares of.
    """
    levels = []
    for (rows, columns), shapes in zip(
        centres, anchor_shapes(len(centres)), strict=True
    ):
        y, x = np.asarray(rows), np.asarray(columns)
        level = np.empty((len(y), len(x), len(shapes), 4), np.float32)
        level[..., 0] = x[None, :, None]
        level[..., 1] = y[:, None, None]
        level[..., 2:] = np.array(shapes, np.float32) * side
        levels.append(level.reshape(-1, 4))
    return np.concatenate(levels)
