"""AP by the size of the objects."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from vod.analysis.grouped import grouped_ap
from vod.analysis.numbers import by_name, mean_of_known, or_none
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.ground_truth import DoubleArray
from vod.types import IntArray

COCO_SIZES: Final = (32.0, 96.0)
"""Square roots of area, in pixels, that part small, medium and large (COCO)."""


@dataclass(frozen=True, eq=False, slots=True)
class SizeScores:
    """AP of ranges (N) of object size, each from its lower edge up to the next.

    Attributes:
        edges: `(N + 1,)` square roots of area in pixels, from 0 to infinity.
        classes: names.
        ap: `(N, C)`, NaN without objects.
        mean_ap: `(N,)` mean over the classes with objects of the size.
        num_objects: `(N,)`.
    """

    edges: tuple[float, ...]
    classes: tuple[str, ...]
    ap: DoubleArray
    mean_ap: DoubleArray
    num_objects: tuple[int, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Give one entry a range; `to` is null for the last."""
        return [
            {
                "from": low,
                "to": high if math.isfinite(high) else None,
                "mAP": or_none(self.mean_ap[i]),
                "AP": by_name(self.classes, self.ap[i]),
                "objects": self.num_objects[i],
            }
            for i, (low, high) in enumerate(
                zip(self.edges[:-1], self.edges[1:], strict=True)
            )
        ]


def by_size(ranking: Ranking, edges: Sequence[float] = COCO_SIZES) -> SizeScores:
    """Score small and large objects apart.

    A detection that takes an object counts in the object's range alone; a false
    positive in the range of its own box. That is COCO's rule with one matching for all
    ranges, and with half-open ranges where COCO counts an area of exactly 32 x 32 or
    96 x 96 pixels twice.

    Args:
        ranking: of all detections.
        edges: ascending square roots of area in pixels between two ranges.

    Raises:
        ConfigError: the edges are not positive and ascending.
    """
    bounds = (0.0, *map(float, edges), math.inf)
    if not all(low < high for low, high in pairwise(bounds)):
        raise ConfigError(
            "the edges between object sizes must be positive, finite and ascending, "
            f"received {list(edges)}."
        )
    truth = ranking.ground_truth
    of_objects = _ranges(truth.boxes, ranking.rule.pixel, edges)
    of_boxes = _ranges(ranking.predictions.boxes, ranking.rule.pixel, edges)
    of_detections = of_boxes[ranking.rows]
    of_detections[ranking.hits] = of_objects[ranking.objects[ranking.hits]]
    ap = grouped_ap(ranking, of_detections, of_objects, len(bounds) - 1)
    counts = np.bincount(of_objects, minlength=len(bounds) - 1)
    return SizeScores(
        bounds, truth.classes, ap, mean_of_known(ap, axis=1), tuple(counts.tolist())
    )


def _ranges(boxes: DoubleArray, pixel: int, edges: Sequence[float]) -> IntArray:
    """Give the range `(N,)` of every box; one turned inside out has no area."""
    width = np.maximum(boxes[:, 2] - boxes[:, 0] + pixel, 0)
    height = np.maximum(boxes[:, 3] - boxes[:, 1] + pixel, 0)
    inner = np.square(np.asarray(edges, np.float64))
    return np.searchsorted(inner, width * height, side="right").astype(np.int32)
