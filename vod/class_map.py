"""One object class, several names: the only table that says which mean the same.

COCO says cow, cat and boat where ImageNet VID says cattle, domestic_cat and watercraft;
VOC says aeroplane. A detector with one set of names is scored against ground truth with
another through `ClassMap.between`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from vod.types import IntArray

SYNONYMS: Final = (
    ("airplane", "aeroplane"),
    ("cattle", "cow"),
    ("couch", "sofa"),
    ("dining table", "diningtable"),
    ("domestic_cat", "cat"),
    ("motorcycle", "motorbike"),
    ("potted plant", "pottedplant"),
    ("tv", "tvmonitor"),
    ("watercraft", "boat"),
)
"""Names of one class in ImageNet VID, COCO and PASCAL VOC."""

COCO_TO_VID: Final[Mapping[str, str]] = {
    "airplane": "airplane",
    "bear": "bear",
    "bicycle": "bicycle",
    "bird": "bird",
    "boat": "watercraft",
    "bus": "bus",
    "car": "car",
    "cat": "domestic_cat",
    "cow": "cattle",
    "dog": "dog",
    "elephant": "elephant",
    "horse": "horse",
    "motorcycle": "motorcycle",
    "sheep": "sheep",
    "train": "train",
    "zebra": "zebra",
}
"""The COCO classes that ImageNet VID has too, under its name."""

UNKNOWN_LABEL: Final = -1


@dataclass(frozen=True, eq=False, slots=True)
class ClassMap:
    """Where each class of a detector goes among the classes of a ground truth.

    Attributes:
        names: the detector's classes.
        classes: the ground truth's classes.
        labels: `(len(names),)` int32, position in `classes`, or `UNKNOWN_LABEL`.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    labels: IntArray

    @classmethod
    def between(cls, names: Sequence[str], classes: Sequence[str]) -> Self:
        """Map by equal name first, then by `SYNONYMS`.

        A space counts as an underscore: `giant panda` is `giant_panda`.
        """
        exact = {name: label for label, name in reversed(list(enumerate(classes)))}
        general: dict[str, int] = {}
        for label, name in enumerate(classes):
            general.setdefault(_common_name(name), label)
        labels = [
            exact.get(name, general.get(_common_name(name), UNKNOWN_LABEL))
            for name in names
        ]
        return cls(tuple(names), tuple(classes), np.array(labels, np.int32))

    @property
    def renamed(self) -> dict[str, str]:
        """The detector's classes that have another name in the ground truth."""
        pairs = zip(self.names, self.labels.tolist(), strict=True)
        known = {name: self.classes[label] for name, label in pairs if label >= 0}
        return {name: known[name] for name in known if known[name] != name}

    @property
    def left_out(self) -> tuple[str, ...]:
        """The detector's classes that the ground truth lacks."""
        pairs = zip(self.names, self.labels.tolist(), strict=True)
        return tuple(name for name, label in pairs if label == UNKNOWN_LABEL)

    @property
    def never_found(self) -> tuple[str, ...]:
        """The ground truth's classes that the detector lacks."""
        reached = set(self.labels.tolist())
        return tuple(n for label, n in enumerate(self.classes) if label not in reached)

    def to_json(self) -> dict[str, Any]:
        """Give what a report says about the mapping."""
        return {
            "renamed": self.renamed,
            "left_out": list(self.left_out),
            "never_found": list(self.never_found),
        }


def _common_name(name: str) -> str:
    return _COMMON_NAMES.get(name.replace(" ", "_"), name.replace(" ", "_"))


_COMMON_NAMES: Final[Mapping[str, str]] = {
    name.replace(" ", "_"): group[0].replace(" ", "_")
    for group in SYNONYMS
    for name in group
}
