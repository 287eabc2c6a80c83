"""Read YOLO labels, a folder of pictures and a folder of labels for each clip.

A picture's labels are the file of the same name where the last folder `images` of its
path is called `labels` (as Ultralytics has it), or else beside the picture:

    ROOT/<clip>/images/0001.jpg     ROOT/<clip>/labels/0001.txt
    ROOT/images/<clip>/0001.jpg     ROOT/labels/<clip>/0001.txt
    ROOT/<clip>/0001.jpg            ROOT/<clip>/0001.txt

A line is `<class from 0> <cx> <cy> <w> <h>`, in shares of the picture's width and
height, and may end in a track id. A picture without a file has no objects. Names of the
classes come from `data.yaml`, `classes.txt`, `obj.names` or `*.names` in ROOT.

One folder of pictures is one clip, unless their names differ in more than the number at
their end: `a_0001.jpg` and `b_0001.jpg` are two clips.
"""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from vod.dataset.building import UNKNOWN_TRACK, GroundTruthBuilder
from vod.errors import AnnotationError
from vod.ground_truth import GroundTruth
from vod.images import IMAGE_SUFFIXES, natural_key, read_image

_NUMBER: Final = re.compile(r"^(.*?)[ _\-.]*(\d*)$")
_EXPECTED: Final = "'<class> <cx> <cy> <w> <h>' in shares of the picture, each 0 to 1"
_SLACK: Final = 1e-3  # of the picture; labels are often rounded to a little above 1
_CLASS_FILES: Final = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt")


def read_yolo(root: Path, classes: Sequence[str] = ()) -> GroundTruth:
    """Read all clips below a folder.

    Frames are numbered from 0 by the numbers in their names, and a gap stays one; where
    the names have no numbers, by their order.

    Args:
        root: see the head of this file.
        classes: names by number; empty: as a file in `root` says.

    Raises:
        AnnotationError: naming the file and line that is missing or wrong.
        VideoError: a picture that cannot be read.
    """
    names = tuple(classes) or read_class_names(root)
    clips = _clips(root)
    if not clips:
        raise AnnotationError(
            f"{root} holds no pictures in folders of clips; expected, for example, "
            f"{root}/<clip>/images/0001.jpg."
        )
    builder = GroundTruthBuilder(names, root)
    used = set()
    for clip, pictures in clips.items():
        for number, picture in zip(_numbers(pictures), pictures, strict=True):
            height, width = read_image(picture).shape[:2]
            builder.add_frame(clip, number, image=picture, size=(height, width))
            path = _label_path(root, picture)
            used.add(path)
            for label, box, track in _read_labels(path, len(names)):
                x1, y1, x2, y2 = box
                pixels = (x1 * width, y1 * height, x2 * width, y2 * height)
                builder.add_object(pixels, label, track_id=track)
    for path in sorted(root.rglob("labels/**/*.txt")):
        if path not in used and path.name not in _CLASS_FILES:
            raise AnnotationError(
                f"{path} has no picture; expected one of the same name where its "
                "folder 'labels' is called 'images'."
            )
    return builder.build()


def read_class_names(root: Path) -> tuple[str, ...]:
    """Read the names of the classes by number.

    Raises:
        AnnotationError: there is no file of them, or it cannot be read.
    """
    found = [root / name for name in _CLASS_FILES if (root / name).is_file()]
    found += sorted(root.glob("*.names"))
    if not found:
        raise AnnotationError(
            f"{root} does not say what its classes are called: expected data.yaml, "
            "classes.txt or obj.names there, or --classes car,dog."
        )
    path = found[0]
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix not in (".yaml", ".yml"):
            names = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            listed = yaml.safe_load(text)["names"]
            if isinstance(listed, dict):
                listed = [listed[number] for number in range(len(listed))]
            names = [str(name) for name in listed]
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise AnnotationError(
            f"{path} needs the class names as 'names: [car, dog]' or 'names: {{0: car, "
            "1: dog}}'."
        ) from error
    if not names:
        raise AnnotationError(f"{path} names no class.")
    return tuple(names)


def _clips(root: Path) -> dict[str, list[Path]]:
    """Give the pictures of every clip in order, clips in order too."""
    clips: dict[str, list[Path]] = {}
    for folder, _, names in sorted(
        os.walk(root), key=lambda found: natural_key(found[0])
    ):
        pictures = [
            Path(folder, name)
            for name in names
            if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")
        ]
        pictures.sort(key=lambda path: natural_key(path.name))
        parts = list(Path(folder).relative_to(root).parts)
        if "images" in parts:
            del parts[_last(parts, "images")]
        prefixes = {_split_number(path)[0] for path in pictures}
        for picture in pictures:
            own = [_split_number(picture)[0]] if len(prefixes) > 1 else []
            clip = "/".join([*parts, *own]) or root.resolve().name
            clips.setdefault(clip, []).append(picture)
    return clips


def _last(parts: Sequence[str], name: str) -> int:
    return max(position for position, part in enumerate(parts) if part == name)


def _split_number(path: Path) -> tuple[str, str]:
    found = _NUMBER.match(path.stem)
    return (found[1], found[2]) if found else (path.stem, "")


def _numbers(pictures: Sequence[Path]) -> list[int]:
    """Give the number of each picture in its clip, the first 0."""
    texts = [_split_number(path)[1] for path in pictures]
    numbers = [int(text or -1) for text in texts]
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        return list(range(len(pictures)))
    return [number - min(numbers) for number in numbers]


def _read_labels(
    path: Path | None, num_classes: int
) -> list[tuple[int, tuple[float, float, float, float], int]]:
    """Give label, x1, y1, x2, y2 in shares and track of a picture's objects."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error
    objects = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _parse(line.split(), num_classes)
        if isinstance(found, str):
            raise AnnotationError(
                f"{path} line {number}: expected {found}, received "
                f"'{line.strip()[:80]}'."
            )
        objects.append(found)
    return objects


def _label_path(root: Path, picture: Path) -> Path | None:
    parts = list(picture.relative_to(root).parts)
    beside = picture.with_suffix(".txt")
    if "images" in parts[:-1]:
        parts[_last(parts[:-1], "images")] = "labels"
        below = root.joinpath(*parts).with_suffix(".txt")
        if below.is_file():
            return below
    return beside if beside.is_file() else None


def _parse(
    fields: Sequence[str], num_classes: int
) -> tuple[int, tuple[float, float, float, float], int] | str:
    """Give an object, or what was expected instead of the line."""
    try:
        cx, cy, w, h = map(float, fields[1:5])
        label = int(fields[0])
        track = int(fields[5]) if len(fields) > 5 else UNKNOWN_TRACK
    except ValueError:
        return _EXPECTED
    shares = (cx, cy, w, h)
    if len(fields) > 6 or not all(map(math.isfinite, shares)):
        return _EXPECTED
    if min(cx, cy) < -_SLACK or max(shares) > 1 + _SLACK or min(w, h) <= 0:
        return _EXPECTED
    if not 0 <= label < num_classes:
        return f"a class from 0 to {num_classes - 1}"
    return label, (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), track
