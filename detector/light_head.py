"""The light second stage: classes and boxes of regions from one thin map."""

from typing import Any

import keras
import numpy as np
from keras import ops

from detector.box_coding_layer import decode_codes
from detector.rpn import clip_boxes
from detector.suppression import take_rows
from detector.two_stage_config import TwoStageConfig, map_specs


def regions_map(shared: Any, config: TwoStageConfig) -> Any:
    """Wire the position-sensitive map onto the shared one; key frames only.

    A 1x1 convolution to grid * grid * groups channels; channel (i * grid + j) * groups
    + c is what group c says of the bin in row i, column j of a region.
    """
    channels = map_specs(config)[1].channels
    return keras.layers.Conv2D(channels, 1, name="regions")(shared)


@keras.saving.register_keras_serializable(package="vod")
class PositionSensitiveAlign(keras.layers.Layer):
    """Give what a position-sensitive map says of regions.

    Call with `[map, boxes]`: `(B, H, W, grid * grid * groups)` (see `regions_map`) and
    `(B, N, 4)` x1, y1, x2, y2 in input pixels. A region is cut into grid x grid bins; a
    bin reads its own groups channels at samples x samples points, bilinearly, and
    averages. Points beyond the outer cells' centres take the outer cells' values.
    Returns `(B, N, grid * grid * groups)` in the order of the map's channels.

    Args:
        input_height: rows of the detector's input.
        input_width: columns of the detector's input.
        grid: bins along each side.
        samples: points along each side of a bin.

    Source: Li et al., Light-Head R-CNN, arXiv 1711.07264; Dai et al., R-FCN, arXiv
    1605.06409, eq. 1; bilinear points as in He et al., Mask R-CNN, arXiv 1703.06870.
    """

    def __init__(
        self,
        *,
        input_height: int,
        input_width: int,
        grid: int = 7,
        samples: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_height = input_height
        self.input_width = input_width
        self.grid = grid
        self.samples = samples

    def call(self, inputs: list[Any]) -> Any:
        """Sample; see the class."""
        maps, boxes = inputs
        _, height, width, channels = maps.shape
        bins, points = self.grid**2, self.grid * self.samples
        groups, regions = channels // bins, boxes.shape[1]
        cells = ops.reshape(maps, (-1, height * width * bins, groups))
        own = np.arange(points) // self.samples  # the bin that each point lies in
        bin_index = (own[:, None] * self.grid + own).astype(np.float32)
        rows = self._points(
            boxes[..., 1], boxes[..., 3], height, self.input_height / height
        )
        columns = self._points(
            boxes[..., 0], boxes[..., 2], width, self.input_width / width
        )
        total: Any = 0.0
        for row, row_weight in _taps(rows, height):
            for column, column_weight in _taps(columns, width):
                cell = row[..., :, None] * width + column[..., None, :]
                index = ops.cast(cell * bins + bin_index, "int32")
                index = ops.reshape(index, (-1, regions * points**2))
                weight = row_weight[..., :, None] * column_weight[..., None, :]
                weight = ops.reshape(weight, (-1, regions * points**2, 1))
                total = total + take_rows(cells, index) * weight
        # Mean over a bin's points: first its rows, then its columns.
        total = ops.reshape(total, (-1, self.samples, points, groups))
        total = ops.mean(total, axis=1)
        total = ops.mean(ops.reshape(total, (-1, self.samples, groups)), axis=1)
        return ops.reshape(total, (-1, regions, channels))

    def _points(self, start: Any, end: Any, cells: int, stride: float) -> Any:
        """Give where `(B, N)` extents are sampled, `(B, N, points)` in index coords."""
        points = self.grid * self.samples
        share = ((np.arange(points) + 0.5) / points).astype(np.float32)
        place = start[..., None] + (end - start)[..., None] * share
        return ops.clip(place / stride - 0.5, 0.0, cells - 1.0)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        names = ("input_height", "input_width", "grid", "samples")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own}


def _taps(places: Any, cells: int) -> list[tuple[Any, Any]]:
    """Give the two cells that a place lies between, and the weight of each."""
    first = ops.floor(places)
    share = places - first
    second = ops.minimum(first + 1, cells - 1.0)
    return [(first, 1 - share), (second, share)]


@keras.saving.register_keras_serializable(package="vod")
class RegionBoxes(keras.layers.Layer):
    """Turn `[codes, proposals]`, both `(B, N, 4)`, into boxes inside the picture.

    Args:
        input_height: rows of the detector's input.
        input_width: columns of the detector's input.
    """

    def __init__(self, *, input_height: int, input_width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.input_height = input_height
        self.input_width = input_width

    def call(self, inputs: list[Any]) -> Any:
        """Decode; see the class."""
        boxes = decode_codes(inputs[0], inputs[1])
        return clip_boxes(boxes, self.input_height, self.input_width)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        size = {"input_height": self.input_height, "input_width": self.input_width}
        return {**super().get_config(), **size}


@keras.saving.register_keras_serializable(package="vod")
class RegionScores(keras.layers.Layer):
    """Turn `[logits, mask]` into `(B, N, classes)` scores; background goes.

    Logits are `(B, N, 1 + classes)`, background first; mask is `(B, N)`, and padding's
    scores are 0.
    """

    def call(self, inputs: list[Any]) -> Any:
        """Give softmax scores; see the class."""
        logits, mask = inputs
        return ops.softmax(logits, axis=-1)[..., 1:] * mask[..., None]


def light_head(regions: Any, proposals: Any, config: TwoStageConfig) -> tuple[Any, Any]:
    """Wire the second stage's two sibling layers onto the regions' values.

    Args:
        regions: the position-sensitive map.
        proposals: `(B, N, 4)`.
        config: of the detector.

    Returns:
        Logits `(B, N, 1 + class_count)`, background first, and codes `(B, N, 4)`
        relative to the proposals, the same for every class.
    """
    size = {"input_height": config.input_height, "input_width": config.input_width}
    align = PositionSensitiveAlign(
        **size,
        grid=config.grid,
        samples=config.samples,
        name="align",
        dtype="float32",  # of places, whatever precision the networks run in
    )
    values = align([regions, proposals])
    logits = keras.layers.Dense(1 + config.class_count, name="region_logits")(values)
    return logits, keras.layers.Dense(4, name="region_codes")(values)
