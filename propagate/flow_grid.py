"""Flow of small pictures on the grid of features, in a graph that trains."""

from typing import Any

import keras
import numpy as np
from keras import ops

from vod.types import FloatArray


def area_weights(cells: int, source: int) -> FloatArray:
    """Give `(cells, source)`: the share of every source cell in each cell of a grid.

    Both span the same length; a row adds up to 1.

    >>> area_weights(2, 3).round(2).tolist()
    [[0.67, 0.33, 0.0], [0.0, 0.33, 0.67]]
    """
    edges = np.arange(cells + 1) * (source / cells)
    start = np.maximum(edges[:-1, None], np.arange(source))
    end = np.minimum(edges[1:, None], np.arange(source) + 1)
    shares = np.maximum(end - start, 0) * (cells / source)
    return shares.astype(np.float32)


@keras.saving.register_keras_serializable(package="vod")
class AreaResize(keras.layers.Layer):
    """Give `(B, h, w, C)` on another grid: the mean over each cell's area.

    OpenCV's `INTER_AREA` where the grid gets smaller.

    Args:
        height: rows of the new grid.
        width: columns of the new grid.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def call(self, values: Any) -> Any:
        """Average; see the class."""
        rows, columns = values.shape[1:3]
        if (rows, columns) == (self.height, self.width):
            return values
        if rows == 2 * self.height and columns == 2 * self.width:
            return ops.average_pool(values, 2, 2)
        values = ops.einsum("Hh,bhwc->bHwc", area_weights(self.height, rows), values)
        return ops.einsum("Ww,bhwc->bhWc", area_weights(self.width, columns), values)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable(package="vod")
class FlowToGrid(keras.layers.Layer):
    """Turn flow in pixels of its input into cells of a grid over the same picture.

    Takes `(B, h, w, 2)` on any grid; gives `(B, height, width, 2)`: the mean over each
    cell, u times width / input_width and v times height / input_height. For the paper,
    half-size input and features of stride 16: 2 / 16 of the value.

    Args:
        height: rows of the grid.
        width: columns of the grid.
        input_height: rows of the flow network's input.
        input_width: columns of the flow network's input.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        input_height: int,
        input_width: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width
        self.input_height, self.input_width = input_height, input_width
        self._resize = AreaResize(height, width)

    def call(self, flow: Any) -> Any:
        """Average and scale; see the class."""
        scale = (self.width / self.input_width, self.height / self.input_height)
        return self._resize(flow) * np.array(scale, np.float32)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        names = ("height", "width", "input_height", "input_width")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own}
