"""The classes of a data set in ImageNet's layout: the official 30, or its own.

A set with classes of its own has `ImageSets/VID/classes.txt`, a line `<id> <name>` a
class: `id` is what `<name>` in the annotations holds (a WordNet id for ImageNet's
classes), `name` may contain spaces. The number of a class in result lines is the number
of its line. Without this file the classes are the official 30.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vod.errors import AnnotationError
from vod.imagenet_vid import VID_CLASSES, VID_NAMES

CLASS_LIST: Final = "ImageSets/VID/classes.txt"
_ID_OF_NAME: Final = {name: wnid for wnid, name in VID_CLASSES.items()}
_NOT_IN_ID: Final = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True)
class ClassList:
    """Classes in the order of their labels.

    Attributes:
        ids: what the annotations call them.
        names: what people call them.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_official(self) -> bool:
        """Whether these are ImageNet VID's 30 classes in their order."""
        return self == OFFICIAL_CLASSES


OFFICIAL_CLASSES: Final = ClassList(tuple(VID_CLASSES), VID_NAMES)


def name_classes(names: Sequence[str]) -> ClassList:
    """Give every class an id: ImageNet's WordNet id, else the name without spaces.

    Raises:
        AnnotationError: a name that is empty, or two that get the same id.
    """
    names = [" ".join(name.split()) for name in names]
    ids = [_ID_OF_NAME.get(name) or _NOT_IN_ID.sub("_", name) for name in names]
    for position, one in enumerate(ids):
        if not one.strip("_"):
            raise AnnotationError(
                f"class {position + 1} needs a name with letters or digits, received "
                f"'{names[position]}'."
            )
        if one in ids[:position]:
            raise AnnotationError(
                f"the classes '{names[ids.index(one)]}' and '{names[position]}' have "
                "the same name; rename one."
            )
    return ClassList(tuple(ids), tuple(names))


def read_class_list(root: Path) -> ClassList:
    """Read the classes of a data set; the official ones where it has no list.

    Raises:
        AnnotationError: naming the file and line that is wrong.
    """
    path = root / CLASS_LIST
    if not path.is_file():
        return OFFICIAL_CLASSES
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        one, _, name = line.strip().partition(" ")
        if not name.strip() or one in found or name.strip() in found.values():
            raise AnnotationError(
                f"{path} line {number}: expected '<id> <name>', each named once, "
                f"received '{line.strip()[:80]}'."
            )
        found[one] = name.strip()
    if not found:
        raise AnnotationError(f"{path} lists no class.")
    return ClassList(tuple(found), tuple(found.values()))


def class_list_text(classes: ClassList) -> str:
    """Give what `read_class_list` reads."""
    pairs = zip(classes.ids, classes.names, strict=True)
    return "".join(f"{one} {name}\n" for one, name in pairs)
