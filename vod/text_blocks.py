"""Big text files, plain or gzip, piece by piece."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from vod.errors import AnnotationError

PIECE_BYTES: Final = 1 << 23
_GZIP_MAGIC: Final = b"\x1f\x8b"


def text_pieces(path: Path) -> Iterator[str]:
    """Yield the text of a file in pieces that end anywhere.

    A file is gzip when its name ends in `.gz` or its first bytes say so.

    Raises:
        AnnotationError: the file is missing, cut short or not UTF-8, with the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    number = 1
    try:
        with _open(path) as stream:
            while piece := stream.read(PIECE_BYTES):
                yield decoder.decode(piece)
                number += piece.count(b"\n")
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line = number + error.object.count(b"\n", 0, error.start)
        raise AnnotationError(
            f"{path} line {line} is not text in UTF-8: {error.reason}."
        ) from error
    except (EOFError, zlib.error) as error:
        raise AnnotationError(
            f"{path} from line {number} on: the compressed file is cut short or broken "
            f"({error})."
        ) from error
    except OSError as error:
        raise AnnotationError(
            f"{path} cannot be read: {error.strerror or error}."
        ) from error


def text_blocks(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the text of a file in pieces that end at the end of a line.

    Yields:
        The number of the block's first line, from 1, and the block.

    Raises:
        AnnotationError: as `text_pieces`, or a line longer than a piece.
    """
    number, rest = 1, ""
    for piece in text_pieces(path):
        end = piece.rfind("\n") + 1
        if end:
            block, rest = rest + piece[:end], piece[end:]
            yield number, block
            number += block.count("\n")
        else:
            rest += piece
            if len(rest) > PIECE_BYTES:
                raise AnnotationError(
                    f"{path} line {number} has more than {PIECE_BYTES:,} characters; a "
                    "file of short lines was expected."
                )
    if rest:
        yield number, rest


def first_character(path: Path) -> str:
    """Give the first character that is not space, or nothing for an empty file."""
    for piece in text_pieces(path):
        if text := piece.lstrip():
            return text[0]
    return ""


def _open(path: Path) -> BinaryIO:
    plain = path.open("rb")
    magic = plain.read(2)
    plain.seek(0)
    if magic == _GZIP_MAGIC:
        plain.close()
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix == ".gz":
        plain.close()
        raise AnnotationError(
            f"{path} line 1: the name says gzip and the content does not; is the file "
            "cut short?"
        )
    return plain
