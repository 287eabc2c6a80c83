"""What each way through a set of videos is worth, and how much of a loss it recovers.

    recovery = (mAP propagated - mAP hold) / (mAP every frame - mAP hold)

at the same interval: 1 is as good as detecting every frame, 0 no better than leaving
the key frame's boxes where they are.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from propagate.ways import PER_FRAME, Found, Way
from vod.analysis.curves import precision_recall_curves
from vod.analysis.ranking import rank
from vod.analysis.snippets import per_snippet
from vod.analysis.steadiness import measure_steadiness
from vod.evaluation import evaluate
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Worth:
    """What one way has found is worth.

    Attributes:
        mean_ap: by the devkit's protocol.
        classes: AP by class with objects.
        snippets: mean AP by snippet with objects, each as if it were the whole set.
        flicker: births and deaths of found tracks a second, see
            `vod.analysis.steadiness`, at each class's best score; None without tracks.
        detected: share of the tracks' objects that are found at these scores.
        key_frame_share: of all frames.
        of_phases: mean AP with key frames shifted by each of several steps, where they
            were; all else is a mean over these.
    """

    mean_ap: float
    classes: Mapping[str, float]
    snippets: Mapping[str, float]
    flicker: float | None
    detected: float | None
    key_frame_share: float
    of_phases: tuple[float, ...] = ()

    @property
    def error(self) -> float | None:
        """Standard error of the mean AP over phases; None of fewer than two."""
        if len(self.of_phases) < 2:
            return None
        return statistics.stdev(self.of_phases) / math.sqrt(len(self.of_phases))


UNKNOWN: Final = Worth(math.nan, {}, {}, None, None, math.nan)
"""Stands in for a way that was not asked for."""


def recovery(propagated: float, *, hold: float, every_frame: float) -> float | None:
    """Give the share of what holding loses that propagation wins back.

    None where holding loses nothing, or a figure is not known (NaN).
    """
    lost = every_frame - hold
    return (propagated - hold) / lost if lost > 0 else None


def worth_of(truth: GroundTruth, found: Found) -> Worth:
    """Score what one way has found."""
    scores = evaluate(truth, found.detections)
    ranking = rank(truth, Predictions.from_detections(found.detections, truth.classes))
    best = precision_recall_curves(ranking).best_scores
    steadiness = measure_steadiness(ranking, best).every
    snippets = per_snippet(ranking)
    return Worth(
        scores.mean_ap or 0.0,
        {name: ap for name, ap in scores.ap.items() if ap is not None},
        {
            name: float(ap)
            for name, ap in zip(snippets.snippets, snippets.mean_ap, strict=True)
            if not math.isnan(ap)
        },
        _known(steadiness.flicker),
        _known(steadiness.detected),
        found.key_frames / truth.num_frames,
    )


def mean_worth(worths: Sequence[Worth]) -> Worth:
    """Give the mean of one way's worths with key frames shifted, at least one."""
    first = worths[0]

    def mean(name: str) -> float | None:
        values = [getattr(worth, name) for worth in worths]
        known = [value for value in values if value is not None]
        return statistics.fmean(known) if known else None

    def means(name: str) -> dict[str, float]:
        return {
            key: statistics.fmean(getattr(worth, name)[key] for worth in worths)
            for key in getattr(first, name)
        }

    return Worth(
        statistics.fmean(worth.mean_ap for worth in worths),
        means("classes"),
        means("snippets"),
        mean("flicker"),
        mean("detected"),
        statistics.fmean(worth.key_frame_share for worth in worths),
        tuple(worth.mean_ap for worth in worths),
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def report_rows(
    ways: Sequence[Way],
    worths: Sequence[Worth],
    milliseconds: Sequence[Mapping[str, float]],
) -> list[dict[str, Any]]:
    """Give one mapping a way: its figures, with recovery where both ends are known.

    Args:
        ways: in order.
        worths: what each is worth.
        milliseconds: what each costs, see `time_ways`.
    """
    by_way = dict(zip(ways, worths, strict=True))
    every = by_way.get(Way(PER_FRAME, None, 1), UNKNOWN)
    rows = []
    for (way, worth), cost in zip(by_way.items(), milliseconds, strict=True):
        hold = by_way.get(Way("hold", None, way.interval), UNKNOWN)
        if way.mode in (PER_FRAME, "hold"):
            hold = UNKNOWN  # these are the two ends that recovery lies between
        rows.append(
            {
                "mode": way.mode,
                "flow": way.flow,
                "keyframes": way.keyframes,
                "keyframe_interval": way.interval,
                "map": worth.mean_ap,
                "map_error": worth.error,
                "map_of_phases": list(worth.of_phases),
                "recovery": recovery(
                    worth.mean_ap, hold=hold.mean_ap, every_frame=every.mean_ap
                ),
                "share_of_per_frame": recovery(
                    worth.mean_ap, hold=0.0, every_frame=every.mean_ap
                ),
                "flicker_per_second": worth.flicker,
                "detected": worth.detected,
                "key_frame_share": worth.key_frame_share,
                **cost,
                "classes": _recovered("ap", worth.classes, hold.classes, every.classes),
                "snippets": _recovered(
                    "map", worth.snippets, hold.snippets, every.snippets
                ),
            }
        )
    return rows


def _recovered(
    key: str,
    values: Mapping[str, float],
    hold: Mapping[str, float],
    every: Mapping[str, float],
) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            key: value,
            "recovery": recovery(
                value,
                hold=hold.get(name, math.nan),
                every_frame=every.get(name, math.nan),
            ),
        }
        for name, value in values.items()
    }


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Give the rows as text: one line a way."""
    lines = [
        f"{'mode':<10} {'flow':<14} {'key frames':<11} {'%':>5} {'mAP':>7} {'+-':>5} "
        f"{'recovery':>8} {'of p.-f.':>8} {'flicker/s':>9} {'ms':>7} {'CPU ms':>7}"
    ]
    for row in rows:
        lines.append(
            f"{row['mode']:<10} {row['flow'] or '':<14} "
            f"{row['keyframes'] + ' ' + str(row['keyframe_interval']):<11} "
            f"{100 * row['key_frame_share']:>5.1f} {row['map']:>7.4f} "
            f"{_shown(row['map_error']):>5} {_shown(row['recovery']):>8} "
            f"{_shown(row['share_of_per_frame']):>8} "
            f"{_shown(row['flicker_per_second']):>9} {row['ms_per_frame']:>7.2f} "
            f"{row['cpu_ms_per_frame']:>7.2f}"
        )
    return "\n".join(lines) + "\n"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
