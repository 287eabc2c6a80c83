"""What a JPEG file says of itself, without decoding it."""

from typing import Final

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_TRAILING_BYTES: Final = 4096  # some cameras write notes behind the end mark
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
# Start of frame, baseline to lossless; C4, C8 and CC are tables.
_FRAME_MARKS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HEADER_BYTES: Final = 9  # mark, length, precision, height, width


def is_jpeg(data: bytes) -> bool:
    """Say whether the file starts as a JPEG does."""
    return data.startswith(_START)


def is_cut_short(data: bytes) -> bool:
    """Say whether a JPEG lacks its end, which decoders fill with grey."""
    return _END not in data[-_TRAILING_BYTES:]


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Give height and width in pixels, None where the header is broken.

    Source: ITU-T T.81, annex B.2: segments of a mark, a length and a body.
    """
    position = len(_START)
    while position + _HEADER_BYTES <= len(data):
        if data[position] != 0xFF:
            return None
        mark = data[position + 1]
        if mark == 0xFF:  # a fill byte
            position += 1
        elif mark in _WITHOUT_LENGTH:
            position += 2
        elif mark in _FRAME_MARKS:
            height = int.from_bytes(data[position + 5 : position + 7], "big")
            width = int.from_bytes(data[position + 7 : position + 9], "big")
            return height, width
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
