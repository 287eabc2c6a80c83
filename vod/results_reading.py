"""Read JSON-lines results (`vod-results/1`, see `vod/results.py`) back."""

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vod.errors import AnnotationError, ShapeError
from vod.provenance import Provenance
from vod.types import Detections, IntArray

SCHEMA: Final = "vod-results/1"
_PROVENANCE_KEYS: Final = {"key_frame", "age", "displacement", "confidence"}
_HEADER_KEYS: Final = {"schema": str, "video": dict, "classes": list}


@dataclass(frozen=True, slots=True)
class ResultsHeader:
    """The first line of a result file.

    Attributes:
        video: facts of the video: name, width, height, average_rate, ...
        classes: names by label.
        config: the configuration that made the results.
        weights: sha256 by file name.
    """

    video: dict[str, Any]
    classes: tuple[str, ...]
    config: dict[str, Any]
    weights: dict[str, str]


@dataclass(frozen=True, eq=False, slots=True)
class ResultLine:
    """What was found in one frame.

    Attributes:
        frame: 0-based index.
        time_s: of the frame, in seconds.
        key_frame: whether the whole detector ran on it.
        detections: labels index the header's classes.
        provenance: of the detections, row by row; None where the file does not say.
        track_ids: `(N,)` int32 number of each detection's track, -1 for none; None
            where nothing was tracked.
    """

    frame: int
    time_s: float
    key_frame: bool
    detections: Detections
    provenance: Provenance | None = None
    track_ids: IntArray | None = None

    def __post_init__(self) -> None:
        told, found = self.provenance, len(self.detections)
        if told is not None and len(told) != found:
            raise ShapeError(
                f"frame {self.frame} has {found} detections and provenance of "
                f"{len(told)}; expected one row each."
            )
        if self.track_ids is not None and self.track_ids.shape != (found,):
            raise ShapeError(
                f"frame {self.frame} has {found} detections and track numbers of shape "
                f"{self.track_ids.shape}; expected one each."
            )


def read_results(path: Path) -> tuple[ResultsHeader, Iterator[ResultLine]]:
    """Read a `.jsonl` or `.jsonl.gz` file, one line at a time.

    Returns:
        The header, and an iterator over the frames.

    Raises:
        AnnotationError: naming the file and line that is wrong; for the frames, while
            iterating.
    """
    lines = _lines(path)
    number, text = next(lines, (1, ""))
    header = _parse(path, number, text)
    if header.get("schema") != SCHEMA:
        raise AnnotationError(
            f"{path} line 1: expected a header with schema '{SCHEMA}', received "
            f"{str(header.get('schema'))!r}."
        )
    for key, kind in _HEADER_KEYS.items():
        if not isinstance(header.get(key), kind):
            raise AnnotationError(f"{path} line 1: the header lacks '{key}'.")
    read = ResultsHeader(
        header["video"],
        tuple(map(str, header["classes"])),
        header.get("config") or {},
        header.get("weights") or {},
    )
    return read, _frames(path, lines, {name: i for i, name in enumerate(read.classes)})


def _frames(
    path: Path, lines: Iterator[tuple[int, str]], labels: dict[str, int]
) -> Iterator[ResultLine]:
    for number, text in lines:
        line = _parse(path, number, text)
        try:
            yield _result_line(line, labels)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            said = f"missing {error}" if isinstance(error, KeyError) else str(error)
            raise AnnotationError(
                f"{path} line {number} is not the results of a frame: {said}."
            ) from error


def _result_line(line: dict[str, Any], labels: dict[str, int]) -> ResultLine:
    found = line["detections"]
    for item in found:
        if item["label"] not in labels:
            raise ValueError(f"label {item['label']!r} is not one of the header's")
    boxes = np.array([item["box"] for item in found], np.float32).reshape(len(found), 4)
    time_s = float(line["time_s"])
    if not (np.isfinite(boxes).all() and math.isfinite(time_s)):
        raise ValueError("a box or time is not a finite number")
    return ResultLine(
        int(line["frame"]),
        time_s,
        bool(line["key_frame"]),
        Detections(
            boxes,
            np.array([item["score"] for item in found], np.float32),
            np.array([labels[item["label"]] for item in found], np.int32),
        ),
        _provenance(found),
        _track_ids(found),
    )


def _provenance(found: list[dict[str, Any]]) -> Provenance | None:
    """Read where detections come from; None where any of them does not say."""
    if not all(item.keys() >= _PROVENANCE_KEYS for item in found):
        return None
    for key in ("key_frame", "age"):
        for item in found:
            if type(item[key]) is not int or item[key] < 0:
                raise ValueError(
                    f"{key} must be a whole number, 0 or more, received {item[key]!r}"
                )
    displacements, confidences = (
        np.array([item[key] for item in found], np.float32)
        for key in ("displacement", "confidence")
    )
    if not (np.isfinite(displacements).all() and np.isfinite(confidences).all()):
        raise ValueError("a displacement or confidence is not a finite number")
    return Provenance(
        np.array([item["key_frame"] for item in found], np.int32),
        np.array([item["age"] for item in found], np.int32),
        displacements,
        confidences,
    )


def _track_ids(found: list[dict[str, Any]]) -> IntArray | None:
    """Read track numbers; None where no detection has the key."""
    if not any("track" in item for item in found):
        return None
    numbers = [item.get("track") for item in found]
    for number in numbers:
        if number is not None and (type(number) is not int or number < 0):
            raise ValueError(
                f"track must be null or a whole number, 0 or more, received {number!r}"
            )
    return np.array([-1 if n is None else n for n in numbers], np.int32)


def _parse(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise AnnotationError(
            f"{path} line {number} is not JSON: {error}; is the file cut short?"
        ) from error
    if not isinstance(value, dict):
        raise AnnotationError(f"{path} line {number} is not a JSON object.")
    return value


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            yield from enumerate(stream, 1)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error
