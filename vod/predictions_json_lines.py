"""Read our JSON lines (`vod-results/1`) as predictions for a ground truth.

A result file holds one video and counts its frames from 0; a ground truth may hold
many. A file belongs to the snippet that its header's `video` name or its own name
names: `davis_dog`, `clips/davis_dog.mp4`, `frames/davis_dog/*.jpg` and a file
`davis_dog.jsonl.gz` all are snippet `davis_dog`. Where none does and the ground truth
has one snippet only, it is that one.

Frame k of the file is then the frame with number k of the snippet
(`GroundTruth.frame_numbers`), so results must be made from the first frame on. One case
differs: results made from a folder of pictures, whose numbers have gaps or do not begin
at 0. Frame k is then the (k + 1)-th picture of the snippet's folder, where that exists.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.errors import AnnotationError
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import inclusive_boxes
from vod.predictions import UNKNOWN_AGE, Predictions
from vod.results_reading import ResultLine, read_results
from vod.types import IntArray

UNKNOWN_INDEX: Final = -1
"""Index of the detections on frames that the ground truth does not list."""

_SUFFIXES: Final = (".jsonl", ".jsonl.gz")
_PICTURE_SUFFIXES: Final = ("", ".jpeg", ".jpg", ".png")  # of a folder or a pattern
_SHOWN: Final = 3  # snippets named in a message


def read_json_lines(path: Path, ground_truth: GroundTruth) -> Predictions:
    """Read one file, or a folder with one `.jsonl` or `.jsonl.gz` file a snippet.

    Ages are the detections' own; where a line does not tell them, they are counted from
    the last frame before that the file marks as a key frame.

    Raises:
        AnnotationError: naming the file and line that is wrong; a file that belongs to
            no snippet, or none of whose frames is listed; two files of one snippet.
    """
    files = _files(path) if path.is_dir() else [path]
    owners: dict[int, Path] = {}
    parts = []
    for file in files:
        header, lines = read_results(file)
        video = str(header.video.get("name", ""))
        snippet = _snippet_of(file, video, ground_truth)
        if snippet in owners:
            raise AnnotationError(
                f"{owners[snippet]} and {file} are both of snippet "
                f"'{ground_truth.snippets[snippet]}'; keep one."
            )
        owners[snippet] = file
        part = _collect(
            lines, header.classes, _listed(ground_truth, snippet, video), file
        )
        if not ground_truth.is_coco:
            part = dataclasses.replace(part, boxes=inclusive_boxes(part.boxes))
        parts.append(part.aligned(ground_truth.classes))
    return _merged(parts, ground_truth.classes)


def _files(folder: Path) -> list[Path]:
    files = sorted(f for f in folder.iterdir() if f.name.endswith(_SUFFIXES))
    if not files:
        raise AnnotationError(
            f"{folder} holds no .jsonl or .jsonl.gz file; a folder of results needs "
            "one a snippet."
        )
    return files


def _snippet_of(file: Path, video: str, ground_truth: GroundTruth) -> int:
    """Give the position of the snippet that a result file belongs to."""
    by_name: dict[str, int] = {}
    for position, snippet in enumerate(ground_truth.snippets):
        by_name[snippet] = position
        # ImageNet's training snippets lie one folder deeper; their last part is unique.
        by_name.setdefault(PurePath(snippet).name, position)
    own_name = file.name.removesuffix(".gz").removesuffix(".jsonl")
    candidates = [*reversed(PurePath(video.replace("\\", "/")).parts), own_name]
    for candidate in candidates:
        for name in (candidate, PurePath(candidate).stem):
            if name in by_name:
                return by_name[name]
    if len(ground_truth.snippets) == 1:
        return 0
    first = ", ".join(ground_truth.snippets[:_SHOWN])
    raise AnnotationError(
        f"{file} line 1: the video '{video}' is none of the ground truth's "
        f"{len(ground_truth.snippets)} snippets ({first}, ...). Name the file after "
        "its snippet."
    )


def _listed(ground_truth: GroundTruth, snippet: int, video: str) -> dict[int, int]:
    """Give the result index of every listed frame by its number in the result file."""
    frames = np.flatnonzero(ground_truth.frame_snippets == snippet)
    numbers = ground_truth.frame_numbers[frames].tolist()
    indices = ground_truth.frame_indices[frames].tolist()
    index_of = dict(zip(numbers, indices, strict=True))
    is_folder = PurePath(video).suffix.lower() in _PICTURE_SUFFIXES
    if is_folder and not ground_truth.is_coco and max(numbers) >= len(numbers):
        folder = ground_truth.image_path(int(frames[0])).parent
        pictures = _numbered_pictures(folder)
        if set(pictures) >= set(numbers):
            order = {number: k for k, number in enumerate(pictures)}
            return {order[number]: index for number, index in index_of.items()}
    return index_of


def _numbered_pictures(folder: Path) -> list[int]:
    """Give the numbers of a snippet's pictures in order; none without a folder."""
    try:
        stems = [file.stem for file in folder.iterdir()]
    except OSError:
        return []
    return sorted(int(stem) for stem in stems if stem.isdecimal())


def _collect(
    lines: Iterator[ResultLine],
    classes: tuple[str, ...],
    listed: dict[int, int],
    file: Path,
) -> Predictions:
    """Give the detections of one file, boxes continuous as it has them."""
    read: list[ResultLine] = []
    ages: list[IntArray] = []
    key = None
    for line in lines:
        key = line.frame if line.key_frame else key
        ages.append(_ages(line, key))
        read.append(line)
    indices = [listed.get(line.frame, UNKNOWN_INDEX) for line in read]
    if read and max(indices) == UNKNOWN_INDEX:
        raise AnnotationError(
            f"{file}: none of its {len(read)} frames is listed in the ground truth, "
            f"whose snippet has the frames {min(listed)} to {max(listed)}."
        )
    counts = [len(line.detections) for line in read]
    found = [line.detections for line in read]
    return Predictions(
        classes,
        np.repeat(np.array(indices, np.int64), counts),
        np.concatenate([np.zeros(0, np.int32), *(d.labels for d in found)]),
        np.concatenate([np.zeros(0), *(d.scores for d in found)]),
        np.concatenate([np.zeros((0, 4)), *(d.boxes for d in found)]),
        np.concatenate([np.zeros(0, np.int32), *ages]),
    )


def _ages(line: ResultLine, key: int | None) -> IntArray:
    """Give the age of every detection of a frame whose last key frame is `key`."""
    if line.provenance is not None:
        return line.provenance.ages
    age = UNKNOWN_AGE if key is None else max(line.frame - key, UNKNOWN_AGE)
    return np.full(len(line.detections), age, np.int32)


def _merged(parts: list[Predictions], classes: tuple[str, ...]) -> Predictions:
    """Join aligned predictions, whose classes behind `classes` may differ."""
    if len(parts) == 1:
        return parts[0]
    names = dict.fromkeys(
        (*classes, *(name for part in parts for name in part.classes))
    )
    position = {name: label for label, name in enumerate(names)}

    def labels(part: Predictions) -> npt.NDArray[np.int32]:
        own = np.array([position[name] for name in part.classes], np.int32)
        return own[part.labels]

    sources = dict.fromkeys(
        name for part in parts for name in part.source_classes or part.classes
    )
    return Predictions(
        tuple(names),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([labels(part) for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.ages for part in parts]),
        tuple(sources),
    )
