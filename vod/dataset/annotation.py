"""One annotation file (PASCAL VOC style XML) of ImageNet VID or DET.

Nearly all files are written by one program, so their whole text fits one pattern, which
is read five times faster than by an XML parser; whatever does not fit it to the last
byte goes to the parser, and both give the same values (a test compares them).
"""

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from vod.errors import AnnotationError
from vod.imagenet_vid import VID_CLASSES

UNKNOWN_TRACK: Final = -1
MISSING: Final = "annotation missing"
LABEL_OF_WNID: Final = {wnid: label for label, wnid in enumerate(VID_CLASSES)}
"""Label of ImageNet's classes by what the annotations call them."""

_TEXT: Final = rb"[\w ./,:()+\-]*"
_NUMBER: Final = rb"(-?\d{1,9}(?:\.\d{1,9})?)"
_OBJECT: Final = (
    rb"\s*<object>\s*<trackid>(\d{1,9})</trackid>\s*<name>([\w.\-]+)</name>\s*<bndbox>"
    rb"\s*<xmax>%(n)s</xmax>\s*<xmin>%(n)s</xmin>\s*<ymax>%(n)s</ymax>"
    rb"\s*<ymin>%(n)s</ymin>\s*</bndbox>\s*<occluded>([01])</occluded>"
    rb"\s*<generated>([01])</generated>\s*</object>"
) % {b"n": _NUMBER}
_DOCUMENT: Final = re.compile(
    rb"\s*<annotation>\s*<folder>%(text)s</folder>\s*<filename>%(text)s</filename>"
    rb"\s*<source>\s*<database>%(text)s</database>\s*</source>\s*<size>"
    rb"\s*<width>(\d{1,9})</width>\s*<height>(\d{1,9})</height>\s*</size>"
    rb"((?:%(object)s)*)\s*</annotation>\s*"
    % {b"text": _TEXT, b"object": re.sub(rb"\((?!\?)", rb"(?:", _OBJECT)}
)
_OBJECTS: Final = re.compile(_OBJECT)


class BrokenAnnotationError(AnnotationError):
    """An annotation that cannot be used.

    Attributes:
        kind: what is wrong, in a few words that many files may share.
    """

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class AnnotatedObject(NamedTuple):
    """One object; the box names its first and last pixel."""

    label: int
    track_id: int
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    occluded: bool
    generated: bool


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one file says.

    Attributes:
        height: of the picture in pixels, 0 where the file does not say.
        width: likewise.
        objects: in the order of the file.
    """

    height: int
    width: int
    objects: list[AnnotatedObject]


def missing_annotation(path: Path, error: OSError) -> BrokenAnnotationError:
    """Say that a listed frame has no annotation."""
    return BrokenAnnotationError(
        MISSING,
        f"annotation {path} cannot be read ({error.strerror}); every listed frame "
        "needs one, also without objects.",
    )


def parse_annotation(
    data: bytes,
    path: Path | str,
    *,
    still: bool,
    label_of: Mapping[str, int] = LABEL_OF_WNID,
) -> Annotation:
    """Read the text of one file.

    Args:
        data: the file's content.
        path: for messages.
        still: a picture of ImageNet DET: objects of its 170 other classes are left
            out, and no object has a track.
        label_of: the classes, by what the file calls them.

    Raises:
        BrokenAnnotationError: broken XML, an unknown class, no number where one must
            be, or a box turned over.
    """
    document = None if still else _DOCUMENT.fullmatch(data)
    if document is None:
        return _parse_any(data, path, still, label_of)
    width, height, objects = document.groups()
    rows = []
    for track, wnid, *sides, occluded, generated in _OBJECTS.findall(objects):
        xmax, xmin, ymax, ymin = map(float, sides)
        label = label_of.get(wnid.decode())
        if label is None or xmax < xmin or ymax < ymin:
            return _parse_any(data, path, still, label_of)  # which says what is wrong
        flags = occluded == b"1", generated == b"1"
        rows.append(AnnotatedObject(label, int(track), xmin, ymin, xmax, ymax, *flags))
    return Annotation(int(height), int(width), rows)


def _parse_any(
    data: bytes, path: Path | str, still: bool, label_of: Mapping[str, int]
) -> Annotation:
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BrokenAnnotationError(
            "annotation is not XML", f"{path} is not valid XML: {error}."
        ) from error
    rows = []
    for element in root.findall("object"):
        wnid = (element.findtext("name") or "").strip()
        if wnid in label_of:
            rows.append(_object(element, label_of[wnid], path, still=still))
        elif not still:
            raise BrokenAnnotationError(
                "class unknown",
                f"{path}: '{wnid}' is not one of the {_kind_of(label_of)} (such as "
                f"{next(iter(label_of))}).",
            )
    sizes = (root.findtext(f"size/{side}") or "" for side in ("height", "width"))
    height, width = (int(text) if text.strip().isdecimal() else 0 for text in sizes)
    return Annotation(height, width, rows)


def _kind_of(label_of: Mapping[str, int]) -> str:
    """Name a set of classes for a message."""
    if label_of is LABEL_OF_WNID:
        return "30 ImageNet VID classes, and the data set lists no others"
    return f"{len(label_of)} classes that the data set lists"


def _object(
    element: ElementTree.Element, label: int, path: Path | str, *, still: bool
) -> AnnotatedObject:
    track = UNKNOWN_TRACK if still else int(_number(path, element, "trackid"))
    sides = [f"bndbox/{side}" for side in ("xmin", "ymin", "xmax", "ymax")]
    xmin, ymin, xmax, ymax = (_number(path, element, side) for side in sides)
    if xmax < xmin or ymax < ymin:
        raise BrokenAnnotationError(
            "box turned over",
            f"{path}: a box must have xmin <= xmax and ymin <= ymax, received "
            f"{xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}.",
        )
    flags = (
        (element.findtext(tag) or "").strip() == "1"
        for tag in ("occluded", "generated")
    )
    return AnnotatedObject(label, track, xmin, ymin, xmax, ymax, *flags)


def _number(path: Path | str, element: ElementTree.Element, tag: str) -> float:
    text = element.findtext(tag)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BrokenAnnotationError(
            "number unreadable", f"{path}: <{tag}> must be a number, received {text!r}."
        )
    return value
