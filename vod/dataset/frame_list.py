"""Lists of frames, in every convention that ImageNet VID and DET papers use.

| line | where | meaning |
|---|---|---|
| `<snippet>/<frame> <index>` | official `ImageSets/VID/val.txt` | one frame |
| `val/<snippet>/<frame> <index>` | MEGA `VID_val_frames.txt` | the same |
| `<snippet>/<frame>` | | the index is the line's number |
| `<snippet> <label>` | official `train_1.txt` to `train_30.txt` | all its frames |
| `train/<snippet> 1 <frame> <length>` | DFF `VID_train_15frames.txt` | one frame |
| `val/<snippet> <first index> 0 <length>` | DFF `VID_val_videos.txt` | frames from 0 |
| `<image> <index or label>` | official and DFF lists of DET | one picture |

A leading `train/`, `val/` or `test/` names the folder; without it the list's name does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.errors import AnnotationError
from vod.types import IntArray

FOLDERS: Final = ("train", "val", "test")
VID: Final = "VID"
DET: Final = "DET"
_LIST_FOLDERS: Final = ("ImageSets/{kind}", "ImageSets", "Lists", "lists")
_LIST_NAMES: Final = ("{split}", "{kind}_{split}_frames", "{kind}_{split}_videos")
_NUM_CLASS_LISTS: Final = 30


@dataclass(frozen=True, eq=False, slots=True)
class FrameList:
    """Which frames belong to a set, in order.

    Attributes:
        root: folder with `Data`, `Annotations` and `ImageSets`.
        kind: `VID` or `DET`.
        path: the list (the first, where several make one set).
        names: of every frame, below `Annotations/<kind>` and `Data/<kind>`, without
            suffix: `val/<snippet>/000000`.
        snippets: of every frame. A picture of DET is a snippet of its own.
        numbers: `(F,)` int32, number of the frame in its snippet.
        indices: `(F,)` int64, unique.
    """

    root: Path
    kind: str
    path: Path
    names: tuple[str, ...]
    snippets: tuple[str, ...]
    numbers: IntArray
    indices: npt.NDArray[np.int64]

    @property
    def annotation_root(self) -> Path:
        """Folder of the XML files."""
        return self.root / "Annotations" / self.kind

    @property
    def image_root(self) -> Path:
        """Folder of the pictures."""
        return self.root / "Data" / self.kind


def read_frame_list(root: Path, split: str = "val") -> FrameList:
    """Read the list of a set.

    Args:
        root: folder with `Annotations` and `ImageSets`.
        split: name of a list such as `val`, `VID_train_15frames` or `DET/train`, or the
            path of a list file anywhere.

    Raises:
        AnnotationError: naming the list or line that is missing or wrong.
    """
    kind, name, paths = find_lists(root, split)
    folder = _folder(root, kind, name)
    lines = [_Line(path, *item) for path in paths for item in _lines(path)]
    if not lines:
        raise AnnotationError(f"{paths[0]} lists no frame.")
    if kind == DET:
        rows = _pictures(lines, folder)
    elif len(lines[0].fields) == 4:
        rows = _videos_or_samples(lines, folder)
    elif lines[0].is_frame:
        rows = _frames(lines, folder)
    else:
        rows = _whole_snippets(lines, folder, root / "Annotations" / kind)
    names, snippets, numbers, indices = rows
    return FrameList(
        root,
        kind,
        paths[0],
        tuple(names),
        tuple(snippets),
        np.array(numbers, np.int32),
        np.array(indices, np.int64),
    )


def find_lists(root: Path, split: str) -> tuple[str, str, list[Path]]:
    """Give the kind (`VID`, `DET`), the bare name and the files of a list.

    Raises:
        AnnotationError: there is no such list, with the places that were looked at.
    """
    kind, _, name = split.rpartition("/")
    if split.endswith(".txt") and Path(split).is_file():
        stem = Path(split).stem
        return (DET if stem.startswith(DET) else VID), stem, [Path(split)]
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


def _folder(root: Path, kind: str, name: str) -> str:
    """Give the folder of a list whose lines do not name it."""
    words = re.split(r"[^a-z]+", name.lower())
    candidates = [name, *(folder for folder in FOLDERS if folder in words)]
    for candidate in candidates:
        if (root / "Annotations" / kind / candidate).is_dir():
            return candidate
    return candidates[-1]


class _Line:
    """One line with its place, for messages."""

    __slots__ = ("fields", "number", "path")

    def __init__(self, path: Path, number: int, fields: list[str]) -> None:
        self.path = path
        self.number = number
        self.fields = fields

    @property
    def is_frame(self) -> bool:
        """Whether its path ends in the number of a frame."""
        return self.fields[0].rpartition("/")[2].isdecimal()

    def expected(self, what: str) -> AnnotationError:
        received = " ".join(self.fields)[:80]
        return AnnotationError(
            f"{self.path} line {self.number}: expected {what}, received '{received}'."
        )


_Rows = tuple[list[str], list[str], list[int], list[int]]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error
    fields = ((i, line.split()) for i, line in enumerate(text.splitlines(), 1))
    return [(number, found) for number, found in fields if found]


def _split_folder(name: str, folder: str) -> tuple[str, str]:
    """Give the folder and the snippet that a list calls `val/<snippet>`."""
    first, _, rest = name.partition("/")
    return (first, rest) if rest and first in (*FOLDERS, folder) else (folder, name)


def _unique(lines: list[_Line], indices: list[int]) -> list[int]:
    if len(set(indices)) < len(indices):
        seen: set[int] = set()
        for line, index in zip(lines, indices, strict=True):
            if index in seen:
                raise line.expected("an index that no other line has")
            seen.add(index)
    return indices


def _frames(lines: list[_Line], folder: str) -> _Rows:
    bare = len(lines[0].fields) == 1
    form = "'<snippet>/<frame>'" if bare else "'<snippet>/<frame> <index>'"
    names, snippets, numbers, indices = [], [], [], []
    for position, line in enumerate(lines, 1):
        path, _, frame = line.fields[0].rpartition("/")
        if not path or not frame.isdecimal() or len(line.fields) != 2 - bare:
            raise line.expected(form)
        if not bare and not line.fields[1].isdecimal():
            raise line.expected(f"{form} with a whole number as index")
        own_folder, snippet = _split_folder(path, folder)
        names.append(f"{own_folder}/{snippet}/{frame}")
        snippets.append(snippet)
        numbers.append(int(frame))
        indices.append(position if bare else int(line.fields[1]))
    return names, snippets, numbers, _unique(lines, indices)


def _videos_or_samples(lines: list[_Line], folder: str) -> _Rows:
    for line in lines:
        if len(line.fields) != 4 or not all(f.isdecimal() for f in line.fields[1:]):
            raise line.expected("'<snippet> <number> <frame> <length>'")
    table = np.array([line.fields[1:] for line in lines]).astype(np.int64)
    first, frame, length = table.T
    names, snippets, numbers, indices = [], [], [], []
    owners = []
    # DFF writes 1 in every line of a training list and 0 in the second column of a
    # list of whole videos, whose first column counts all frames of the set.
    whole = not frame.any() and (len(lines) == 1 or len(np.unique(first)) > 1)
    for position, line in enumerate(lines):
        own_folder, snippet = _split_folder(line.fields[0], folder)
        found = range(length[position]) if whole else [int(frame[position])]
        for number in found:
            names.append(f"{own_folder}/{snippet}/{number:06d}")
            snippets.append(snippet)
            numbers.append(number)
            indices.append(int(first[position]) + number if whole else position + 1)
            owners.append(line)
    return names, snippets, numbers, _unique(owners, indices)


def _whole_snippets(lines: list[_Line], folder: str, annotations: Path) -> _Rows:
    """List all frames of the snippets that official training lists name."""
    names, snippets, numbers = [], [], []
    chosen: dict[tuple[str, str], _Line] = {}
    for line in lines:
        if len(line.fields) > 2 or line.fields[1:] not in (["1"], ["0"], ["-1"], []):
            raise line.expected("'<snippet>/<frame> <index>' or '<snippet> 1'")
        if line.fields[1:] in (["1"], []):
            chosen.setdefault(_split_folder(line.fields[0], folder), line)
    for (own_folder, snippet), line in sorted(chosen.items()):
        place = annotations / own_folder / snippet
        frames = snippet_frames(place, ".xml")
        if not frames:
            raise line.expected(
                f"'<snippet>/<frame> <index>', or a snippet with annotations in {place}"
            )
        for frame in frames:
            names.append(f"{own_folder}/{snippet}/{frame}")
            snippets.append(snippet)
            numbers.append(int(frame))
    return names, snippets, numbers, list(range(1, len(names) + 1))


def snippet_frames(folder: Path, suffix: str) -> list[str]:
    """Give the frames in a snippet's folder, `000000` and so on, in order."""
    try:
        found = [p.stem for p in folder.iterdir() if p.suffix == suffix]
    except OSError:
        return []
    return sorted((stem for stem in found if stem.isdecimal()), key=int)


def _pictures(lines: list[_Line], folder: str) -> _Rows:
    """List pictures of DET; lists of one class say 1, 0 or -1 instead of an index."""
    marks = [line.fields[1] if len(line.fields) > 1 else "" for line in lines]
    for line in lines:
        if len(line.fields) > 2:
            raise line.expected("'<image> <index>'")
    if set(marks) <= {"1", "0", "-1"}:
        positive = [
            line for line, mark in zip(lines, marks, strict=True) if mark == "1"
        ]
        if not positive:
            raise lines[0].expected("at least one line that ends in 1")
        lines, marks = positive, [""] * len(positive)
    numbered = all(mark.isdecimal() for mark in marks)
    indices = list(map(int, marks)) if numbered else list(range(1, len(lines) + 1))
    parts = [_split_folder(line.fields[0], folder) for line in lines]
    names = [f"{own_folder}/{image}" for own_folder, image in parts]
    images = [image for _, image in parts]
    return names, images, [0] * len(lines), _unique(lines, indices)
