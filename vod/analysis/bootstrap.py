"""How far mAP would move with other videos: the bootstrap over snippets.

Frames of one video resemble each other, so whole snippets are drawn: as many as there
are, with replacement, and every detection and object counts as often as its snippet was
drawn. The ranking is sorted once. AP needs, for every true positive, how many
detections stand before it; that number is a sum over snippets of a fixed count times
the snippet's weight, so that all resamples together are one matrix product, and the
time does not depend on the number of detections.

A snippet that is drawn twice stands twice *at the same place* of the ranking. With
unequal scores that is the AP of the set with copies, exactly. A class without objects
in a resample is left out of its mean.

The resamples lie lower than the value itself, in the mean: AP bends down as the share
of true positives falls, so that a class gains less from lucky draws than it loses from
unlucky ones, and a mean over 30 classes keeps that while it averages the luck out. The
interval therefore has the width and shape of the resamples, shifted so that their mean
is the value. It says where mAP would lie on other sets of as many snippets; the shift
is reported as the bias.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 10 (bias) and
13 (percentile interval).
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.analysis.grouped import class_ap
from vod.analysis.numbers import mean_of_known, or_none
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.ground_truth import DoubleArray

RESAMPLES: Final = 1000
LEVEL: Final = 0.95

_CELLS = 1 << 24
"""Numbers in the largest array of a step: 128 MB."""

_EXACT_IN_FLOAT32 = 1 << 24


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and where it would lie with other snippets.

    Attributes:
        value: of the set itself; NaN where there is no object.
        low: lower end of the interval; NaN where it cannot be told.
        high: upper end.
        bias: mean of the resamples less the value.
    """

    value: float
    low: float
    high: float
    bias: float

    def to_json(self) -> dict[str, float | None]:
        """Give value, ends and bias."""
        return {
            "value": or_none(self.value),
            "low": or_none(self.low),
            "high": or_none(self.high),
            "bias": or_none(self.bias),
        }


@dataclass(frozen=True, slots=True)
class Confidence:
    """mAP and AP with their intervals.

    Attributes:
        mean_ap: of all classes.
        ap: by class, for the classes with objects.
        level: share of the resamples between the ends.
        resamples: how many were drawn.
        seed: of the random numbers.
        num_snippets: how many a resample draws; with one alone nothing can be said.
    """

    mean_ap: Interval
    ap: dict[str, Interval]
    level: float
    resamples: int
    seed: int
    num_snippets: int

    def to_json(self) -> dict[str, Any]:
        """Give all figures."""
        return {
            "mAP": self.mean_ap.to_json(),
            "AP": {name: interval.to_json() for name, interval in self.ap.items()},
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "snippets": self.num_snippets,
        }


def bootstrap(
    ranking: Ranking,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Confidence:
    """Give the confidence intervals of mAP and of every class's AP.

    Args:
        ranking: of all detections.
        resamples: number of resamples, at least 100.
        level: of confidence, in (0, 1).
        seed: of the random numbers; equal seeds give equal results.

    Raises:
        ConfigError: a parameter out of its range.
    """
    truth = ranking.ground_truth
    weights = draw_weights(len(truth.snippets), resamples, seed)
    ap = class_ap(ranking)
    resampled = resampled_ap(ranking, weights)
    values = np.append(ap, mean_of_known(ap))
    columns = np.column_stack([resampled, mean_of_known(resampled)])
    *of_classes, of_mean = intervals(values, columns, level, len(truth.snippets))
    named = zip(truth.classes, of_classes, strict=True)
    return Confidence(
        of_mean,
        {name: interval for name, interval in named if not np.isnan(interval.value)},
        level,
        resamples,
        seed,
        len(truth.snippets),
    )


def draw_weights(num_snippets: int, resamples: int, seed: int) -> DoubleArray:
    """Draw how often every snippet (S) is in every resample (B): `(B, S)`.

    Raises:
        ConfigError: fewer than 100 resamples: too few for an end of an interval.
    """
    if resamples < 100:
        raise ConfigError(f"resamples must be at least 100, received {resamples}.")
    if seed < 0:
        raise ConfigError(f"the seed must not be negative, received {seed}.")
    if not num_snippets:
        return np.zeros((resamples, 0))
    share = np.full(num_snippets, 1 / num_snippets)
    drawn = np.random.default_rng(seed).multinomial(num_snippets, share, resamples)
    return drawn.astype(np.float64)


def intervals(
    values: DoubleArray,
    resampled: DoubleArray,
    level: float,
    num_snippets: int,
    *,
    shifted: bool = True,
) -> list[Interval]:
    """Give values `(N,)` with the interval that their resamples `(B, N)` span.

    Args:
        values: of the set itself.
        resampled: NaN is left out.
        level: share of the resamples between the ends.
        num_snippets: with fewer than two there is no interval.
        shifted: free the ends of the bias and keep them in [0, 1], as AP needs it;
            otherwise give the plain percentiles.

    Raises:
        ConfigError: the level is no share.
    """
    if not 0 < level < 1:
        raise ConfigError(f"level must lie between 0 and 1, received {level}.")
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = []
    for value, column in zip(values.tolist(), resampled.T, strict=True):
        known = column[~np.isnan(column)]
        low = high = bias = math.nan
        if num_snippets > 1 and len(known) and not math.isnan(value):
            bias = float(known.mean()) - value
            ends = np.quantile(known, tails)
            if shifted:
                ends = np.clip(ends - bias, 0, 1)
            low, high = ends.tolist()
        found.append(Interval(value, low, high, bias))
    return found


def resampled_ap(ranking: Ranking, weights: DoubleArray) -> DoubleArray:
    """Give AP with weighted snippets.

    Args:
        ranking: of all detections.
        weights: `(B, S)` how often each snippet counts, whole numbers.

    Returns:
        `(B, C)`; NaN where no object of the class is drawn.
    """
    truth = ranking.ground_truth
    num_snippets = len(truth.snippets)
    of_objects = truth.frame_snippets[truth.object_frames]
    values = np.full((len(weights), ranking.num_classes), np.nan)
    for label, part in enumerate(ranking.parts()):
        counts = np.bincount(of_objects[truth.labels == label], minlength=num_snippets)
        asked = weights @ counts
        if not asked.any():
            continue
        places = np.flatnonzero(ranking.objects[part] >= 0)
        snippets = truth.frame_snippets[ranking.frames[part]]
        areas = _areas(places, snippets, weights)
        values[:, label] = np.divide(
            areas, asked, out=np.full(len(asked), np.nan), where=asked > 0
        )
    return values


def _areas(
    places: npt.NDArray[np.intp],
    snippets: npt.NDArray[np.int32],
    weights: DoubleArray,
) -> DoubleArray:
    """Give the `(B,)` sums of the precision envelope over true positives.

    Args:
        places: `(T,)` of the true positives among the detections (K) of a class.
        snippets: `(K,)` of the detections, best first.
        weights: `(B, S)`.
    """
    areas = np.zeros(len(weights))
    step = max(1, _CELLS // max(len(places), 1))
    for first in range(0, len(weights), step):
        chosen = np.ascontiguousarray(weights[first : first + step].T)
        hits = chosen[snippets[places]]
        precision = _ranked_before(places, snippets, chosen)
        # Where nothing has been drawn yet nothing has been found either: 0 / 1.
        np.maximum(precision, 1, out=precision)
        np.divide(np.cumsum(hits, axis=0), precision, out=precision)
        best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        areas[first : first + step] = np.einsum("tb,tb->b", best, hits)
    return areas


def _ranked_before(
    places: npt.NDArray[np.intp],
    snippets: npt.NDArray[np.int32],
    weights: DoubleArray,
) -> DoubleArray:
    """Give the `(T, B)` weight of the detections down to every true positive."""
    num_snippets, resamples = weights.shape
    before = np.zeros((len(places), resamples))
    carried = np.zeros(resamples)
    step = max(1, _CELLS // max(num_snippets, resamples))
    for first in range(0, len(places), step):
        ends = places[first : first + step] + 1
        start = places[first - 1] + 1 if first else 0
        lengths = np.diff(ends, prepend=start)
        cells = np.repeat(np.arange(len(ends)) * num_snippets, lengths)
        cells += snippets[start : ends[-1]]
        counts = np.bincount(cells, minlength=len(ends) * num_snippets)
        # Single precision is exact for these whole numbers, and twice as fast.
        exact = lengths.max() * weights.max() < _EXACT_IN_FLOAT32
        kind = np.float32 if exact else np.float64
        block = counts.reshape(-1, num_snippets).astype(kind) @ weights.astype(kind)
        rows = before[first : first + step]
        np.cumsum(block, axis=0, dtype=np.float64, out=rows)
        rows += carried
        carried = rows[-1].copy()
    return before
