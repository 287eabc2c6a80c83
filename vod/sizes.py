"""Sizes of pictures, and how command lines state them."""

import re

from vod.errors import ConfigError

Size = tuple[int, int]
"""Rows, columns."""


def parse_size(text: str) -> Size:
    """Read `HEIGHTxWIDTH`.

    Raises:
        ConfigError: it does not read so.
    """
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or 0 in map(int, match.groups()):
        raise ConfigError(f"a size is HEIGHTxWIDTH, like 150x150; received '{text}'.")
    return int(match[1]), int(match[2])
