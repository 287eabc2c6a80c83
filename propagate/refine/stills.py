"""Objects in single pictures: they do not move, but there are many kinds of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from detector.detector import Detector
from detector.evaluate import read_picture
from detector.postprocess import PostprocessConfig
from detector.train_data import Sample, read_stills
from vod.boxes import pairwise_iou
from vod.types import ByteArray, FloatArray

SURE: Final = PostprocessConfig(score_threshold=0.5)
"""The detector's boxes that count as objects."""

KNOWN_OVERLAP: Final = 0.4
"""Overlap with an annotated box from which a detection is that object again."""

LEAST_SIDE: Final = 14.0
"""Pixels: smaller boxes are left out."""


@dataclass(frozen=True, eq=False, slots=True)
class Still:
    """A picture with objects.

    Attributes:
        picture: `(H, W, 3)` uint8, the detector's input size.
        boxes: `(N, 4)` in its pixels, N >= 1.
    """

    picture: ByteArray
    boxes: FloatArray


def read_still_objects(samples: Sequence[Sample], detector: Detector) -> list[Still]:
    """Read pictures with their annotated boxes and what the detector finds beside.

    Pictures without any object are left out.

    Raises:
        VideoError: naming a picture that cannot be read.
    """
    return [
        still for sample in samples if (still := _read(sample, detector)) is not None
    ]


def read_annotated(folders: Sequence[Path], detector: Detector) -> list[Still]:
    """Read the pictures of folders with an `instances.json`, split train.

    Raises:
        AnnotationError: a list is missing or wrong.
        VideoError: naming a picture that cannot be read.
    """
    samples: list[Sample] = []
    for folder in folders:
        samples += read_stills(folder, detector.classes, split="train")
    return read_still_objects(samples, detector)


def _read(sample: Sample, detector: Detector) -> Still | None:
    rgb = read_picture(sample.path)
    picture = detector.preprocessing.resize(rgb)
    height, width = picture.shape[:2]
    unit = np.array([width / rgb.shape[1], height / rgb.shape[0]] * 2, np.float32)
    boxes = sample.boxes * unit
    found = detector.detect(
        detector.features(detector.preprocessing.input_of(picture)),
        frame_height=height,
        frame_width=width,
        postprocess=SURE,
    ).boxes
    if len(boxes) and len(found):
        found = found[pairwise_iou(found, boxes).max(1) < KNOWN_OVERLAP]
    boxes = np.concatenate([boxes, found]).astype(np.float32)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(1) >= LEAST_SIDE]
    return Still(picture, boxes) if len(boxes) else None
