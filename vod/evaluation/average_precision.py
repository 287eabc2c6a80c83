"""From a ranking of hits to average precision, by each protocol's interpolation."""

from collections.abc import Callable
from typing import Final

import numpy as np

from vod.errors import ShapeError
from vod.ground_truth import BoolArray, DoubleArray

Interpolation = Callable[[DoubleArray, DoubleArray], float]


def ap_from_hits(
    scores: DoubleArray,
    hits: BoolArray,
    num_objects: int,
    *,
    weights: DoubleArray | None = None,
    interpolation: str = "area",
) -> float:
    """Give the average precision of the detections (N) of one class.

    Args:
        scores: `(N,)`; detections with equal scores keep their order, so give them in
            the order of the list of frames, then of the file.
        hits: `(N,)` whether each is a true positive.
        num_objects: objects to be found, at least 1.
        weights: `(N,)` what each false positive counts for; 1 where None. True
            positives always count 1. A detection that shall not count at all is no hit
            of weight 0.
        interpolation: a name in `INTERPOLATIONS`.

    Raises:
        ShapeError: the columns differ in length, or there is no object.
    """
    if scores.shape != hits.shape or num_objects < 1:
        raise ShapeError(
            "average precision needs one score a hit and at least 1 object, received "
            f"{len(scores)} scores, {len(hits)} hits and {num_objects} objects."
        )
    order = np.argsort(-scores, kind="stable")
    curve = precision_recall(
        hits[order], num_objects, weights=None if weights is None else weights[order]
    )
    return INTERPOLATIONS[interpolation](*curve)


def precision_recall(
    hits: BoolArray, num_objects: int, *, weights: DoubleArray | None = None
) -> tuple[DoubleArray, DoubleArray]:
    """Give precision and recall `(N,)` after each detection, best score first.

    Args:
        hits: `(N,)` as for `ap_from_hits`, sorted.
        num_objects: objects to be found.
        weights: `(N,)` what each false positive counts for.
    """
    found = np.cumsum(hits, dtype=np.float64)
    if weights is None:
        precision = found / np.arange(1, len(hits) + 1)
    else:
        counted = found + np.cumsum(np.where(hits, 0.0, weights))
        # Before the first detection that counts there is nothing to be right about.
        precision = np.divide(
            found, counted, out=np.zeros_like(found), where=counted > 0
        )
    return precision, found / num_objects


def envelope(precision: DoubleArray) -> DoubleArray:
    """Give the best precision `(N,)` at this rank or any later one."""
    best: DoubleArray = np.maximum.accumulate(precision[::-1])[::-1]
    return best


def _area(precision: DoubleArray, recall: DoubleArray) -> float:
    return float(np.sum(np.diff(recall, prepend=0) * envelope(precision)))


def _at_points(
    precision: DoubleArray, recall: DoubleArray, points: DoubleArray
) -> float:
    reached = np.searchsorted(recall, points, side="left")
    best = np.append(envelope(precision), 0.0)
    return float(np.mean(best[reached]))


def _eleven_points(precision: DoubleArray, recall: DoubleArray) -> float:
    return _at_points(precision, recall, np.linspace(0, 1, 11))


def _hundred_one_points(precision: DoubleArray, recall: DoubleArray) -> float:
    return _at_points(precision, recall, np.linspace(0, 1, 101))


INTERPOLATIONS: Final[dict[str, Interpolation]] = {
    "area": _area,
    "eleven": _eleven_points,
    "hundred-one": _hundred_one_points,
}
"""`area` under the monotone envelope (VOC 2010, ILSVRC), `eleven` recall points (VOC
2007), `hundred-one` (COCO)."""
