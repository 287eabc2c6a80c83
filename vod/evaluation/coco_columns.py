"""Detections as pycocotools would have collected them, without an object each."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from vod.evaluation.matching import MatchRule, among_best, candidates, group_numbers
from vod.evaluation.pairs import Placement, RowArray
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions
from vod.types import IntArray

MAX_DETECTIONS: Final = 100

_CERTAIN: Final = 0.5 - 1e-6
"""IoU below COCO's least threshold by more than rounding can account for."""


@dataclass(frozen=True, slots=True)
class CocoOptions:
    """What papers change about COCO's protocol.

    Attributes:
        max_detections: best detections a frame and class; mmdet reports 1000.
        inclusive: whether the last pixel belongs to a box (width + 1).
    """

    max_detections: int = MAX_DETECTIONS
    inclusive: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class CocoColumns:
    """Objects and detections as x, y, width, height, in pycocotools' order.

    Both are sorted by class, then image; detections then by score. `overlapping` tells
    which detections may take an object.
    """

    object_labels: IntArray
    object_images: RowArray
    object_boxes: DoubleArray
    labels: IntArray
    images: RowArray
    boxes: DoubleArray
    scores: DoubleArray
    overlapping: BoolArray

    def of_class(self, label: int) -> "CocoColumns":
        """Give the rows of one class."""
        objects = slice(*np.searchsorted(self.object_labels, [label, label + 1]))
        found = slice(*np.searchsorted(self.labels, [label, label + 1]))
        return CocoColumns(
            self.object_labels[objects],
            self.object_images[objects],
            self.object_boxes[objects],
            self.labels[found],
            self.images[found],
            self.boxes[found],
            self.scores[found],
            self.overlapping[found],
        )


def coco_columns(
    ground_truth: GroundTruth,
    predictions: Predictions,
    placement: Placement,
    options: CocoOptions,
) -> CocoColumns:
    """Sort the best detections of every image, and the objects, as pycocotools does."""
    groups = group_numbers(ground_truth, placement.frames, placement.labels)
    seen = placement.known & among_best(
        groups, predictions.scores, placement.known, options.max_detections
    )
    groups[~seen] = -1
    rule = MatchRule(iou=_CERTAIN, pixel=int(options.inclusive))
    overlapping = np.zeros(len(predictions), np.bool_)
    overlapping[candidates(ground_truth, predictions, groups, rule)[0]] = True
    rows = np.flatnonzero(seen)
    images, labels = predictions.indices[rows], placement.labels[rows]
    order = np.lexsort((-predictions.scores[rows], images, labels))
    rows = rows[order]
    object_images = ground_truth.frame_indices[ground_truth.object_frames]
    objects = np.lexsort((object_images, ground_truth.labels))
    return CocoColumns(
        ground_truth.labels[objects],
        object_images[objects],
        _sized(ground_truth.boxes[objects], options),
        labels[order],
        images[order],
        _sized(predictions.boxes[rows], options),
        predictions.scores[rows],
        overlapping[rows],
    )


def _sized(boxes: DoubleArray, options: CocoOptions) -> DoubleArray:
    """Give xmin, ymin, xmax, ymax as x, y, width, height."""
    sizes = boxes[:, 2:] - boxes[:, :2] + int(options.inclusive)
    return np.concatenate([boxes[:, :2], sizes], axis=1)
