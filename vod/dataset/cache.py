"""Annotation files are parsed once; afterwards their columns come from one file.

The file lies under `$XDG_CACHE_HOME/vod` (`~/.cache/vod`), never in the data folder,
which may be read-only or shared. Its name is a digest of the annotation folder and of
the listed names, so that every list has one file.

It is used only while *all* annotation files are as they were: it carries a digest of
every file's size, time of change of the content and time of change of the inode. Any
write to a file moves the last of these, also one that keeps the size and puts the time
of change back; only clocks that are set back could hide it (and Windows, which has no
such time). Where a file changed less than a step of its clock ago, a second write could
carry the same time, so its content is part of the digest.

Two processes may build the file at once: each writes a file of its own and renames it,
and both are right. A damaged cache is built again. It holds arrays only and cannot
execute code.
"""

import dataclasses
import hashlib
import logging
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from vod.dataset.class_list import class_list_text
from vod.dataset.columns import read_columns, write_columns
from vod.dataset.frame_list import FrameList
from vod.dataset.layout import (
    AnnotationColumns,
    for_batches,
    list_classes,
    read_annotations,
)
from vod.errors import AnnotationError, VideoError

logger = logging.getLogger(__name__)

FORMAT: Final = "vod-annotation-cache/1"
CLOCK_STEP_NS: Final = 2_000_000_000
"""The coarsest time stamp of a file system in use: FAT counts in 2 s."""

FINE_CLOCK_STEP_NS: Final = 50_000_000
"""The same where stamps have fractions of a second; Linux counts in 1 to 10 ms."""

_SIGNATURE: Final = "signature"
_NO_FILE: Final = "-"


def read_cached(frames: FrameList) -> AnnotationColumns:
    """Give the annotations of a list, from the cache where it is still true.

    Raises:
        AnnotationError: naming the annotation file that is missing or wrong.
    """
    try:
        path = cache_path(frames)
    except RuntimeError as error:  # a user without home, as in some containers
        logger.warning("annotations are parsed without a cache: %s", error)
        return read_annotations(frames)
    signature = annotation_signature(frames)
    cached = _load(path, signature)
    if cached is not None:
        return cached
    columns = read_annotations(frames)
    _store(path, signature, columns)
    return columns


def cache_path(frames: FrameList) -> Path:
    """Give the cache file of a list."""
    named = hashlib.blake2b(digest_size=16)
    for text in (FORMAT, frames.kind, str(frames.annotation_root.resolve())):
        named.update(text.encode("utf-8", "surrogateescape") + b"\0")
    named.update("\0".join(frames.names).encode("utf-8", "surrogateescape"))
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says that a relative path there is to be ignored.
    folder = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return folder / "vod" / f"{frames.path.stem}-{named.hexdigest()}.npz"


def annotation_signature(frames: FrameList) -> str:
    """Digest the classes and the state of all annotation files, missing ones too."""
    states = _states(frames)
    if any(state.content for state in states):
        # Soon the same files need no content, and the digest must not change then.
        time.sleep(FINE_CLOCK_STEP_NS / 1e9)
        states = _states(frames)
    classes = class_list_text(list_classes(frames))  # labels depend on them
    joined = "\n".join([classes, *(f"{s.stamps} {s.content}" for s in states)])
    return hashlib.blake2b(joined.encode(), digest_size=16).hexdigest()


class _State(NamedTuple):
    stamps: str
    content: str = ""


def _states(frames: FrameList) -> list[_State]:
    root, now = f"{frames.annotation_root}/", time.time_ns()
    return for_batches(
        frames.names, lambda names: [_state(f"{root}{n}.xml", now) for n in names]
    )


def _state(path: str, now: int) -> _State:
    try:
        found = os.stat(path)  # noqa: PTH116 (1 us a file)
        modified, changed = found.st_mtime_ns, found.st_ctime_ns
        stamps = f"{found.st_size} {modified} {changed}"
        coarse = not (changed % 1_000_000_000 or modified % 1_000_000_000)
        step = CLOCK_STEP_NS if coarse else FINE_CLOCK_STEP_NS
        if max(modified, changed) > now - step:
            content = hashlib.blake2b(Path(path).read_bytes(), digest_size=16)
            return _State(stamps, content.hexdigest())
    except OSError:
        return _State(_NO_FILE)
    return _State(stamps)


def _load(path: Path, signature: str) -> AnnotationColumns | None:
    try:
        if not path.is_file():
            return None
        columns = read_columns(path, FORMAT)
        stored = columns.pop(_SIGNATURE).tobytes().decode("ascii")
        if stored != signature:
            logger.info("annotations changed since %s was made.", path)
            return None
        return AnnotationColumns(**columns)
    except (OSError, AnnotationError, KeyError, TypeError, UnicodeDecodeError) as error:
        logger.warning("the cache %s is made again: %s", path, error)
        return None


def _store(path: Path, signature: str, columns: AnnotationColumns) -> None:
    arrays = {
        field.name: getattr(columns, field.name)
        for field in dataclasses.fields(columns)
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = np.frombuffer(signature.encode("ascii"), np.uint8)
        write_columns(path, FORMAT, {**arrays, _SIGNATURE: packed})
    except (OSError, VideoError) as error:
        logger.warning("annotations will be parsed again next time: %s", error)
