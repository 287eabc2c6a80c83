"""Where the lists of a data set lie, under the names that papers and toolkits use."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vod.errors import AnnotationError

FOLDERS: Final = ("train", "val", "test")
VID: Final = "VID"
DET: Final = "DET"
_LIST_FOLDERS: Final = ("ImageSets/{kind}", "ImageSets", "Lists", "lists")
_LIST_NAMES: Final = ("{split}", "{kind}_{split}_frames", "{kind}_{split}_videos")
_NUM_CLASS_LISTS: Final = 30


def find_lists(root: Path, split: str) -> tuple[str, str, list[Path]]:
    """Give the kind (`VID`, `DET`), the bare name and the files of a list.

    Raises:
        AnnotationError: there is no such list, with the places that were looked at.
    """
    kind, _, name = split.rpartition("/")
    if split.endswith(".txt") and Path(split).is_file():
        path = Path(split)
        is_det = path.stem.startswith(DET) or path.absolute().parent.name == DET
        return (DET if is_det else VID), path.stem, [path]
    kinds = (
        [kind] if kind in (VID, DET) else [DET] if name.startswith(DET) else [VID, DET]
    )
    looked_at = []
    for each in kinds:
        places = [place.format(kind=each) for place in _LIST_FOLDERS]
        for form in _LIST_NAMES:
            for place in places:
                path = root / place / f"{form.format(kind=each, split=name)}.txt"
                if path.is_file():
                    return each, name, [path]
                looked_at.append(path)
        class_lists = [
            root / places[0] / f"{name}_{number}.txt"
            for number in range(1, _NUM_CLASS_LISTS + 1)
        ]
        if each == VID and class_lists[0].is_file():
            return each, name, [path for path in class_lists if path.is_file()]
    raise AnnotationError(_no_list(root, split, looked_at))


def _no_list(root: Path, split: str, looked_at: Sequence[Path]) -> str:
    if not root.is_dir():
        return (
            f"{root} is not a folder; a data set in the ILSVRC2015 layout was expected."
        )
    inside = [p.parent for p in sorted(root.glob("*/ImageSets")) if p.is_dir()]
    hint = f" Did you mean {inside[0]}?" if inside else ""
    known = sorted({p.stem for p in root.glob("ImageSets/**/*.txt")})[:8]
    listed = f" Lists there: {', '.join(known)}." if known else ""
    return f"there is no list '{split}': {looked_at[0]} is missing.{listed}{hint}"


def default_folder(root: Path, kind: str, name: str) -> str:
    """Give the folder of a list whose lines do not name it."""
    words = re.split(r"[^a-z]+", name.lower())
    candidates = [name, *(folder for folder in FOLDERS if folder in words)]
    for candidate in candidates:
        if (root / "Annotations" / kind / candidate).is_dir():
            return candidate
    return candidates[-1]
