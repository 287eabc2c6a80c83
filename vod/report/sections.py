"""The parts of the page that say what a set of detections is worth, and how sure."""

import math
from collections.abc import Mapping, Sequence

from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.scores import Scores
from vod.report import charts
from vod.report.content import Analyses
from vod.report.markup import (
    DASH,
    Cell,
    bar,
    facts,
    figure,
    number,
    paragraph,
    section,
    table,
)
from vod.report.svg import to_svg

SPEEDS = ("slow", "medium", "fast")


def classes_section(scores: Scores, analyses: Analyses) -> str:
    """Give the table of classes."""
    motion = scores.motion or {}
    speeds = [speed for speed in SPEEDS if speed in motion]
    level = f"{analyses.confidence.level:.0%} interval"
    head = ["class", "AP", level, *speeds, "objects", "detections"]
    curves = {curve.name: curve for curve in analyses.curves.curves}
    rows: list[list[Cell]] = []
    silent = []
    for name, objects in scores.num_ground_truth.items():
        found, curve = scores.num_detections[name], curves[name]
        if not objects and not found:
            silent.append(name)
            continue
        row: list[Cell] = [name, bar(scores.ap[name]), _interval(analyses, name)]
        row += [number(motion[speed].ap[name]) for speed in speeds]
        row += [objects, found, number(curve.best_f1), number(curve.best_score)]
        rows.append(row)
    notes = []
    if silent:
        notes.append(f"Neither objects nor detections: {', '.join(silent)}.")
    if not _is_area(scores):
        notes.append(
            "Intervals and all analyses below use this protocol's matching and the "
            "area under the precision envelope: mAP "
            f"{number(analyses.confidence.mean_ap.value)}."
        )
    total = _total(scores, analyses, speeds)
    body = table([*head, "best F1", "at score"], rows, total=total)
    return section("Classes", body, *(paragraph(n, quiet=True) for n in notes))


def _total(scores: Scores, analyses: Analyses, speeds: Sequence[str]) -> list[Cell]:
    """Give the last row of the table of classes."""
    mean, motion = analyses.confidence.mean_ap, scores.motion or {}
    row: list[Cell] = ["mean, sum", bar(scores.mean_ap), _ends(mean.low, mean.high)]
    row += [number(motion[speed].mean_ap) for speed in speeds]
    row += [
        sum(counts.values())
        for counts in (scores.num_ground_truth, scores.num_detections)
    ]
    return [*row, "", ""]


def confidence_section(analyses: Analyses) -> str:
    """Give the bootstrap intervals."""
    confidence = analyses.confidence
    rows = [
        (name, interval.low, interval.value, interval.high)
        for name, interval in [("mean", confidence.mean_ap), *confidence.ap.items()]
        if not math.isnan(interval.low)
    ]
    if not rows:
        words = "With fewer than two snippets with objects nothing can be said."
        return section("How sure this is", paragraph(words))
    svg = to_svg(
        charts.draw_intervals(rows, axis="AP"), name="sure", label="AP with intervals"
    )
    words = (
        f"{confidence.level:.0%} bootstrap intervals from {confidence.resamples:,} "
        f"resamples of the {confidence.num_snippets:,} snippets. A "
        "difference to another detector that is small against them needs a paired "
        "comparison (python -m vod.compare)."
    )
    return section("How sure this is", figure(svg, words))


def curves_section(scores: Scores, analyses: Analyses) -> str:
    """Give the precision-recall curves."""
    curves = [curve for curve in analyses.curves.curves if curve.num_objects]
    if not curves:
        return section("Precision and recall", paragraph("There is no object."))
    svg = to_svg(
        charts.draw_curves(curves, scores.ap),
        name="curve",
        label="precision against recall, one plot a class",
    )
    words = (
        "Line: precision at every object found, best score first. Shade: its monotone "
        "envelope. The number is the class's AP."
    )
    return section("Precision and recall", figure(svg, words))


def input_section(scores: Scores, analyses: Analyses, given: Mapping[str, str]) -> str:
    """Give what was scored, what was ignored and which classes were renamed."""
    names = analyses.class_map
    renamed = ", ".join(f"{theirs} = {ours}" for theirs, ours in names.renamed.items())
    values = {
        **{name[:1].upper() + name[1:]: value for name, value in given.items()},
        "Protocol": f"{scores.protocol}: {PROTOCOLS[scores.protocol].summary}",
        "Ignored, frame not listed": f"{scores.num_unlisted:,} detections",
        "Ignored, class unknown": f"{scores.num_unknown:,} detections",
        "Classes renamed": renamed or "none",
        "Classes the data lack": ", ".join(names.left_out) or "none",
        "Classes the detector lacks": ", ".join(names.never_found) or "none",
    }
    return section("Input", facts(values))


def _is_area(scores: Scores) -> bool:
    return PROTOCOLS[scores.protocol].interpolation == "area"


def _interval(analyses: Analyses, name: str) -> str:
    interval = analyses.confidence.ap.get(name)
    return DASH if interval is None else _ends(interval.low, interval.high)


def _ends(low: float, high: float) -> str:
    return DASH if math.isnan(low) else f"{number(low)} to {number(high)}"
