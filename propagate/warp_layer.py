"""Bilinear backward warp as a Keras layer: the path that trains."""

from typing import Any

import keras
from keras import ops

from propagate.warp import Border


@keras.saving.register_keras_serializable(package="vod")
class BilinearWarp(keras.layers.Layer):
    """Sample key-frame features where the current frame's content was.

    Same law and borders as `propagate.warp.warp`, batched and differentiable in both
    inputs. Call with `[key, flow]`: `(B, H, W, C)` and `(B, H, W, 2)` in cells of that
    grid. Returns `(B, H, W, C)`.

    Args:
        border: `"edge"` or `"zeros"`.

    Source: Zhu et al., Deep Feature Flow, CVPR 2017, section 3.
    """

    def __init__(self, *, border: Border = "edge", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.border = border

    def call(self, inputs: list[Any]) -> Any:
        """Warp; see the class."""
        key, flow = inputs
        _, height, width, channels = ops.shape(key)
        flow = ops.cast(flow, key.dtype)
        rows = ops.cast(ops.arange(height), key.dtype)[None, :, None] + flow[..., 1]
        columns = ops.cast(ops.arange(width), key.dtype)[None, None, :] + flow[..., 0]
        margin = 0 if self.border == "edge" else 1
        rows = ops.clip(rows, -margin, height - 1 + margin)
        columns = ops.clip(columns, -margin, width - 1 + margin)
        top, left = ops.floor(rows), ops.floor(columns)
        down, right = rows - top, columns - left
        # One list of all cells: whole cells are read, not one channel after the other.
        cells = ops.reshape(key, (-1, channels))
        first = ops.arange(ops.shape(key)[0], dtype="int32") * (height * width)
        out = ops.zeros_like(cells)
        for row, row_weight in ((top, 1 - down), (top + 1, down)):
            for column, column_weight in ((left, 1 - right), (left + 1, right)):
                weight = row_weight * column_weight
                if self.border == "zeros":
                    inside = (row >= 0) & (row < height)
                    inside &= (column >= 0) & (column < width)
                    weight = weight * ops.cast(inside, key.dtype)
                index = ops.clip(row, 0, height - 1) * width
                index += ops.clip(column, 0, width - 1)
                index = ops.cast(index, "int32") + first[:, None, None]
                taps = ops.take(cells, ops.reshape(index, (-1,)), axis=0)
                out = out + taps * ops.reshape(weight, (-1, 1))
        return ops.reshape(out, (-1, height, width, channels))

    def compute_output_shape(self, inputs_shape: list[Any]) -> Any:
        """Give the key map's shape."""
        return inputs_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "border": self.border}
