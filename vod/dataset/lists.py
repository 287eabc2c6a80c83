"""Write the lists that papers train and test on, built from the annotations on disk.

| file | lines |
|---|---|
| `VID_train_15frames.txt` | `train/<snippet> 1 <frame> <length>`, 15 frames a snippet |
| `VID_val_videos.txt` | `val/<snippet> <first index> 0 <length>` |
| `VID_val_frames.txt` | `val/<snippet>/<frame> <index>` |
| `DET_train_30classes.txt` | `train/<image> 1`, pictures with one of the 30 classes |
| `VID/train.txt`, `VID/val.txt` | `<snippet>/<frame> <index>` |

The 15 frames are the middles of 15 equal parts, floor((2 k + 1) length / 30), and all
frames of a shorter snippet: the rule that reproduces the published list of Deep Feature
Flow. The rule behind its list of DET pictures was not published; ours takes at most
2,000 a class (as Feichtenhofer et al., Detect to Track and Track to Detect, ICCV 2017),
evenly spaced. Files that are there already are left as they are.
"""

import argparse
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from vod.dataset.annotation import LABEL_OF_WNID
from vod.dataset.frame_list import snippet_frames
from vod.dataset.layout import for_batches
from vod.errors import AnnotationError, ConfigError, VideoError
from vod.files import PendingFile

logger = logging.getLogger(__name__)

FRAMES_PER_SNIPPET: Final = 15
IMAGES_PER_CLASS: Final = 2000
_SPLITS: Final = ("train", "val")
_NAME: Final = re.compile(rb"<name>\s*(n\d{8})\s*</name>")

Snippet = tuple[str, list[str]]


def find_snippets(folder: Path) -> list[Snippet]:
    """Give every snippet below a folder of annotations with its frames, sorted."""
    folders = sorted(path for path in folder.rglob("*") if path.is_dir())
    found = (
        (path.relative_to(folder).as_posix(), snippet_frames(path, ".xml"))
        for path in folders
    )
    return [(name, frames) for name, frames in found if frames]


def sample_positions(length: int, count: int = FRAMES_PER_SNIPPET) -> list[int]:
    """Give the middles of `count` equal parts of a snippet, each frame once.

    >>> sample_positions(48)[:5]
    [1, 4, 8, 11, 14]
    >>> sample_positions(3)
    [0, 1, 2]
    """
    middles = {(2 * k + 1) * length // (2 * count) for k in range(count)}
    return sorted(middles) if length else []


def training_lines(snippets: Sequence[Snippet], count: int) -> Iterator[str]:
    """List `count` frames of every snippet; the length counts from frame 0."""
    for name, frames in snippets:
        length = int(frames[-1]) + 1
        for position in sample_positions(len(frames), count):
            yield f"train/{name} 1 {int(frames[position])} {length}"


def frame_lines(snippets: Sequence[Snippet], prefix: str = "") -> Iterator[str]:
    """List every frame."""
    names = (f"{prefix}{name}/{frame}" for name, frames in snippets for frame in frames)
    for index, name in enumerate(names, 1):
        yield f"{name} {index}"


def video_lines(snippets: Sequence[Snippet]) -> Iterator[str]:
    """List every snippet.

    Raises:
        AnnotationError: a snippet with gaps, which this form cannot express.
    """
    first = 1
    for name, frames in snippets:
        if int(frames[-1]) + 1 != len(frames):
            raise AnnotationError(
                f"snippet {name} has {len(frames)} frames up to {frames[-1]}: a list "
                "of whole videos cannot express gaps."
            )
        yield f"val/{name} {first} 0 {len(frames)}"
        first += len(frames)


def still_lines(folder: Path, per_class: int) -> Iterator[str]:
    """List DET pictures with one of the 30 classes, class by class, each once."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.xml"))

    def classes(batch: Sequence[str]) -> list[set[bytes]]:
        return [set(_NAME.findall((folder / name).read_bytes())) for name in batch]

    found = list(zip(names, for_batches(names, classes), strict=True))
    listed: set[str] = set()
    for wnid in LABEL_OF_WNID:
        images = [name for name, wnids in found if wnid.encode() in wnids]
        for position in sample_positions(len(images), per_class):
            if images[position] not in listed:
                listed.add(images[position])
                yield f"train/{images[position].removesuffix('.xml')} 1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("root", type=Path, help="folder with Annotations")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the lists (ROOT/ImageSets)",
    )
    parser.add_argument(
        "--frames", type=int, default=FRAMES_PER_SNIPPET, help="of a snippet (15)"
    )
    parser.add_argument(
        "--per-class", type=int, default=IMAGES_PER_CLASS, help="DET pictures (2000)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the lists for which the root has annotations."""
    if arguments.frames < 1 or arguments.per_class < 1:
        raise ConfigError("--frames and --per-class must be at least 1.")
    annotations = arguments.root / "Annotations"
    output = arguments.output or arguments.root / "ImageSets"
    snippets = {split: find_snippets(annotations / "VID" / split) for split in _SPLITS}
    stills = annotations / "DET" / "train"
    if not any(snippets.values()) and not stills.is_dir():
        raise AnnotationError(
            f"{annotations} has no annotations in VID/train, VID/val or DET/train."
        )
    for split, found in snippets.items():
        if found:
            _write(output / "VID" / f"{split}.txt", frame_lines(found))
    if snippets["train"]:
        name = f"VID_train_{arguments.frames}frames.txt"
        _write(output / name, training_lines(snippets["train"], arguments.frames))
    if snippets["val"]:
        _write(output / "VID_val_frames.txt", frame_lines(snippets["val"], "val/"))
        try:
            _write(output / "VID_val_videos.txt", video_lines(snippets["val"]))
        except AnnotationError as error:
            logger.warning("VID_val_videos.txt is not written: %s", error)
    if stills.is_dir():
        lines = still_lines(stills, arguments.per_class)
        _write(output / "DET_train_30classes.txt", lines)
    return 0


def _write(path: Path, lines: Iterator[str]) -> None:
    if path.exists():
        logger.info("%s is there already and stays.", path)
        return
    content = list(lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"cannot make {path.parent}: {error.strerror}.") from error
    pending = PendingFile(path)
    try:
        text = "".join(f"{line}\n" for line in content)
        pending.temporary.write_text(text, encoding="utf-8")
        pending.commit()
    finally:
        pending.discard()
    logger.info("%s: %d lines.", path, len(content))
