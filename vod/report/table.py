"""The report for a terminal."""

from collections.abc import Iterator
from itertools import islice

from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.scores import Scores
from vod.report.content import Analyses
from vod.report.markup import number

_SPEEDS = ("slow", "medium", "fast")
_WORST = 3


def format_table(scores: Scores, analyses: Analyses | None = None) -> str:
    """Give the scores as text, one line a class that has objects or detections.

    Args:
        scores: of one protocol.
        analyses: adds intervals, errors and the worst snippets.
    """
    lines = [*_classes(scores, analyses), "", *_counts(scores)]
    if analyses is not None:
        lines += _findings(scores, analyses)
    return "\n".join(lines) + "\n"


def _classes(scores: Scores, analyses: Analyses | None) -> Iterator[str]:
    motion = scores.motion or {}
    speeds = [speed for speed in _SPEEDS if speed in motion]
    intervals = analyses.confidence if analyses is not None else None
    width = max([len("class"), *map(len, scores.num_ground_truth)]) + 2

    def line(
        name: str, ap: str, interval: str, by_speed: list[str], *counts: str
    ) -> str:
        cells = f"{name:<{width}}{ap:>8}"
        cells += f"{interval:>18}" if intervals else ""
        cells += "".join(f"{value:>9}" for value in by_speed)
        return cells + "".join(f"{count:>12}" for count in counts)

    title = f"{intervals.level:.0%} interval" if intervals else ""
    yield line("class", "AP", title, speeds, "objects", "detections")
    for name, objects in scores.num_ground_truth.items():
        found = scores.num_detections[name]
        if objects or found:
            known = intervals.ap.get(name) if intervals else None
            ends = (known.low, known.high) if known else (None, None)
            aps = [_ap(motion[speed].ap[name]) for speed in speeds]
            ap = _ap(scores.ap[name])
            yield line(name, ap, _ends(*ends), aps, f"{objects:,}", f"{found:,}")
    ends = (None, None)
    if intervals:
        ends = (intervals.mean_ap.low, intervals.mean_ap.high)
    totals = (scores.num_ground_truth, scores.num_detections)
    counts = [f"{sum(total.values()):,}" for total in totals]
    means = [_ap(motion[speed].mean_ap) for speed in speeds]
    yield line("mAP", _ap(scores.mean_ap), _ends(*ends), means, *counts)


def _counts(scores: Scores) -> Iterator[str]:
    with_objects = sum(1 for ap in scores.ap.values() if ap is not None)
    yield (
        f"protocol {scores.protocol}: {with_objects} classes with objects, "
        f"{scores.num_frames:,} frames"
    )
    if scores.num_unlisted:
        yield f"ignored: {scores.num_unlisted:,} detections of frames not in the list"
    if scores.num_unknown:
        yield (
            f"ignored: {scores.num_unknown:,} detections of classes that the data lack"
        )


def _findings(scores: Scores, analyses: Analyses) -> Iterator[str]:
    if PROTOCOLS[scores.protocol].interpolation != "area":
        mean = _ap(analyses.confidence.mean_ap.value)
        yield f"intervals and errors are of the area under the envelope: mAP {mean}"
    renamed = analyses.class_map.renamed
    if renamed:
        pairs = ", ".join(f"{theirs} = {ours}" for theirs, ours in renamed.items())
        yield f"classes renamed: {pairs}"
    errors = analyses.errors
    kinds = sorted(errors.counts, key=lambda kind: -errors.cost[kind])
    costs = ", ".join(f"{kind} {_ap(errors.cost[kind])}" for kind in kinds)
    yield f"mAP lost to errors: {costs}"
    every = analyses.steadiness.every
    if every.tracks:
        delay = number(every.median_delay, 2)
        first = "never" if delay == "never" else f"after {delay} s"
        yield (
            f"{every.tracks:,} tracks: {number(100 * every.detected, 1)} % detected, "
            f"{number(every.flicker, 2)} births and deaths a second, first detection "
            f"{first} (median)"
        )
    snippets = analyses.snippets
    for place in islice(snippets.worst_first(), _WORST):
        yield f"low: {snippets.snippets[place]} {_ap(snippets.mean_ap[place])}"


def _ap(value: float | None) -> str:
    return number(value, 4) if value is not None and value == value else "-"


def _ends(low: float | None, high: float | None) -> str:
    return "-" if low is None or low != low else f"{_ap(low)} to {_ap(high)}"
