"""A detector that always finds as many boxes as one asks for, for measuring cost."""

import math
from dataclasses import replace
from typing import Final

import numpy as np

from propagate.parts import Parts
from vod.errors import ConfigError
from vod.types import FloatArray

SCORE: Final = 0.9
FILL: Final = 0.8  # side of a box as a share of its cell: neighbours do not touch


def crowded(parts: Parts, count: int) -> Parts:
    """Give parts whose detector runs as ever, but whose boxes are `count` in a grid.

    The network's own boxes and scores are replaced before post-processing, so that
    decoding, suppression, carrying and fusing meet exactly so many on each key frame.

    Raises:
        ConfigError: fewer than 0, or more than the network has anchors.
    """
    head = parts.detector.head
    height = parts.detector.preprocessing.height
    width = parts.detector.preprocessing.width

    def run(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = head(*maps)
        if not 0 <= count <= boxes.shape[1]:
            raise ConfigError(
                f"a frame can hold 0 to {boxes.shape[1]} boxes, asked for {count}."
            )
        boxes, scores = boxes.copy(), np.zeros_like(scores)
        boxes[0, :count] = grid(count, height=height, width=width)
        rows = np.arange(count)
        scores[0, rows, rows % scores.shape[2]] = SCORE
        return boxes, scores

    return replace(
        parts,
        detector=replace(parts.detector, head=run),
        postprocess=replace(parts.postprocess, max_detections=max(1, count)),
    )


def grid(count: int, *, height: int, width: int) -> FloatArray:
    """Give `(count, 4)` boxes, row by row over a picture, none touching another."""
    columns = max(1, math.ceil(math.sqrt(count)))
    row, column = np.divmod(np.arange(count), columns)
    centres = (np.stack([column, row], -1) + 0.5) / columns
    half = FILL / 2 / columns
    size = np.array([width, height, width, height])
    boxes: FloatArray = (
        np.concatenate([centres - half, centres + half], -1) * size
    ).astype(np.float32)
    return boxes
