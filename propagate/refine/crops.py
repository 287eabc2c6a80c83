"""What the refiner looks at, and how it says where a box belongs.

A crop is the surrounding of a box, stretched to a square: whatever the object's size
and shape, its box is the same place in the crop. A correction is told in sides of the
box, as in Fast R-CNN: (dx / w, dy / h, log w'/w, log h'/h).
"""

from typing import Final

import cv2
import numpy as np

from vod.types import ByteArray, FloatArray

GREY: Final = (127, 127, 127)
"""Beyond the picture; about 0 after normalisation, as a convolution's padding."""

LEAST_SIDE: Final = 4.0
"""Pixels: a smaller box is framed as if it had this side."""

LARGEST_CHANGE: Final = 1.0
"""Most that a correction may say: a box's side, or a factor of e."""

SMOOTH_FROM: Final = 1.6
"""Pixels of the picture a pixel of the crop from which the picture is averaged first,
or fine texture would turn to noise."""


BLOCK: Final = 64
"""Pixels whose values fill vector registers of any processor. OpenCV rounds otherwise
in the columns that fill none, the last: parts of whole blocks leave none but those."""


def crop_boxes(
    picture: ByteArray, boxes: FloatArray, *, side: int, context: float
) -> ByteArray:
    """Cut out the surroundings of boxes.

    Args:
        picture: `(H, W, 3)` uint8.
        boxes: `(N, 4)` x1, y1, x2, y2 in its pixels, continuous.
        side: rows and columns of a crop.
        context: side of a crop in sides of its box.

    Returns:
        `(N, side, side, 3)` uint8; `GREY` beyond the picture.
    """
    crops = np.empty((len(boxes), side, side, 3), np.uint8)
    for crop, (x1, y1, x2, y2) in zip(crops, boxes.tolist(), strict=True):
        across = side / (max(x2 - x1, LEAST_SIDE) * context)
        along = side / (max(y2 - y1, LEAST_SIDE) * context)
        # A pixel's centre is its index + 0.5; the box's centre becomes the crop's.
        right = side / 2 - 0.5 - across * ((x1 + x2) / 2 - 0.5)
        down = side / 2 - 0.5 - along * ((y1 + y2) / 2 - 0.5)
        source, steps = picture, (1 / across, 1 / along)
        if max(steps) > SMOOTH_FROM:
            source = _averaged(picture, steps, ((x1 + x2) / 2, (y1 + y2) / 2), side)
        cv2.warpAffine(
            source,
            np.array([[across, 0, right], [0, along, down]]),
            (side, side),
            dst=crop,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=GREY,
        )
    return crops


def _averaged(
    picture: ByteArray,
    steps: tuple[float, float],
    centre: tuple[float, float],
    side: int,
) -> ByteArray:
    """Average a picture over each pixel's neighbours, where a crop reads it.

    There, to the bit, it is the whole picture averaged, in half the time.

    Args:
        picture: `(H, W, 3)` uint8.
        steps: x, y; pixels of the picture a pixel of the crop.
        centre: x, y of the crop in the picture.
        side: rows and columns of the crop.

    Returns:
        `(H, W, 3)` uint8; what the crop does not read means nothing.
    """
    window = [max(1, round(step)) for step in steps]
    reach = [
        # Between two pixels both are read, and of both all that their windows cover.
        side * step / 2 + length + 2
        for step, length in zip(steps, window, strict=True)
    ]
    columns = _blocks(centre[0], reach[0], picture.shape[1])
    rows = _blocks(centre[1], reach[1], picture.shape[0])
    averaged = np.empty_like(picture)
    averaged[rows, columns] = cv2.blur(picture[rows, columns], window)
    return averaged


def _blocks(middle: float, reach: float, limit: int) -> slice:
    """Give all pixels of the blocks within reach, at least of one."""
    first = min(max(int(middle - reach), 0), limit - 1) // BLOCK
    last = max(int(middle + reach) // BLOCK, first)
    return slice(first * BLOCK, (last + 1) * BLOCK)


def encode_corrections(targets: FloatArray, boxes: FloatArray) -> FloatArray:
    """Say in `(N, 4)` how `boxes` must change to become `targets`, both `(N, 4)`."""
    sides, wanted = _sides(boxes), _sides(targets)
    away = ((targets[:, :2] + targets[:, 2:]) - (boxes[:, :2] + boxes[:, 2:])) / 2
    codes: FloatArray = np.concatenate([away / sides, np.log(wanted / sides)], 1)
    return np.clip(codes, -LARGEST_CHANGE, LARGEST_CHANGE).astype(np.float32)


def apply_corrections(codes: FloatArray, boxes: FloatArray) -> FloatArray:
    """Change `(N, 4)` boxes as `codes` `(N, 4)` say; undoes `encode_corrections`."""
    codes = np.clip(codes, -LARGEST_CHANGE, LARGEST_CHANGE)
    sides = _sides(boxes)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 + codes[:, :2] * sides
    half = sides * np.exp(codes[:, 2:]) / 2
    return np.concatenate([centres - half, centres + half], 1).astype(np.float32)


def _sides(boxes: FloatArray) -> FloatArray:
    sides: FloatArray = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    return sides
