"""The codes of `detector.box_coding` in a graph: functions of tensors, and a layer."""

import math
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from detector.box_coding import CENTRE_SCALE, SIDE_SCALE

LEAST_SIDE: Final = 1e-2
"""Of a box that is encoded in a graph, in the references' unit."""

LARGEST_GROWTH: Final = 1000 / 16
"""Times that a box may be larger than what it is relative to, in training networks.

Detectron's limit: an untrained network's exponential would overflow."""


def encode_codes(boxes: Any, references: Any) -> Any:
    """Give the codes of boxes relative to other boxes, all `(..., 4)`, in a graph.

    `encode_boxes` for references that a network computes, x1, y1, x2, y2. A side below
    `LEAST_SIDE` counts as that long, so that no box gives a code that is no number.
    """
    sides, ours = (
        ops.maximum(rows[..., 2:] - rows[..., :2], LEAST_SIDE)
        for rows in (references, boxes)
    )
    offsets = (
        boxes[..., :2] + boxes[..., 2:] - references[..., :2] - references[..., 2:]
    )
    middle = offsets / 2 / sides * CENTRE_SCALE
    return ops.concatenate([middle, ops.log(ours / sides) * SIDE_SCALE], axis=-1)


def decode_codes(codes: Any, references: Any) -> Any:
    """Give the boxes of codes relative to other boxes, all `(..., 4)`, in a graph.

    `decode_boxes` for references that a network computes, x1, y1, x2, y2, with growth
    bounded by `LARGEST_GROWTH`.
    """
    sides = references[..., 2:] - references[..., :2]
    centres = (references[..., 2:] + references[..., :2]) / 2
    middle = codes[..., :2] / CENTRE_SCALE * sides + centres
    growth = ops.minimum(codes[..., 2:] / SIDE_SCALE, math.log(LARGEST_GROWTH))
    half = ops.exp(growth) * sides / 2
    return ops.concatenate([middle - half, middle + half], axis=-1)


@keras.saving.register_keras_serializable(package="vod")
class BoxDecoder(keras.layers.Layer):
    """Turn `(B, N, 4)` codes into `(B, N, 4)` boxes: `decode_boxes` in a graph.

    Attributes:
        anchors: `(N, 4)` centre x, centre y, width, height in detector-input pixels.
    """

    def __init__(self, anchors: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.anchors = np.asarray(anchors, np.float32)

    def call(self, codes: Any) -> Any:
        """Decode; scales are folded into the constants, so that few operations run."""
        centres, sides = self.anchors[:, :2], self.anchors[:, 2:]
        middle = codes[:, :, :2] * (sides / np.float32(CENTRE_SCALE)) + centres
        growth = codes[:, :, 2:] * np.float32(1 / SIDE_SCALE)
        half = ops.exp(growth) * (sides / np.float32(2))
        return ops.concatenate([middle - half, middle + half], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "anchors": self.anchors.tolist()}
