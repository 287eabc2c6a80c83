"""Boxes as an SSD predicts them: offsets from anchors. Law: decode(encode(b)) = b.

Codes are (tx, ty, tw, th), the order of our boxes; TensorFlow's files hold
(ty, tx, th, tw), which the converter permutes. In a graph: `detector.box_coding_layer`.
"""

from typing import Final

import numpy as np

from vod.types import FloatArray

# `faster_rcnn_box_coder` of the TensorFlow object-detection models.
CENTRE_SCALE: Final = 10.0
SIDE_SCALE: Final = 5.0


def encode_boxes(boxes: FloatArray, anchors: FloatArray) -> FloatArray:
    """Give the `(..., 4)` codes of boxes relative to anchors.

    tx = 10 (x - xa) / wa and tw = 5 log(w / wa), where x is the centre; y alike.

    Args:
        boxes: `(..., 4)` x1, y1, x2, y2 with positive sides, in the anchors' unit.
        anchors: `(..., 4)` centre x, centre y, width, height.
    """
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    sides = boxes[..., 2:] - boxes[..., :2]
    offsets = (centres - anchors[..., :2]) / anchors[..., 2:] * CENTRE_SCALE
    growth = np.log(sides / anchors[..., 2:]) * SIDE_SCALE
    codes: FloatArray = np.concatenate([offsets, growth], axis=-1, dtype=np.float32)
    return codes


def decode_boxes(codes: FloatArray, anchors: FloatArray) -> FloatArray:
    """Give the `(..., 4)` boxes x1, y1, x2, y2 of `encode_boxes`' codes."""
    centres = codes[..., :2] / CENTRE_SCALE * anchors[..., 2:] + anchors[..., :2]
    halves = np.exp(codes[..., 2:] / SIDE_SCALE) * anchors[..., 2:] / 2
    boxes: FloatArray = np.concatenate(
        [centres - halves, centres + halves], axis=-1, dtype=np.float32
    )
    return boxes
