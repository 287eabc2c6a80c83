"""Detections of many frames as columns, as result files hold them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vod.class_map import ClassMap
from vod.errors import ShapeError
from vod.imagenet_vid import DoubleArray, inclusive_boxes
from vod.types import Detections, IntArray

UNKNOWN_AGE = -1


@dataclass(frozen=True, eq=False, slots=True)
class Predictions:
    """Detections (M), in the order of their file.

    Attributes:
        classes: names; a label is a position here.
        indices: `(M,)` int64, number of the frame, see `GroundTruth.frame_indices`.
        labels: `(M,)` int32.
        scores: `(M,)` float64, any scale, finite.
        boxes: `(M, 4)` float64 xmin, ymin, xmax, ymax, last pixel included.
        ages: `(M,)` int32 frames from the key frame that the detection comes from
            (0 on a key frame), `UNKNOWN_AGE` where the file does not say.
        source_classes: the names that the file or detector itself uses, for the report
            (see `ClassMap`); empty: `classes`.
    """

    classes: tuple[str, ...]
    indices: npt.NDArray[np.int64]
    labels: IntArray
    scores: DoubleArray
    boxes: DoubleArray
    ages: IntArray
    source_classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def from_detections(
        cls, detections: Mapping[int, Detections], classes: Sequence[str]
    ) -> "Predictions":
        """Collect detections, labelled by position in `classes`, by frame index.

        Raises:
            ShapeError: a label outside the classes.
        """
        every = list(detections.values())
        labels = np.concatenate([np.zeros(0, np.int32), *(d.labels for d in every)])
        if len(labels) and not (labels.min() >= 0 and labels.max() < len(classes)):
            raise ShapeError(
                f"labels must lie in 0 to {len(classes) - 1}, received {labels.min()} "
                f"to {labels.max()}."
            )
        return cls(
            tuple(classes),
            np.repeat(np.array(list(detections), np.int64), [len(d) for d in every]),
            labels.astype(np.int32),
            np.concatenate([np.zeros(0), *(d.scores for d in every)]),
            np.concatenate(
                [np.zeros((0, 4)), *(inclusive_boxes(d.boxes) for d in every)]
            ),
            np.full(len(labels), UNKNOWN_AGE, np.int32),
        )

    def aligned(self, classes: Sequence[str]) -> "Predictions":
        """Give the same detections under the class names of a ground truth.

        Position in `classes` is then the label of either side. Classes that `classes`
        lacks follow behind it, so that nothing is lost; they can be counted, and match
        no object. See `ClassMap` for the names that count as equal.
        """
        if self.classes[: len(classes)] == tuple(classes):
            return self
        mapping = ClassMap.between(self.classes, classes)
        labels = mapping.labels.copy()
        labels[labels < 0] = len(classes) + np.arange(len(mapping.left_out))
        return dataclasses.replace(
            self,
            classes=(*classes, *mapping.left_out),
            labels=labels[self.labels].astype(np.int32, copy=False),
            source_classes=self.source_classes or self.classes,
        )

    def class_map(self, classes: Sequence[str]) -> ClassMap:
        """Say where the file's or detector's own classes go among `classes`."""
        return ClassMap.between(self.source_classes or self.classes, classes)
