"""Sizes of pictures, and how command lines state them."""

import math
import re
from itertools import product
from typing import Final

from vod.errors import ConfigError

Size = tuple[int, int]
"""Rows, columns."""

SIDE_STEP: Final = 32
"""Sides that follow from a number of pixels differ from the trained ones by this.

A network that halves its maps five times then halves them as it did in training, so
that what its cells see, of the border too, lies where it lay. Trained on 300 x 300, AP
is .59 at 236 x 236 and .56 at 256 x 256 (docs/export.md).
"""

USUAL_SHAPE: Final = 4 / 3
"""Longer side of training pictures over the shorter: those of COCO mostly are 4:3."""


def parse_size(text: str) -> Size:
    """Read `HEIGHTxWIDTH`.

    Raises:
        ConfigError: it does not read so.
    """
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or 0 in map(int, match.groups()):
        raise ConfigError(f"a size is HEIGHTxWIDTH, like 150x150; received '{text}'.")
    return int(match[1]), int(match[2])


def parse_size_or_pixels(text: str) -> Size | int:
    """Read `HEIGHTxWIDTH`, or a number of pixels.

    Raises:
        ConfigError: it is neither.
    """
    if re.fullmatch(r"\d+", text):
        return int(text)
    try:
        return parse_size(text)
    except ConfigError as error:
        raise ConfigError(
            "a size is HEIGHTxWIDTH, like 236x268, or a number of pixels, like 66000; "
            f"received '{text}'."
        ) from error


def size_of_pixels(pixels: int, *, height: float, width: float, trained: Size) -> Size:
    """Give the sides of an input of about so many pixels for pictures of a shape.

    A network that was trained on pictures stretched to a square knows things as they
    look then. So a shape of up to `USUAL_SHAPE` becomes that square. A longer one is
    stretched more than that shape was: the square root of the rest is left, and 16:9
    becomes 1.15, half-way between a square and stretched like the shapes of training.

    Args:
        pixels: how many.
        height: of the pictures, in any unit.
        width: of the pictures, in the same unit.
        trained: of the input in training.
    """
    shape = width / height
    stretch = min(max(shape, 1 / USUAL_SHAPE), USUAL_SHAPE)
    shape = math.sqrt(shape / stretch) * trained[1] / trained[0]
    rows = _sides_around(math.sqrt(pixels / shape), trained[0])
    columns = _sides_around(math.sqrt(pixels * shape), trained[1])

    def off(size: Size) -> float:
        area, ratio = size[0] * size[1], size[1] / size[0]
        return abs(math.log(area / pixels)) + abs(math.log(ratio / shape)) / 2

    return min(product(rows, columns), key=off)


def _sides_around(side: float, trained: int) -> list[int]:
    """Give the nearest below and above that are halved like the trained one."""
    least = trained % SIDE_STEP or SIDE_STEP
    below = least + max(0, int(side - least) // SIDE_STEP) * SIDE_STEP
    return [below, below + SIDE_STEP]
