"""Say what is missing or broken in a data set, before anyone loses a night.

The exit code is 1 where a finding is an error: reading, detecting or scoring would fail
or be wrong. Warnings and notes are worth knowing; gaps between frames, for example, are
legal. A box may end on the picture's width: some tools mean its end by that, not its
last pixel.
"""

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from vod.dataset.annotation import Annotation, BrokenAnnotationError
from vod.dataset.check_pictures import PictureProblem, inspect_picture
from vod.dataset.coco_video import read_coco
from vod.dataset.columns import load_ground_truth
from vod.dataset.frame_list import FrameList, read_frame_list, snippet_frames
from vod.dataset.layout import for_batches, inspect_annotations
from vod.dataset.list_files import DET, find_lists
from vod.errors import AnnotationError
from vod.files import reserved_report

ERROR: Final = "error"
WARNING: Final = "warning"
NOTE: Final = "note"
_DEFAULT_SPLITS: Final = ("train", "val", "DET/train", "DET/val")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in one list.

    Attributes:
        split: the list.
        level: `error`, `warning` or `note`.
        what: a few words.
        count: how often.
        first: the first place.
    """

    split: str
    level: str
    what: str
    count: int
    first: str


def check_split(
    root: Path, split: str, *, pictures: bool = True, decode: bool = False
) -> list[Finding]:
    """Check a list, its annotations and its pictures.

    Args:
        root: folder in the ILSVRC2015 layout.
        split: see `read_frame_list`.
        pictures: look at pictures too: there, a JPEG, complete, of the stated size.
        decode: also decode them, which takes 5 to 20 ms each.
    """
    try:
        frames = read_frame_list(root, split)
    except AnnotationError as error:
        return [Finding(split, ERROR, "list", 1, str(error))]
    found = _Findings(split)
    found.add(NOTE, "frames listed", frames.names)
    found.add(NOTE, "videos listed", tuple(dict.fromkeys(frames.snippets)))
    _check_numbers(frames, found)
    try:
        sizes = _check_annotations(frames, found)
    except BrokenAnnotationError as error:  # DET without any annotation
        found.add(ERROR, error.kind, [str(error)])
        return found.rows
    if pictures:
        _check_pictures(frames, sizes, found, decode=decode)
    return found.rows


class _Findings:
    """Findings of one list, in the order in which they are added."""

    def __init__(self, split: str) -> None:
        self.split = split
        self.rows: list[Finding] = []

    def add(self, level: str, what: str, places: Sequence[str]) -> None:
        """Add a finding that occurs in some places, none at all included."""
        if places:
            self.rows.append(Finding(self.split, level, what, len(places), places[0]))


def _check_numbers(frames: FrameList, found: _Findings) -> None:
    counts = Counter(frames.names)
    found.add(ERROR, "frame listed twice", [n for n in counts if counts[n] > 1])
    if frames.kind == DET:
        return
    numbers: dict[str, list[str]] = {}
    for name in frames.names:
        folder, _, frame = name.rpartition("/")
        numbers.setdefault(folder, []).append(frame)
    gaps, unlisted = [], []
    for folder, listed in numbers.items():
        known = set(map(int, listed))
        missing = max(known) - min(known) + 1 - len(known)
        if missing:
            gaps.append(f"{folder}: {missing} between {min(known)} and {max(known)}")
        there = map(int, snippet_frames(frames.annotation_root / folder, ".xml"))
        left = [number for number in there if number not in known]
        unlisted += [f"{folder}/{number:06d}" for number in left]
    found.add(WARNING, "video with gaps between frames", gaps)
    found.add(NOTE, "frame annotated but not listed", unlisted)


def _check_annotations(frames: FrameList, found: _Findings) -> list[tuple[int, int]]:
    """Check all annotations; give the size that each states, 0 where none."""
    broken: dict[str, list[str]] = {}
    outside, doubled, unsized, empty = [], [], [], []
    sizes = []
    for name, result in zip(frames.names, inspect_annotations(frames), strict=True):
        if isinstance(result, BrokenAnnotationError):
            broken.setdefault(result.kind, []).append(str(result))
            sizes.append((0, 0))
            continue
        sizes.append((result.height, result.width))
        if not result.objects:
            empty.append(name)
        if frames.kind != DET and not result.height * result.width:
            unsized.append(name)
        elif box := _box_outside(result):
            outside.append(f"{name}: {box} in {result.width}x{result.height}")
        tracks = [o.track_id for o in result.objects if o.track_id >= 0]
        if len(set(tracks)) < len(tracks):
            doubled.append(name)
    for kind, places in broken.items():
        found.add(ERROR, kind, places)
    found.add(ERROR, "box outside the picture", outside)
    found.add(ERROR, "track id twice in a frame", doubled)
    found.add(WARNING, "annotation without picture size", unsized)
    found.add(NOTE, "frame without objects", empty)
    return sizes


def _box_outside(annotation: Annotation) -> str:
    """Give the first box that leaves the picture, as text, or nothing."""
    for o in annotation.objects:
        if o.xmin < 0 or o.ymin < 0:
            break
        if annotation.width and (
            o.xmax > annotation.width or o.ymax > annotation.height
        ):
            break
    else:
        return ""
    return f"{o.xmin:g}, {o.ymin:g}, {o.xmax:g}, {o.ymax:g}"


def _check_pictures(
    frames: FrameList,
    sizes: Sequence[tuple[int, int]],
    found: _Findings,
    *,
    decode: bool,
) -> None:
    stated = dict(zip(frames.names, sizes, strict=True))

    def inspect(names: Sequence[str]) -> list[PictureProblem | None]:
        return [
            inspect_picture(
                frames.image_root / f"{name}.JPEG", stated[name], decode=decode
            )
            for name in names
        ]

    problems: dict[str, list[str]] = {}
    for problem in for_batches(frames.names, inspect):
        if problem is not None:
            problems.setdefault(problem.what, []).append(problem.place)
    for what, places in problems.items():
        found.add(ERROR, what, places)


def check_file(path: Path) -> list[Finding]:
    """Check a COCO json or a file of columns: its first error, or its boxes."""
    found = _Findings(path.name)
    try:
        truth = read_coco(path) if path.suffix == ".json" else load_ground_truth(path)
    except AnnotationError as error:
        return [Finding(path.name, ERROR, "file", 1, str(error))]
    found.add(NOTE, "frames listed", truth.image_names)
    found.add(NOTE, "videos listed", truth.snippets)
    height, width = truth.frame_sizes[truth.object_frames].T
    boxes, known = truth.boxes, height * width > 0
    # COCO files round positions and sizes, so that their sum may leave the picture.
    outside = known & (np.maximum(boxes[:, 2] - width, boxes[:, 3] - height) > 0.5)
    outside |= (boxes[:, :2] < -0.5).any(axis=1)
    names = [truth.image_names[f] for f in truth.object_frames[outside]]
    found.add(ERROR, "box outside the picture", names)
    tracks = np.stack([truth.object_frames, truth.track_ids], axis=1)
    tracks = tracks[truth.track_ids >= 0]
    rows, counts = np.unique(tracks, axis=0, return_counts=True)
    doubled = [truth.image_names[frame] for frame, _ in rows[counts > 1]]
    found.add(ERROR, "track id twice in a frame", doubled)
    missing = [
        name
        for frame, name in enumerate(truth.image_names)
        if not truth.image_path(frame).is_file()
    ]
    found.add(ERROR, "picture missing", missing)
    return found.rows


def format_findings(findings: Sequence[Finding]) -> str:
    """Give the findings as a table, errors first in each list."""
    rows = [("list", "level", "count", "what", "first")]
    for split in dict.fromkeys(f.split for f in findings):
        for level in (ERROR, WARNING, NOTE):
            rows += [
                (f.split, f.level, f"{f.count}", f.what, f.first)
                for f in findings
                if (f.split, f.level) == (split, level)
            ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for split, level, count, what, first in rows:
        start = f"{split:<{widths[0]}}  {level:<{widths[1]}}  {count:>{widths[2]}}"
        lines.append(f"{start}  {what:<{widths[3]}}  {first}")
    errors = sum(f.count for f in findings if f.level == ERROR)
    lines.append(f"{errors} error{'s' * (errors != 1)}." if errors else "No errors.")
    return "\n".join(lines) + "\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("root", type=Path, help="folder, or a COCO json")
    parser.add_argument(
        "--split", nargs="+", default=[], help="lists; without it train and val"
    )
    parser.add_argument(
        "--no-pictures", action="store_true", help="annotations only, as for scoring"
    )
    parser.add_argument(
        "--decode", action="store_true", help="also decode every picture (slow)"
    )
    parser.add_argument("--report", type=Path, help="also write the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the table; 1 where something is broken."""
    with reserved_report(arguments.report) as write_report:
        if arguments.root.is_file():
            findings = check_file(arguments.root)
        else:
            findings = _check_folder(arguments, arguments.split)
        write_report([dataclasses.asdict(finding) for finding in findings])
    sys.stdout.write(format_findings(findings))
    return int(any(finding.level == ERROR for finding in findings))


def _check_folder(
    arguments: argparse.Namespace, splits: Sequence[str]
) -> list[Finding]:
    known = [split for split in _DEFAULT_SPLITS if _is_listed(arguments.root, split)]
    return [
        finding
        for split in splits or known or ["val"]
        for finding in check_split(
            arguments.root,
            split,
            pictures=not arguments.no_pictures,
            decode=arguments.decode,
        )
    ]


def _is_listed(root: Path, split: str) -> bool:
    try:
        kind, _, _ = find_lists(root, split)
    except AnnotationError:
        return False
    return split.startswith(DET) == (kind == DET)
