"""Bilinear backward warp on NumPy arrays: the path that runs.

`propagate/warp_layer.py` is the same law as a Keras layer, for training.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vod.errors import ShapeError

Border = Literal["edge", "zeros"]
FloatingArray = npt.NDArray[np.floating[Any]]


def warp(key: FloatingArray, flow: FloatingArray, *, border: Border) -> FloatingArray:
    """Sample key-frame features where the current frame's content was.

    Law: `out[y, x] = key[y + v, x + u]`, bilinear between the four nearest cells, in
    index coordinates (the centre of the first cell is 0).

    Args:
        key: `(H, W, C)` map of the key frame.
        flow: `(H, W, 2)` backward flow in cells of the same grid; u right, v down.
        border: what lies outside the grid: `"edge"` repeats the border cell, `"zeros"`
            is 0, fading in over one cell (as in Deep Feature Flow).

    Returns:
        `(H, W, C)`, dtype of `key`. Zero flow returns the input's values unchanged.

    Raises:
        ShapeError: the two grids differ.

    Source: Zhu et al., Deep Feature Flow, CVPR 2017, section 3.
    """
    if key.ndim != 3 or flow.shape != (*key.shape[:2], 2):
        raise ShapeError(
            f"features and flow must share a grid. Expected flow {key.shape[:2]} + (2,)"
            f", received {flow.shape}. Call FlowField.resized first."
        )
    height, width, channels = key.shape
    rows = np.arange(height, dtype=key.dtype)[:, None] + flow[..., 1]
    columns = np.arange(width, dtype=key.dtype)[None, :] + flow[..., 0]
    # One cell beyond the border every tap is outside, so nothing further can differ;
    # clipping there keeps huge flow inside the integers.
    margin = 0 if border == "edge" else 1
    rows = np.clip(rows, -margin, height - 1 + margin).ravel()
    columns = np.clip(columns, -margin, width - 1 + margin).ravel()
    top, left = np.floor(rows), np.floor(columns)
    down, right = rows - top, columns - left
    cells = key.reshape(-1, channels)
    out = np.zeros_like(cells)
    for row, row_weight in ((top, 1 - down), (top + 1, down)):
        for column, column_weight in ((left, 1 - right), (left + 1, right)):
            weight = row_weight * column_weight
            if border == "zeros":
                weight *= (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)
            taps = cells[index.astype(np.intp)]
            taps *= weight[:, None].astype(key.dtype)
            out += taps
    return out.reshape(key.shape)
