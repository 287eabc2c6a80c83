"""From a head's raw boxes and scores to what was found in the frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.boxes import non_maximum_suppression
from vod.errors import ConfigError
from vod.types import Detections, FloatArray, IntArray

# Suppression compares every pair; beyond this many candidates only the best go in.
MAX_CANDIDATES: Final = 1000


FEW: Final = 256
"""Candidates up to which comparing all pairs takes less time than a call a class.

Of 11 classes, measured: a sixth of it for 90 candidates, two thirds for 256, as much
for 400; with more classes, less.
"""


@dataclass(frozen=True, slots=True)
class PostprocessConfig:
    """Which raw boxes become detections.

    Attributes:
        score_threshold: a class of an anchor counts when its score is at least this.
        iou_threshold: of two boxes of one class whose IoU is greater, the better stays.
            0.6 as in the TensorFlow SSD configurations.
        max_detections: the best so many of all classes are kept.
    """

    score_threshold: float = 0.4
    iou_threshold: float = 0.6
    max_detections: int = 100

    def __post_init__(self) -> None:
        for name in ("score_threshold", "iou_threshold"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} must lie in [0, 1], received {value}.")
        if self.max_detections < 1:
            raise ConfigError(
                f"max_detections must be at least 1, received {self.max_detections}."
            )


def select_detections(
    boxes: FloatArray, scores: FloatArray, config: PostprocessConfig
) -> Detections:
    """Give the detections among one picture's raw outputs, best first.

    Classes are independent: an anchor may give one detection a class.

    Args:
        boxes: `(N, 4)` x1, y1, x2, y2 in any unit, which the result keeps.
        scores: `(N, C)` in [0, 1].
        config: thresholds.
    """
    flat = np.flatnonzero(scores >= config.score_threshold)
    values = scores.ravel()[flat]
    if len(values) > MAX_CANDIDATES:
        best = np.argpartition(-values, MAX_CANDIDATES)[:MAX_CANDIDATES]
        best.sort()  # equal scores keep the order of the anchors
        flat, values = flat[best], values[best]
    anchors, labels = np.divmod(flat, scores.shape[1])
    found, classes = boxes[anchors], labels.astype(np.int32)
    keep = _suppress(found, values, classes, iou_threshold=config.iou_threshold)
    keep = keep[: config.max_detections]
    return Detections(found[keep], values[keep], classes[keep])


def _suppress(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, *, iou_threshold: float
) -> npt.NDArray[np.intp]:
    """Suppress class by class: comparing pairs within a class is far less work."""
    if len(scores) <= FEW:
        return non_maximum_suppression(
            boxes, scores, labels, iou_threshold=iou_threshold
        )
    kept = [np.zeros(0, np.intp)]
    # np.unique imports 40 ms of masked arrays when first called.
    for label in np.flatnonzero(np.bincount(labels)):
        rows = np.flatnonzero(labels == label)
        best = non_maximum_suppression(
            boxes[rows], scores[rows], labels[rows], iou_threshold=iou_threshold
        )
        kept.append(rows[best])
    survivors = np.sort(np.concatenate(kept))
    ranked: npt.NDArray[np.intp] = survivors[
        np.argsort(-scores[survivors], kind="stable")
    ]
    return ranked
