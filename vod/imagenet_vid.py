"""ImageNet VID as its official files have it: classes, boxes, lines of result files.

The annotations and the result files name the first and the *last* pixel of a box (width
= xmax - xmin + 1), and `vod.evaluation` counts so; everywhere else a box is continuous,
`[x1, x2)`, the first pixel spanning 0 to 1. This file alone converts:

    xmin = x1, ymin = y1, xmax = x2 - 1, ymax = y2 - 1

and the width is the same on both sides. `inclusive_boxes` is what the writer of result
files and the evaluator both use, so scoring detections equals scoring their file.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.class_map import ClassMap
from vod.types import Detections, IntArray

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


def continuous_boxes(boxes: npt.ArrayLike) -> DoubleArray:
    """Give xmin, ymin, xmax, ymax of the files as continuous `(N, 4)` boxes."""
    return np.asarray(boxes, np.float64).reshape(-1, 4) + _INCLUSIVE


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
