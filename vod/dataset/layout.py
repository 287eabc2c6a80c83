"""Read the official ILSVRC2015 layout of ImageNet VID and DET as it lies on disk.

    ROOT/ImageSets/VID/val.txt                      which frames, see `frame_list`
    ROOT/Annotations/VID/val/<snippet>/000000.xml   one file a frame, also if empty
    ROOT/Data/VID/val/<snippet>/000000.JPEG         need not exist to score results
    ROOT/ImageSets/VID/classes.txt                  only with other classes than the 30

DET has the same three folders; its pictures become videos of one frame without tracks,
and a picture without annotation file has no objects, as its readme says.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from vod.dataset.annotation import (
    LABEL_OF_WNID,
    AnnotatedObject,
    Annotation,
    BrokenAnnotationError,
    missing_annotation,
    parse_annotation,
)
from vod.dataset.class_list import OFFICIAL_CLASSES, ClassList, read_class_list
from vod.dataset.frame_list import FrameList
from vod.dataset.list_files import DET
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.types import IntArray

READERS: Final = 8
"""Threads: on a cold or remote disk the time goes into waiting for small files."""

_BATCH: Final = 256  # files a thread takes at a time

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False, slots=True)
class AnnotationColumns:
    """What the annotation files of a list say; see `GroundTruth` for the columns."""

    frame_sizes: IntArray
    object_frames: IntArray
    boxes: DoubleArray
    labels: IntArray
    track_ids: IntArray
    occluded: BoolArray
    generated: BoolArray


def read_annotations(frames: FrameList) -> AnnotationColumns:
    """Parse the annotation files of a list.

    Raises:
        BrokenAnnotationError: naming the file that is missing or wrong.
    """
    return to_columns(for_batches(frames.names, _reader(frames)))


def inspect_annotations(
    frames: FrameList,
) -> list[Annotation | BrokenAnnotationError]:
    """Parse the annotation files of a list, giving an error where one is broken."""
    read = _reader(frames)

    def attempt(name: str) -> Annotation | BrokenAnnotationError:
        try:
            return read([name])[0]
        except BrokenAnnotationError as error:
            return error

    return for_batches(frames.names, lambda names: [attempt(name) for name in names])


def _reader(frames: FrameList) -> Callable[[Sequence[str]], list[Annotation]]:
    root, still = f"{frames.annotation_root}/", frames.kind == DET
    if still and not frames.annotation_root.is_dir():
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        raise missing_annotation(frames.annotation_root, missing)
    classes = list_classes(frames)
    label_of = LABEL_OF_WNID
    if not classes.is_official:
        label_of = {one: label for label, one in enumerate(classes.ids)}

    def read(names: Sequence[str]) -> list[Annotation]:
        return [_read(f"{root}{name}.xml", still, label_of) for name in names]

    return read


def for_batches(
    names: Sequence[str], work: Callable[[Sequence[str]], list[Result]]
) -> list[Result]:
    """Give the results of `work` on all names in order, run in several threads."""
    with ThreadPoolExecutor(READERS) as pool:
        starts = range(0, len(names), _BATCH)
        parts = pool.map(work, [names[i : i + _BATCH] for i in starts])
        return [result for part in parts for result in part]


def list_classes(frames: FrameList) -> ClassList:
    """Give the classes of a list: ImageNet's, or for VID the data set's own."""
    return OFFICIAL_CLASSES if frames.kind == DET else read_class_list(frames.root)


def _read(path: str, still: bool, label_of: Mapping[str, int]) -> Annotation:
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 (3 us a file)
            data = stream.read()
    except FileNotFoundError as error:
        if still:
            return Annotation(0, 0, [])
        raise missing_annotation(Path(path), error) from error
    except OSError as error:
        raise missing_annotation(Path(path), error) from error
    return parse_annotation(data, path, still=still, label_of=label_of)


def to_columns(annotations: Sequence[Annotation]) -> AnnotationColumns:
    """Put the objects of all frames below each other."""
    rows: list[AnnotatedObject] = [o for found in annotations for o in found.objects]
    table = np.array(rows, np.float64).reshape(len(rows), len(AnnotatedObject._fields))
    sizes = [(found.height, found.width) for found in annotations]
    counts = [len(found.objects) for found in annotations]
    return AnnotationColumns(
        np.array(sizes, np.int32).reshape(-1, 2),
        np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        np.ascontiguousarray(table[:, 2:6]),
        table[:, 0].astype(np.int32),
        table[:, 1].astype(np.int32),
        table[:, 6].astype(np.bool_),
        table[:, 7].astype(np.bool_),
    )


def to_ground_truth(frames: FrameList, columns: AnnotationColumns) -> GroundTruth:
    """Join a list with what its annotation files say."""
    position: dict[str, int] = {}
    frame_snippets = [position.setdefault(s, len(position)) for s in frames.snippets]
    return GroundTruth(
        classes=list_classes(frames).names,
        snippets=tuple(position),
        frame_snippets=np.array(frame_snippets, np.int32),
        frame_numbers=frames.numbers,
        frame_indices=frames.indices,
        frame_sizes=columns.frame_sizes,
        image_names=tuple(f"{name}.JPEG" for name in frames.names),
        image_root=frames.image_root,
        object_frames=columns.object_frames,
        boxes=columns.boxes,
        labels=columns.labels,
        track_ids=columns.track_ids,
        occluded=columns.occluded,
        generated=columns.generated,
    )
