"""Read sequences as MOTChallenge lays them out, and tools that copy it.

    ROOT/<sequence>/seqinfo.ini    imDir, imExt, imWidth, imHeight, seqLength
    ROOT/<sequence>/img1/000001.jpg
    ROOT/<sequence>/gt/gt.txt      frame, id, left, top, width, height, flag, class,
                                   visibility

Frames and ids count from 1. A line whose flag is 0 is not to be scored and is left out.
Lines may end early: without a class (or with -1) an object is of class 1. Numbers of
boxes are taken as they are; MOTChallenge's own count the first pixel as 1, annotation
tools that write its layout as 0, and no file says which.
"""

import configparser
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vod.dataset.building import GroundTruthBuilder
from vod.errors import AnnotationError
from vod.ground_truth import GroundTruth
from vod.images import IMAGE_SUFFIXES, natural_key, read_image

logger = logging.getLogger(__name__)

MOT_CLASSES: Final = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
    "crowd",
)
"""Source: Milan et al., MOT16: A benchmark for multi-object tracking, 2016, table 4."""

OCCLUDED_BELOW: Final = 0.5
"""Share of an object that is visible, below which it is called occluded."""

_EXPECTED: Final = "'frame,id,left,top,width,height[,flag,class,visibility]'"


@dataclass(frozen=True, slots=True)
class _Object:
    box: tuple[float, float, float, float]
    label: int
    track_id: int
    occluded: bool


def read_mot(root: Path, classes: Sequence[str] = ()) -> GroundTruth:
    """Read all sequences below a folder, or the folder's own.

    Args:
        root: see the head of this file.
        classes: names by number from 1; empty: a sequence's `gt/labels.txt`, which
            annotation tools write, else `MOT_CLASSES`.

    Raises:
        AnnotationError: naming the file and line that is missing or wrong.
        VideoError: a picture that cannot be read.
    """
    sequences = [path.parent.parent for path in sorted(root.rglob("gt/gt.txt"))]
    if not sequences:
        raise AnnotationError(
            f"{root} holds no sequence; expected {root}/<sequence>/gt/gt.txt."
        )
    names = tuple(classes) or _class_names(sequences)
    builder = GroundTruthBuilder(names, root)
    for sequence in sequences:
        name = sequence.relative_to(root).as_posix()
        name = root.resolve().name if name == "." else name
        pictures, size = _pictures(sequence)
        objects = _read_objects(sequence / "gt" / "gt.txt", len(pictures), len(names))
        for number, picture in enumerate(pictures):
            own_size = size or read_image(picture).shape[:2]
            builder.add_frame(name, number, image=picture, size=own_size)
            for found in objects.get(number + 1, ()):
                builder.add_object(
                    found.box,
                    found.label,
                    track_id=found.track_id,
                    occluded=found.occluded,
                )
    return builder.build()


def _class_names(sequences: Sequence[Path]) -> tuple[str, ...]:
    lists = {}
    for sequence in sequences:
        path = sequence / "gt" / "labels.txt"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            lists[tuple(line.strip() for line in lines if line.strip())] = path
    if len(lists) > 1:
        first, second = list(lists.values())[:2]
        raise AnnotationError(
            f"{first} and {second} name different classes; convert these sequences "
            "apart, or name all classes with --classes."
        )
    return next(iter(lists), MOT_CLASSES)


def _pictures(sequence: Path) -> tuple[list[Path], tuple[int, int] | None]:
    """Give the pictures in order and, where seqinfo.ini says it, height and width."""
    info = _sequence_info(sequence / "seqinfo.ini")
    folder = sequence / info.get("imdir", "img1")
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as error:
        raise AnnotationError(
            f"the pictures {folder} cannot be read: {error.strerror}."
        ) from error
    pictures = sorted(found, key=lambda path: natural_key(path.name))
    try:
        length = int(info.get("seqlength", len(pictures)))
        size = int(info.get("imheight", 0)), int(info.get("imwidth", 0))
    except ValueError as error:
        raise AnnotationError(
            f"{sequence / 'seqinfo.ini'}: seqLength, imWidth and imHeight must be "
            "whole numbers."
        ) from error
    if length != len(pictures) or not pictures:
        raise AnnotationError(
            f"{folder} has {len(pictures)} pictures and the sequence {length} frames; "
            "each frame needs its picture."
        )
    return pictures, size if min(size) > 0 else None


def _sequence_info(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
        return parser["Sequence"]
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror}.") from error
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise AnnotationError(
            f"{path} needs a section [Sequence] with lines such as seqLength=600."
        ) from error


def _read_objects(
    path: Path, num_frames: int, num_classes: int
) -> dict[int, list[_Object]]:
    """Give the objects by frame number from 1."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error
    objects: dict[int, list[_Object]] = {}
    left_out = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fault = _fault(line, num_frames, num_classes)
        if fault:
            raise AnnotationError(
                f"{path} line {number}: expected {fault}, received "
                f"'{line.strip()[:80]}'."
            )
        frame, found = _parse(line)
        if found is None:
            left_out += 1
        else:
            objects.setdefault(frame, []).append(found)
    if left_out:
        logger.info("%s: %d lines with the flag 0 are left out.", path, left_out)
    return objects


def _values(line: str) -> list[float]:
    return [float(field) for field in line.split(",")]


def _fault(line: str, num_frames: int, num_classes: int) -> str:
    """Give what was expected in place of a line; nothing where it is right."""
    try:
        values = _values(line)
    except ValueError:
        return _EXPECTED
    if not 6 <= len(values) <= 10 or not all(map(math.isfinite, values)):
        return _EXPECTED
    if not all(value.is_integer() for value in (*values[:2], *values[7:8])):
        return f"{_EXPECTED} with whole numbers as frame, id and class"
    if not 1 <= values[0] <= num_frames:
        return f"a frame from 1 to {num_frames}"
    if min(values[4:6]) <= 0:
        return "a width and a height above 0"
    if len(values) > 7 and not (values[7] == -1 or 1 <= values[7] <= num_classes):
        return f"a class from 1 to {num_classes}"
    return ""


def _parse(line: str) -> tuple[int, _Object | None]:
    """Give frame and object of a right line; None where the flag is 0."""
    values = _values(line)
    frame, track, left, top, width, height = values[:6]
    flag, number, visibility = [*values[6:9], *(1.0, 1.0, 1.0)[len(values[6:9]) :]]
    if flag == 0:
        return int(frame), None
    return int(frame), _Object(
        (left, top, left + width, top + height),
        max(int(number), 1) - 1,
        int(track),
        0 <= visibility < OCCLUDED_BELOW,
    )
