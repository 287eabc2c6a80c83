"""Read ILSVRC VID submission lines, `index class score xmin ymin xmax ymax`."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.errors import AnnotationError
from vod.predictions import UNKNOWN_AGE, Predictions
from vod.text_blocks import text_blocks

_COLUMNS: Final = 7
_EXPECTED: Final = "'index class score xmin ymin xmax ymax', all finite numbers"
_SHOWN: Final = 80  # characters of a wrong line in a message


def read_submission_lines(path: Path, classes: Sequence[str]) -> Predictions:
    """Read a result file of the official devkit, plain or gzip.

    Boxes stay as they are: outside the picture, or with xmax < xmin. Empty lines are
    skipped. A last line that was cut inside its last number cannot be told from a whole
    one; cut anywhere else it is an error.

    Args:
        path: 10 million lines are 500 MB of text and 520 MB in memory.
        classes: of the ground truth; class 1 of the file is the first.

    Raises:
        AnnotationError: naming the file and line that cannot be read.
    """
    parts = [
        _parse(path, number, text, len(classes)) for number, text in text_blocks(path)
    ]
    columns = []
    for position, dtype in enumerate((np.int64, np.int32, np.float64, np.float64)):
        shape = (0, 4) if position == 3 else (0,)
        pieces = [np.zeros(shape, dtype), *(part[position] for part in parts)]
        columns.append(np.concatenate(pieces))
        for part in parts:
            part[position] = pieces[0]  # free each piece once it is copied
    indices, labels, scores, boxes = columns
    ages = np.full(len(scores), UNKNOWN_AGE, np.int32)
    return Predictions(tuple(classes), indices, labels, scores, boxes, ages)


def _parse(
    path: Path, number: int, text: str, num_classes: int
) -> list[npt.NDArray[Any]]:
    """Give indices, labels, scores and boxes of one block of lines."""
    if not text or text.isspace():
        table = np.zeros((0, _COLUMNS))
    else:
        try:
            table = np.loadtxt(io.StringIO(text), comments=None, ndmin=2)
        except ValueError as error:
            raise _wrong_line(path, number, text, num_classes) from error
    if table.shape[1] != _COLUMNS or not np.isfinite(table).all():
        raise _wrong_line(path, number, text, num_classes)
    whole = (table[:, :2] == np.trunc(table[:, :2])).all()
    if not whole or table[:, 1].min(initial=1) < 1 or (table[:, 1] > num_classes).any():
        raise _wrong_line(path, number, text, num_classes)
    index, label = table[:, 0].astype(np.int64), table[:, 1].astype(np.int32) - 1
    return [index, label, table[:, 2].copy(), table[:, 3:].copy()]


def _wrong_line(path: Path, first: int, text: str, num_classes: int) -> AnnotationError:
    """Say which line of a block is wrong, and how; slow, once a file."""
    for number, line in enumerate(text.split("\n"), first):
        if line.strip() and (expected := _fault(line, num_classes)):
            return AnnotationError(
                f"{path} line {number}: expected {expected}, received "
                f"'{line.strip()[:_SHOWN]}'."
            )
    return AnnotationError(f"{path} from line {first} on: expected {_EXPECTED}.")


def _fault(line: str, num_classes: int) -> str:
    """Give what was expected in place of a line; nothing where it is right."""
    try:
        values = [float(field) for field in line.split()]
    except ValueError:
        values = []
    if (
        len(values) != _COLUMNS
        or "_" in line
        or not all(map(math.isfinite, values))
        or not values[0].is_integer()
    ):
        return _EXPECTED
    if not (values[1].is_integer() and 1 <= values[1] <= num_classes):
        return f"a class from 1 to {num_classes}"
    return ""
