"""ImageNet VID as its official files have it: classes, frame lists, XML, result files.

The annotations and the result files name the first and the *last* pixel of a box (width
= xmax - xmin + 1), and `vod.evaluation` counts so; everywhere else a box is continuous,
`[x1, x2)`, the first pixel spanning 0 to 1. This file alone converts:

    xmin = x1, ymin = y1, xmax = x2 - 1, ymax = y2 - 1

and the width is the same on both sides. `inclusive_boxes` is what the writer of result
files and the evaluator both use, so scoring detections equals scoring their file.
"""

import gzip
import math
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.class_map import COCO_TO_VID as COCO_TO_VID
from vod.class_map import ClassMap
from vod.errors import AnnotationError, ShapeError
from vod.types import Detections, FloatArray, IntArray

DoubleArray = npt.NDArray[np.float64]

VID_CLASSES: Final[Mapping[str, str]] = {
    "n02691156": "airplane",
    "n02419796": "antelope",
    "n02131653": "bear",
    "n02834778": "bicycle",
    "n01503061": "bird",
    "n02924116": "bus",
    "n02958343": "car",
    "n02402425": "cattle",
    "n02084071": "dog",
    "n02121808": "domestic_cat",
    "n02503517": "elephant",
    "n02118333": "fox",
    "n02510455": "giant_panda",
    "n02342885": "hamster",
    "n02374451": "horse",
    "n02129165": "lion",
    "n01674464": "lizard",
    "n02484322": "monkey",
    "n03790512": "motorcycle",
    "n02324045": "rabbit",
    "n02509815": "red_panda",
    "n02411705": "sheep",
    "n01726692": "snake",
    "n02355227": "squirrel",
    "n02129604": "tiger",
    "n04468005": "train",
    "n01662784": "turtle",
    "n04530566": "watercraft",
    "n02062744": "whale",
    "n02391049": "zebra",
}
"""WordNet id to name, in the official order: class 1 of a result file is the first."""

VID_NAMES: Final = tuple(VID_CLASSES.values())
"""The 30 names; a position here is a 0-based VID label."""

_INCLUSIVE: Final = np.array([0, 0, 1, 1], np.float64)
_LABEL_OF_WNID: Final = {wnid: label for label, wnid in enumerate(VID_CLASSES)}


def vid_labels(class_names: Sequence[str]) -> IntArray:
    """Give the 0-based VID label of every class name, COCO's or VID's own, or -1."""
    return ClassMap.between(class_names, VID_NAMES).labels


def relabelled(detections: Detections, labels: IntArray) -> Detections:
    """Give a detector's detections under VID labels; classes VID lacks are left out.

    Args:
        detections: of one frame, labels indexing the detector's classes.
        labels: `vid_labels` of the detector's class names.
    """
    renamed = Detections(
        detections.boxes, detections.scores, labels[detections.labels].astype(np.int32)
    )
    return renamed.select(renamed.labels >= 0)


def inclusive_boxes(boxes: npt.ArrayLike) -> DoubleArray:
    """Give continuous `(N, 4)` x1, y1, x2, y2 as xmin, ymin, xmax, ymax of the files.

    Rounded to 1/1000 pixel, the precision of our result files.
    """
    continuous = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.round(continuous - _INCLUSIVE, 3)


@dataclass(frozen=True, eq=False, slots=True)
class VidFrame:
    """One listed frame and the objects in it.

    Attributes:
        snippet: folder of the frames of one video.
        frame: number in the snippet, from 0.
        index: 1-based number in the list, by which result files name the frame.
        image_path: the JPEG; it need not exist to score results.
        annotation_path: the XML.
        boxes: `(N, 4)` float64 xmin, ymin, xmax, ymax as in the XML (last pixel
            included), in the order of the XML.
        labels: `(N,)` int32, 0-based.
        track_ids: `(N,)` int32, one object keeps its id through a snippet.
    """

    snippet: str
    frame: int
    index: int
    image_path: Path
    annotation_path: Path
    boxes: DoubleArray
    labels: IntArray
    track_ids: IntArray

    def continuous_boxes(self) -> FloatArray:
        """Give the boxes as the rest of this project has them: x2 and y2 exclusive."""
        return (self.boxes + _INCLUSIVE).astype(np.float32)


@dataclass(frozen=True, eq=False)
class VidDataset:
    """One image set, its frames in the order of the list.

    Attributes:
        root: folder with `Data`, `Annotations` and `ImageSets`.
        image_set: `train` or `val`.
        frames: all listed frames.
    """

    root: Path
    image_set: str
    frames: tuple[VidFrame, ...]

    @cached_property
    def snippets(self) -> Mapping[str, tuple[VidFrame, ...]]:
        """The frames of every snippet; snippets and frames in the order of the list."""
        groups: dict[str, list[VidFrame]] = {}
        for frame in self.frames:
            groups.setdefault(frame.snippet, []).append(frame)
        return {snippet: tuple(frames) for snippet, frames in groups.items()}


def read_dataset(root: Path, image_set: str = "val") -> VidDataset:
    """Read a list and its annotations from the official ILSVRC2015 layout.

    `ImageSets/VID/<set>.txt` holds `<snippet>/<frame> <index>` lines; the files are
    `Data/VID/<set>/<snippet>/<frame>.JPEG` and `Annotations/VID/<set>/.../<frame>.xml`.

    Raises:
        AnnotationError: naming the list or XML that is missing or wrong.
    """
    path = root / "ImageSets" / "VID" / f"{image_set}.txt"
    frames: dict[int, VidFrame] = {}
    for number, line in enumerate(_lines(path), 1):
        fields = line.split()
        if not fields:
            continue
        snippet, _, frame = fields[0].rpartition("/")
        if len(fields) != 2 or not snippet or not frame.isdecimal():
            raise _bad_line(path, number, line, "'<snippet>/<frame> <index>'")
        if not fields[1].isdecimal() or int(fields[1]) in frames:
            raise _bad_line(path, number, line, "an index that no other line has")
        index = int(fields[1])
        image = root / "Data" / "VID" / image_set / snippet / f"{frame}.JPEG"
        xml = root / "Annotations" / "VID" / image_set / snippet / f"{frame}.xml"
        frames[index] = VidFrame(
            snippet, int(frame), index, image, xml, *read_annotation(xml)
        )
    if not frames:
        raise AnnotationError(f"{path} lists no frame.")
    return VidDataset(root, image_set, tuple(frames.values()))


def read_annotation(path: Path) -> tuple[DoubleArray, IntArray, IntArray]:
    """Read boxes `(N, 4)` as written, labels `(N,)` and track ids `(N,)` of one XML.

    Raises:
        AnnotationError: file missing or broken, unknown class, or a box turned over.
    """
    try:
        objects = ElementTree.parse(path).getroot().findall("object")
    except OSError as error:
        raise AnnotationError(
            f"annotation {path} cannot be read ({error.strerror}); every listed frame "
            "needs one, also without objects."
        ) from error
    except ElementTree.ParseError as error:
        raise AnnotationError(f"{path} is not valid XML: {error}.") from error
    boxes, labels, tracks = [], [], []
    for element in objects:
        wnid = (element.findtext("name") or "").strip()
        if wnid not in _LABEL_OF_WNID:
            raise AnnotationError(
                f"{path}: '{wnid}' is not one of the 30 ImageNet VID classes "
                "(WordNet ids such as n02691156)."
            )
        labels.append(_LABEL_OF_WNID[wnid])
        tracks.append(int(_number(path, element, "trackid")))
        sides = [f"bndbox/{side}" for side in ("xmin", "ymin", "xmax", "ymax")]
        xmin, ymin, xmax, ymax = (_number(path, element, side) for side in sides)
        if xmax < xmin or ymax < ymin:
            raise AnnotationError(
                f"{path}: a box must have xmin <= xmax and ymin <= ymax, received "
                f"{xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}."
            )
        boxes.append((xmin, ymin, xmax, ymax))
    return (
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(labels, np.int32),
        np.array(tracks, np.int32),
    )


def _number(path: Path, element: ElementTree.Element, tag: str) -> float:
    text = element.findtext(tag)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AnnotationError(f"{path}: <{tag}> must be a number, received {text!r}.")
    return value


@dataclass(frozen=True, eq=False, slots=True)
class VidPredictions:
    """Detections of many frames as columns, in the order of their file.

    Attributes:
        indices: `(M,)` int64, the frame's 1-based number in the list.
        labels: `(M,)` int32, 0-based VID labels.
        scores: `(M,)` float64, any scale.
        boxes: `(M, 4)` float64 xmin, ymin, xmax, ymax, last pixel included.
    """

    indices: npt.NDArray[np.int64]
    labels: IntArray
    scores: DoubleArray
    boxes: DoubleArray

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def from_detections(cls, detections: Mapping[int, Detections]) -> "VidPredictions":
        """Collect detections under VID labels (see `relabelled`), by frame index."""
        every = list(detections.values())
        labels = np.concatenate([d.labels for d in every] or [np.zeros(0, np.int32)])
        if len(labels) and not (labels.min() >= 0 and labels.max() < len(VID_NAMES)):
            raise ShapeError(
                f"VID labels must lie in 0 to 29, received {labels.min()} to "
                f"{labels.max()}. Call relabelled with vid_labels of the classes first."
            )
        return cls(
            np.repeat(np.array(list(detections), np.int64), [len(d) for d in every]),
            labels.astype(np.int32),
            np.concatenate([np.zeros(0), *(d.scores for d in every)]),
            np.concatenate(
                [np.zeros((0, 4)), *(inclusive_boxes(d.boxes) for d in every)]
            ),
        )


def format_submission_line(
    index: int, label: int, *, score: float, box: npt.ArrayLike
) -> str:
    """Give one line of a result file, `index class score xmin ymin xmax ymax`.

    Args:
        index: the frame's 1-based number in the list.
        label: 0-based VID label; the line has it 1-based.
        score: written with 9 digits, so that float32 scores keep their order and ties.
        box: continuous x1, y1, x2, y2 in frame pixels; see `inclusive_boxes`.
    """
    sides = " ".join(f"{side:.3f}" for side in inclusive_boxes(box)[0])
    return f"{index} {label + 1} {score:.9g} {sides}"


def read_submission(path: Path) -> VidPredictions:
    """Read a result file of the official devkit, plain or `.gz`.

    Raises:
        AnnotationError: naming the file and line that cannot be read.
    """
    rows = []
    for number, line in enumerate(_lines(path), 1):
        if line.isspace() or not line:
            continue
        try:
            index, label, *values = line.split()
            row = (int(index), int(label), *map(float, values))
        except ValueError:
            row = ()
        if len(row) != 7 or not all(map(math.isfinite, row)):
            expected = "'index class score xmin ymin xmax ymax'"
            raise _bad_line(path, number, line, expected)
        if not 1 <= row[1] <= len(VID_NAMES):
            raise _bad_line(path, number, line, "a class from 1 to 30")
        rows.append(row)
    table = np.array(rows, np.float64).reshape(-1, 7)
    return VidPredictions(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int32) - 1,
        table[:, 2],
        table[:, 3:],
    )


def _lines(path: Path) -> Iterator[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            yield from stream
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnnotationError(f"{path} cannot be read: {reason}.") from error


def _bad_line(path: Path, number: int, line: str, expected: str) -> AnnotationError:
    return AnnotationError(
        f"{path} line {number}: expected {expected}, received '{line.strip()[:80]}'."
    )
