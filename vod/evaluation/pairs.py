"""Detections beside the objects that they might be: placing, joining, overlap."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vod.class_map import ClassMap
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions
from vod.types import IntArray

RowArray = npt.NDArray[np.int64]

_CHUNK = 1 << 19
"""Pairs to give at a time: their boxes and overlaps take 60 MB."""


@dataclass(frozen=True, eq=False, slots=True)
class Placement:
    """Where detections (M) lie in the ground truth's terms.

    Attributes:
        frames: `(M,)` int32 position in the list of frames, -1 for an unlisted one.
        labels: `(M,)` int32 label of the ground truth, -1 for a class it lacks.
    """

    frames: IntArray
    labels: IntArray

    @property
    def known(self) -> BoolArray:
        """`(M,)` whether both frame and class are known."""
        return (self.frames >= 0) & (self.labels >= 0)


def place(ground_truth: GroundTruth, predictions: Predictions) -> Placement:
    """Find every detection's frame by its index and its class by its name.

    Names that `ClassMap` counts as equal are equal.
    """
    order = np.argsort(ground_truth.frame_indices, kind="stable")
    listed = ground_truth.frame_indices[order]
    frames = np.full(len(predictions), -1, np.int32)
    if len(listed):
        nearest = np.searchsorted(listed, predictions.indices)
        np.minimum(nearest, len(listed) - 1, out=nearest)
        found = listed[nearest] == predictions.indices
        frames[found] = order[nearest[found]]
    table = ClassMap.between(predictions.classes, ground_truth.classes).labels
    return Placement(frames, table[predictions.labels])


def aligned_iou(
    first: DoubleArray, second: DoubleArray, *, pixel: int = 1
) -> DoubleArray:
    """Give the `(N,)` IoU of each box with the one beside it, both `(N, 4)`.

    A box turned inside out overlaps nothing.

    Args:
        first: xmin, ymin, xmax, ymax.
        second: likewise.
        pixel: added to widths and heights.
    """
    left_top = np.maximum(first[:, :2], second[:, :2])
    sides = np.minimum(first[:, 2:], second[:, 2:]) - left_top + pixel
    np.maximum(sides, 0, out=sides)
    overlap = sides[:, 0] * sides[:, 1]
    union = _areas(first, pixel) + _areas(second, pixel) - overlap
    iou: DoubleArray = np.divide(
        overlap, union, out=np.zeros_like(overlap), where=overlap > 0
    )
    return iou


def _areas(boxes: DoubleArray, pixel: int) -> DoubleArray:
    areas: DoubleArray = (boxes[:, 2] - boxes[:, 0] + pixel) * (
        boxes[:, 3] - boxes[:, 1] + pixel
    )
    return areas


def joined(
    first: RowArray, count: RowArray, *, chunk: int = _CHUNK
) -> Iterator[tuple[RowArray, RowArray]]:
    """Yield all pairs (row, partner), where row r has partners `first[r]` onwards.

    Args:
        first: `(N,)` first partner of each row.
        count: `(N,)` number of its partners, which follow each other.
        chunk: pairs to give at a time; a row's pairs are never torn apart.

    Yields:
        Rows ascending, and their partners ascending within a row.
    """
    rows = np.flatnonzero(count)
    first, count = first[rows], count[rows]
    ends = np.cumsum(count)
    start = 0
    while start < len(rows):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + chunk, "right")), start + 1)
        counts = count[start:stop]
        offsets = np.arange(ends[stop - 1] - before) - np.repeat(
            ends[start:stop] - counts - before, counts
        )
        partners = np.repeat(first[start:stop], counts) + offsets
        yield np.repeat(rows[start:stop], counts), partners
        start = stop


def rows_by_class(
    ground_truth: GroundTruth, scores: DoubleArray, placement: Placement
) -> Iterator[tuple[int, RowArray]]:
    """Yield every class's label and the rows of its known detections, best first.

    Equal scores keep the order of the list of frames, then of the file.

    Args:
        ground_truth: whose classes are meant.
        scores: `(M,)`.
        placement: of the detections.
    """
    frames, number = placement.frames, len(ground_truth.classes)
    labels = np.where(placement.known, placement.labels, -1)
    # A file that is sorted already, the usual case, needs no second sorting.
    ordered = bool((frames[1:] >= frames[:-1]).all())
    order = np.arange(len(frames)) if ordered else np.argsort(frames, kind="stable")
    # Few classes: NumPy sorts small integers by their digits, in linear time.
    small = labels[order].astype(np.min_scalar_type(-number - 1))
    order = order[np.argsort(small, kind="stable")]
    bounds = np.searchsorted(labels[order], np.arange(number + 1))
    for label in range(number):
        rows = order[bounds[label] : bounds[label + 1]]
        yield label, rows[np.argsort(-scores[rows], kind="stable")]
