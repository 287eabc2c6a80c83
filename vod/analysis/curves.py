"""Precision against recall, and the score at which a detector is best used."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vod.analysis.numbers import mean_of_known, or_none
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.ground_truth import DoubleArray

RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """Precision and recall of one class while the least score falls.

    Attributes:
        name: of the class.
        num_objects: to be found.
        num_detections: of the class.
        recall: `(P,)` at true positives, where every peak of precision is.
        precision: `(P,)`.
        scores: `(P,)` least score that reaches the point.
        at_recalls: `(101,)` best precision at each of `RECALLS` or beyond, 0 where it
            is never reached; NaN without objects. Of the whole curve, if thinned too.
        best_f1: the greatest harmonic mean of precision and recall; NaN without
            objects.
        best_score: the least score at which it is reached; NaN without true positives.
    """

    name: str
    num_objects: int
    num_detections: int
    recall: DoubleArray
    precision: DoubleArray
    scores: DoubleArray
    at_recalls: DoubleArray
    best_f1: float
    best_score: float

    def to_json(self) -> dict[str, Any]:
        """Give the points with five digits; they draw a line, they prove nothing."""
        return {
            "objects": self.num_objects,
            "detections": self.num_detections,
            "recall": np.round(self.recall, 5).tolist(),
            "precision": np.round(self.precision, 5).tolist(),
            "score": [float(f"{score:.6g}") for score in self.scores.tolist()],
            "best_f1": or_none(self.best_f1),
            "best_score": or_none(self.best_score),
        }


@dataclass(frozen=True, eq=False, slots=True)
class Curves:
    """The curves of all classes and their mean.

    Attributes:
        curves: one a class, in the order of the classes.
        mean_precision: `(101,)` at `RECALLS`, mean over classes with objects.
    """

    curves: tuple[Curve, ...]
    mean_precision: DoubleArray

    @property
    def best_scores(self) -> DoubleArray:
        """`(C,)` score of the best F1 a class; infinite where nothing is ever right."""
        scores = np.array([curve.best_score for curve in self.curves], np.float64)
        return np.where(np.isnan(scores), np.inf, scores)

    def to_json(self) -> dict[str, Any]:
        """Give the mean, and every class that has objects or detections."""
        return {
            "recall": RECALLS.round(2).tolist(),
            "mean_precision": [or_none(value) for value in self.mean_precision],
            "classes": {
                curve.name: curve.to_json()
                for curve in self.curves
                if curve.num_objects or curve.num_detections
            },
        }


def precision_recall_curves(ranking: Ranking, *, max_points: int = 500) -> Curves:
    """Draw every class's curve.

    Args:
        ranking: of all detections.
        max_points: a longer curve is thinned to this many true positives, evenly; the
            first and the last stay. The best F1 is found before that.

    Raises:
        ConfigError: fewer than two points.
    """
    if max_points < 2:
        raise ConfigError(f"a curve needs at least 2 points, received {max_points}.")
    truth = ranking.ground_truth
    counts = np.bincount(truth.labels, minlength=ranking.num_classes)
    curves = tuple(
        _curve(ranking, part, truth.classes[label], int(counts[label]), max_points)
        for label, part in enumerate(ranking.parts())
    )
    columns = np.array([curve.at_recalls for curve in curves], np.float64)
    return Curves(curves, mean_of_known(columns.reshape(-1, len(RECALLS)), axis=0))


def _curve(
    ranking: Ranking, part: slice, name: str, num_objects: int, max_points: int
) -> Curve:
    places = np.flatnonzero(ranking.objects[part] >= 0)
    found = np.arange(1, len(places) + 1)
    precision = found / (places + 1)
    recall = found / max(num_objects, 1)
    scores = ranking.scores[part][places]
    at_recalls = np.full(len(RECALLS), np.nan)
    best_f1, best_score = np.nan, np.nan
    if num_objects:
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at_recalls = np.append(envelope, 0.0)[np.searchsorted(recall, RECALLS)]
        # A least score keeps all of several equal ones, so that only their last counts.
        last = np.searchsorted(-ranking.scores[part], -scores, side="right")
        f1 = 2 * np.searchsorted(places, last) / (last + num_objects)
        best_f1 = float(f1.max(initial=0))
        best_score = float(scores[np.argmax(f1)]) if len(f1) else np.nan
    chosen = np.arange(len(places))
    if len(places) > max_points:
        chosen = np.linspace(0, len(places) - 1, max_points).round().astype(np.intp)
    return Curve(
        name,
        num_objects,
        part.stop - part.start,
        recall[chosen],
        precision[chosen],
        scores[chosen],
        at_recalls,
        best_f1,
        best_score,
    )
