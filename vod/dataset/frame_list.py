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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.dataset.list_files import DET, FOLDERS, VID, default_folder, find_lists
from vod.errors import AnnotationError
from vod.types import IntArray

_OFFICIAL_LINE: Final = re.compile(
    r"^[ \t]*(\S+)/(\d+)[ \t]+(\d+)[ \t]*$", re.MULTILINE
)


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
    folder = default_folder(root, kind, name)
    texts = [_text(path) for path in paths]
    rows = _official_frames(texts, folder) if kind == VID else None
    if rows is None:
        lines = [
            _Line(path, number, line.split())
            for path, text in zip(paths, texts, strict=True)
            for number, line in enumerate(text.splitlines(), 1)
            if line and not line.isspace()
        ]
        if not lines:
            raise AnnotationError(f"{paths[0]} lists no frame.")
        rows = _rows(lines, kind, folder, root / "Annotations" / kind)
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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error


def _rows(lines: list[_Line], kind: str, folder: str, annotations: Path) -> _Rows:
    if kind == DET:
        return _pictures(lines, folder)
    if len(lines[0].fields) == 4:
        return _videos_or_samples(lines, folder)
    if lines[0].is_frame:
        return _frames(lines, folder)
    return _whole_snippets(lines, folder, annotations)


def _official_frames(texts: list[str], folder: str) -> _Rows | None:
    """Read the official form of a list in one go; None where it is not that form.

    Line by line, the 176,126 frames of the validation set take 1.4 s.
    """
    if len(texts) > 1:
        return None
    found = _OFFICIAL_LINE.findall(texts[0])
    num_lines = sum(not line.isspace() for line in texts[0].splitlines() if line)
    indices = [int(index) for _, _, index in found]
    if not found or len(found) < num_lines or len(set(indices)) < num_lines:
        return None
    split = {path: _split_folder(path, folder) for path in {p for p, _, _ in found}}
    parents = {path: "/".join(parts) for path, parts in split.items()}
    names = [f"{parents[path]}/{frame}" for path, frame, _ in found]
    snippets = [split[path][1] for path, _, _ in found]
    return names, snippets, [int(frame) for _, frame, _ in found], indices


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
