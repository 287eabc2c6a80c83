"""Is B better than A? Both on the same resamples of the snippets.

What `vod.analysis.bootstrap` says of the bias of AP hits A and B alike and leaves their
difference; so its interval is the plain one, and agrees with the share of resamples in
which B is better.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vod.analysis.bootstrap import (
    LEVEL,
    RESAMPLES,
    Interval,
    draw_weights,
    intervals,
    resampled_ap,
)
from vod.analysis.grouped import class_ap
from vod.analysis.numbers import mean_of_known, or_none
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of A and of B.

    Attributes:
        first: A's.
        second: B's.
        gain: B less A, with its interval.
        share_better: share of the resamples in which B is better; NaN where none can
            be drawn.
        share_equal: share in which they are equal.
    """

    first: float
    second: float
    gain: Interval
    share_better: float
    share_equal: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out, on the side of the difference itself."""
        gain = self.gain
        return (gain.low > 0 and gain.value > 0) or (gain.high < 0 and gain.value < 0)

    def to_json(self) -> dict[str, Any]:
        """Give all figures; `clear` says whether the interval leaves 0 out."""
        return {
            "A": or_none(self.first),
            "B": or_none(self.second),
            "difference": self.gain.to_json(),
            "share_better": or_none(self.share_better),
            "share_equal": or_none(self.share_equal),
            "clear": self.is_clear,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A.

    Attributes:
        mean_ap: the difference in mAP.
        ap: by class, for the classes with objects.
        level: share of the resamples between the ends.
        resamples: how many were drawn.
        seed: of the random numbers.
        num_snippets: how many a resample draws.
    """

    mean_ap: Difference
    ap: dict[str, Difference]
    level: float
    resamples: int
    seed: int
    num_snippets: int

    def to_json(self) -> dict[str, Any]:
        """Give all figures."""
        return {
            "mAP": self.mean_ap.to_json(),
            "AP": {name: difference.to_json() for name, difference in self.ap.items()},
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "snippets": self.num_snippets,
        }

    def table(self) -> str:
        """Give the comparison as text."""
        head = f"{self.level:.0%} interval"
        lines = [f"{'class':<16}{'A':>8}{'B':>8}{'B - A':>9}{head:>20}{'B better':>10}"]
        for name, item in (*self.ap.items(), ("mAP", self.mean_ap)):
            ends = f"{item.gain.low:+.4f} {item.gain.high:+.4f}"
            lines.append(
                f"{name:<16}{item.first:>8.4f}{item.second:>8.4f}"
                f"{item.gain.value:>+9.4f}{ends:>20}{item.share_better:>10.1%}"
            )
        return "\n".join([*lines, self.verdict()]) + "\n"

    def verdict(self) -> str:
        """Say what the interval of the difference in mAP allows to say."""
        drawn = f"{self.resamples} resamples of {self.num_snippets} snippets"
        gain = self.mean_ap.gain
        if np.isnan(gain.low):
            return "No interval: that takes objects, and two snippets or more."
        if not self.mean_ap.is_clear:
            return f"The interval holds 0: with {drawn}, A and B cannot be told apart."
        better = "B" if gain.low > 0 else "A"
        return f"{better} is better: the interval leaves 0 out ({drawn})."


def compare(
    first: Ranking,
    second: Ranking,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Comparison:
    """Compare two sets of detections by a paired bootstrap over snippets.

    Args:
        first: A.
        second: B, ranked against the same ground truth.
        resamples: see `bootstrap`.
        level: likewise.
        seed: likewise.

    Raises:
        ConfigError: a parameter out of its range, or two ground truths.
    """
    truth = first.ground_truth
    if second.ground_truth is not truth:
        raise ConfigError("A and B must be ranked against the same ground truth.")
    weights = draw_weights(len(truth.snippets), resamples, seed)
    values, columns = [], []
    for ranking in (first, second):
        ap, resampled = class_ap(ranking), resampled_ap(ranking, weights)
        values.append(np.append(ap, mean_of_known(ap)))
        columns.append(np.column_stack([resampled, mean_of_known(resampled)]))
    gains = columns[1] - columns[0]
    found = intervals(
        values[1] - values[0], gains, level, len(truth.snippets), shifted=False
    )
    known = ~np.isnan(gains)
    drawn = known.sum(axis=0)
    better, equal = (
        np.divide(
            (known & mask).sum(axis=0),
            drawn,
            out=np.full(len(drawn), np.nan),
            where=drawn > 0,
        ).tolist()
        for mask in (gains > 0, gains == 0)
    )
    rows = zip(
        values[0].tolist(), values[1].tolist(), found, better, equal, strict=True
    )
    *of_classes, of_mean = [Difference(*row) for row in rows]
    named = zip(truth.classes, of_classes, strict=True)
    ap_by_class = {name: item for name, item in named if not np.isnan(item.first)}
    return Comparison(of_mean, ap_by_class, level, resamples, seed, len(truth.snippets))
