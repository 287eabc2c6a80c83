"""Ground truth as one file of columns, which opens in a fraction of a second.

NumPy's `.npz` without pickled objects: opening a file never executes code.
"""

import dataclasses
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.errors import AnnotationError
from vod.files import PendingFile
from vod.ground_truth import GroundTruth

FORMAT: Final = "vod-ground-truth/1"
_TEXTS: Final = ("classes", "snippets", "image_names")
_NOT_AN_ARCHIVE: Final = (
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)
_TEXT_END: Final = "\0"  # the one character that no file name holds


def save_ground_truth(ground_truth: GroundTruth, path: Path) -> None:
    """Write all columns to a `.npz` file, complete or not at all.

    Raises:
        VideoError: the file cannot be written.
    """
    columns: dict[str, npt.NDArray[Any]] = {}
    for field in dataclasses.fields(ground_truth):
        value = getattr(ground_truth, field.name)
        if field.name in _TEXTS:
            value = pack_texts(value)
        elif field.name == "image_root":
            value = pack_texts([str(value)])
        elif field.name == "category_ids":
            value = np.array(value, np.int64)
        columns[field.name] = value
    write_columns(path, FORMAT, columns)


def load_ground_truth(path: Path) -> GroundTruth:
    """Read what `save_ground_truth` wrote.

    Raises:
        AnnotationError: the file is missing, cut short or something else.
    """
    columns: dict[str, Any] = dict(read_columns(path, FORMAT))
    try:
        for name in _TEXTS:
            columns[name] = unpack_texts(columns[name])
        columns["image_root"] = Path(unpack_texts(columns["image_root"])[0])
        columns["category_ids"] = tuple(columns["category_ids"].tolist())
        return GroundTruth(**columns)
    except (KeyError, TypeError) as error:
        raise AnnotationError(f"{path} lacks columns of {FORMAT}: {error}.") from error


def write_columns(
    path: Path, file_format: str, columns: Mapping[str, npt.NDArray[Any]]
) -> None:
    """Write named arrays to a `.npz` file, complete or not at all.

    Raises:
        VideoError: the file cannot be written.
    """
    pending = PendingFile(path)
    try:
        with pending.temporary.open("wb") as stream:
            np.savez(stream, format=pack_texts([file_format]), **columns)  # type: ignore[arg-type]
        pending.commit()
    finally:
        pending.discard()


def read_columns(path: Path, file_format: str) -> dict[str, npt.NDArray[Any]]:
    """Read what `write_columns` wrote; the checksum of every array is verified.

    Raises:
        AnnotationError: the file is missing, cut short or of another format.
    """
    try:
        with (
            path.open("rb") as stream,  # np.load leaves a damaged file open
            np.load(stream, allow_pickle=False) as archive,
        ):
            columns = {name: archive[name] for name in archive.files}
        found = unpack_texts(columns.pop("format"))
    except OSError as error:
        reason = error.strerror or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error
    except _NOT_AN_ARCHIVE as error:
        raise AnnotationError(
            f"{path} is not a file of {file_format}, or cut short: {error}"
        ) from error
    if found != (file_format,):
        raise AnnotationError(f"{path} must be {file_format}, received {found}.")
    return columns


def pack_texts(texts: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Give texts as bytes; NumPy's own array of texts pads all to the longest."""
    joined = "".join(text + _TEXT_END for text in texts)
    return np.frombuffer(joined.encode("utf-8", "surrogateescape"), np.uint8)


def unpack_texts(packed: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    """Give back what `pack_texts` packed."""
    joined = packed.tobytes().decode("utf-8", "surrogateescape")
    return tuple(joined.split(_TEXT_END)[:-1])


def select_videos(ground_truth: GroundTruth, names: Sequence[str]) -> GroundTruth:
    """Keep some videos; frames keep their order and the index that names them.

    Args:
        ground_truth: all videos.
        names: of videos, or patterns such as `ILSVRC2015_val_0000*`. The last part of a
            name is enough: training snippets lie one folder deeper.

    Raises:
        AnnotationError: a name that no video has.
    """
    kept = np.zeros(len(ground_truth.snippets), np.bool_)
    for name in names:
        hits = [
            fnmatchcase(snippet, name) or fnmatchcase(Path(snippet).name, name)
            for snippet in ground_truth.snippets
        ]
        if not any(hits):
            raise AnnotationError(
                f"no video is named '{name}'; there are {len(kept)}, the first is "
                f"'{next(iter(ground_truth.snippets), '')}'."
            )
        kept |= np.array(hits)
    return select_frames(ground_truth, kept[ground_truth.frame_snippets])


def select_frames(
    ground_truth: GroundTruth, keep: npt.NDArray[np.bool_]
) -> GroundTruth:
    """Keep the frames where `keep` `(F,)` is true, and their objects."""
    frames = np.flatnonzero(keep)
    objects = np.flatnonzero(keep[ground_truth.object_frames])
    snippets, frame_snippets = np.unique(
        ground_truth.frame_snippets[frames], return_inverse=True
    )
    position = np.cumsum(keep, dtype=np.int32) - 1
    return dataclasses.replace(
        ground_truth,
        snippets=tuple(ground_truth.snippets[snippet] for snippet in snippets),
        frame_snippets=frame_snippets.astype(np.int32),
        frame_numbers=ground_truth.frame_numbers[frames],
        frame_indices=ground_truth.frame_indices[frames],
        frame_sizes=ground_truth.frame_sizes[frames],
        image_names=tuple(ground_truth.image_names[frame] for frame in frames),
        object_frames=position[ground_truth.object_frames[objects]].astype(np.int32),
        boxes=ground_truth.boxes[objects],
        labels=ground_truth.labels[objects],
        track_ids=ground_truth.track_ids[objects],
        occluded=ground_truth.occluded[objects],
        generated=ground_truth.generated[objects],
    )
