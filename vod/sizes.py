"""Sizes of pictures, and how command lines state them."""

import math
import re
from typing import Final

from vod.errors import ConfigError

Size = tuple[int, int]
"""Rows, columns."""

SIDE_STEP: Final = 8
"""Sides that follow from a number of pixels are multiples of this."""


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
            "a size is HEIGHTxWIDTH, like 192x344, or a number of pixels, like 66000; "
            f"received '{text}'."
        ) from error


def size_of_pixels(pixels: int, *, height: float, width: float) -> Size:
    """Give the sides of a picture of about so many pixels, in the shape of another.

    Each is the nearest multiple of `SIDE_STEP`: 66000 in the shape of 720 rows and 1280
    columns are 192 rows and 344 columns.

    Args:
        pixels: how many.
        height: of the other picture, in any unit.
        width: of the other picture, in the same unit.
    """
    rows = math.sqrt(pixels * height / width)
    return _stepped(rows), _stepped(pixels / rows)


def _stepped(side: float) -> int:
    return SIDE_STEP * round(side / SIDE_STEP)
