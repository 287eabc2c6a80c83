"""Read a COCO results file, `[{image_id, category_id, bbox [x, y, w, h], score}]`."""

import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from vod.errors import AnnotationError
from vod.ground_truth import GroundTruth
from vod.predictions import UNKNOWN_AGE, Predictions
from vod.text_blocks import text_pieces

_EXPECTED: Final = (
    '{"image_id": 1, "category_id": 1, "bbox": [x, y, width, height], "score": 0.5} '
    "with finite numbers"
)
_BETWEEN: Final = re.compile(r"[ \t\r\n,]*")
_LONGEST: Final = 1 << 20  # characters of one detection
_SHOWN: Final = 80  # characters of a wrong place in a message


def read_coco_results(path: Path, ground_truth: GroundTruth) -> Predictions:
    """Read a COCO results file, plain or gzip, one detection at a time.

    `image_id` is the number by which the ground truth names the frame. `category_id` is
    the number that a COCO ground truth gives its classes, which may lack some: those
    are kept behind its classes, match nothing and are counted. Under any other ground
    truth it is the class number of a submission line, 1 for the first class.

    The numbers stay as they are, xmax = x + width and ymax = y + height, see
    `GroundTruth.category_ids`.

    Raises:
        AnnotationError: naming the file and line where it is wrong.
    """
    names = list(ground_truth.classes)
    numbers = ground_truth.category_ids or range(1, len(names) + 1)
    labels = {number: label for label, number in enumerate(numbers)}
    whole, real = array("q"), array("d")
    items = _Items(path)
    for item in items:
        try:
            x, y, width, height = item["bbox"]
            image, number = item["image_id"], item["category_id"]
            row = (item["score"] + 0.0, x + 0.0, y + 0.0, width + 0.0, height + 0.0)
            whole.extend((image, number))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise items.wrong(_EXPECTED) from error
        if not all(map(math.isfinite, row)):
            raise items.wrong(_EXPECTED)
        if number not in labels:
            if not ground_truth.is_coco:
                raise items.wrong(f"a category_id from 1 to {len(labels)}")
            labels[number] = len(names)
            names.append(f"category {number}")
        real.extend(row)
    return _columns(tuple(names), labels, whole, real)


def _columns(
    names: tuple[str, ...],
    labels: Mapping[int, int],
    whole: "array[int]",
    real: "array[float]",
) -> Predictions:
    image, number = np.frombuffer(whole, np.int64).reshape(-1, 2).T
    known = np.array(sorted(labels), np.int64)
    label_of = np.array([labels[number] for number in known.tolist()], np.int32)
    table = np.frombuffer(real, np.float64).reshape(-1, 5)
    boxes = table[:, 1:].copy()
    boxes[:, 2:] += boxes[:, :2]
    return Predictions(
        names,
        image.copy(),
        label_of[np.searchsorted(known, number)],
        table[:, 0].copy(),
        boxes,
        np.full(len(table), UNKNOWN_AGE, np.int32),
    )


class _Items:
    """The objects of a JSON list one after the other; the list may exceed memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pieces = text_pieces(path)
        self._text = ""
        self._line = 1  # on which the text begins
        self._start = 0  # of the object at hand, in the text

    def __iter__(self) -> Iterator[Any]:
        decode = json.JSONDecoder().raw_decode
        if self._skip(0) != "[":
            raise self.wrong("a list of detections, [ ... ]")
        position = self._start + 1
        while (character := self._skip(position)) != "]":
            if not character:
                raise self.wrong("more detections or the end of the list, ]")
            try:
                item, position = decode(self._text, self._start)
            except ValueError as error:
                if not self._read_on():
                    raise self.wrong(_EXPECTED) from error
                position = self._start
                continue
            yield item
        if character := self._skip(self._start + 1):
            raise self.wrong("nothing behind the end of the list, ]")

    def wrong(self, expected: str) -> AnnotationError:
        """Say what was expected in place of the object at hand."""
        line = self._line + self._text.count("\n", 0, self._start)
        received = self._text[self._start : self._start + _SHOWN].split("\n")[0]
        return AnnotationError(
            f"{self._path} line {line}: expected {expected}, received "
            f"{repr(received) if received else 'the end; is the file cut short?'}"
        )

    def _skip(self, position: int) -> str:
        """Go to the next character that matters and give it; nothing at the end."""
        while True:
            found = _BETWEEN.match(self._text, position)
            self._start = found.end() if found else position
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._read_on():
                return ""
            position = self._start

    def _read_on(self) -> bool:
        """Put the next piece of the file behind the object at hand."""
        self._line += self._text.count("\n", 0, self._start)
        self._text, self._start = self._text[self._start :], 0
        if len(self._text) > _LONGEST:
            return False
        piece = next(self._pieces, "")
        self._text += piece
        return bool(piece)
