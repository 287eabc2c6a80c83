"""The parts of the page that say why a set of detections scores what it scores."""

import math
from collections.abc import Mapping

import numpy as np

from vod.analysis.numbers import or_none
from vod.analysis.steadiness import Steadiness
from vod.evaluation.scores import MotionScores, Scores
from vod.report import charts
from vod.report.content import Analyses
from vod.report.markup import (
    Cell,
    bar,
    figure,
    number,
    paragraph,
    section,
    side_by_side,
    table,
    words,
)
from vod.report.sections import SPEEDS
from vod.report.svg import to_svg

ERROR_WORDS = {
    "localisation": "right class, poor box (IoU from 0.1 up to the threshold)",
    "class": "good box, wrong class",
    "duplicate": "good box and class, but the object is taken already",
    "background": "no object there",
    "both": "poor box and wrong class",
    "missed": "object at which nothing points",
}


def errors_section(analyses: Analyses) -> str:
    """Give the error split and the confusion."""
    errors = analyses.errors
    costs = [or_none(errors.cost[kind]) for kind in ERROR_WORDS]
    svg = to_svg(
        charts.draw_bars(
            list(ERROR_WORDS), costs, axis="gain in mAP if it were mended"
        ),
        name="error",
        label="gain in mAP by kind of error",
    )
    rows: list[list[Cell]] = [
        [kind, errors.counts[kind], number(cost), words(meaning)]
        for (kind, meaning), cost in zip(ERROR_WORDS.items(), costs, strict=True)
    ]
    rows += [
        [f"all {kind}", "", number(errors.cost[name]), words(meaning)]
        for name, kind, meaning in (
            ("false_positive", "false", "no false positive is left"),
            ("false_negative", "lost", "no object is asked for that nothing takes"),
        )
    ]
    body = table(["kind", "count", "gain in mAP", words("what it is")], rows)
    return section(
        "Errors",
        side_by_side(figure(svg, "After TIDE (Bolya et al., 2020)."), body),
        "<h3>Confusion</h3>",
        _confusion(analyses),
    )


def _confusion(analyses: Analyses) -> str:
    values = analyses.confusion.to_json()
    counts = np.array(values["counts"], np.int64)
    if len(counts) == 1:
        return paragraph("Neither an object nor a detection that counts.")
    svg = to_svg(
        charts.draw_confusion(values["classes"][:-1], counts),
        name="confusion",
        label="true class against found class",
    )
    caption = (
        "Detections from each class's best score on (see the table of classes), "
        "matched without regard to class. Shade: share of the row; blue: right."
    )
    return figure(svg, caption)


def groups_section(scores: Scores, analyses: Analyses) -> str:
    """Give AP by size, speed and age of the key frame."""
    parts = [_sizes(analyses)]
    if scores.motion:
        parts.append(_speeds(scores.motion, scores.motion_strict))
    ages = analyses.ages
    if any(ages.num_frames):
        figure_ = charts.draw_line(
            range(len(ages.num_frames)),
            ages.mean_ap.tolist(),
            axis="frames since the key frame",
        )
        svg = to_svg(figure_, name="age", label="mAP by age of the key frame")
        unknown = ages.unknown_frames
        lost = f" {unknown:,} frames have no known key frame." if unknown else ""
        parts.append(figure(svg, f"By age of the key frame.{lost}"))
    notes = [] if any(ages.num_frames) else ["The file does not name its key frames."]
    if not scores.motion:
        notes.append("AP by speed of the objects was not asked for (--motion).")
    return section(
        "Size, speed, age of the key frame",
        side_by_side(*parts),
        *(paragraph(note, quiet=True) for note in notes),
    )


def _sizes(analyses: Analyses) -> str:
    sizes = analyses.sizes
    names = [
        f"{low:g} px and more\n" if math.isinf(high) else f"{low:g} to {high:g} px\n"
        for low, high in zip(sizes.edges[:-1], sizes.edges[1:], strict=True)
    ]
    names = [
        f"{name}{count:,} objects"
        for name, count in zip(names, sizes.num_objects, strict=True)
    ]
    values = [or_none(value) for value in sizes.mean_ap]
    svg = to_svg(
        charts.draw_groups(names, {"mAP": values}), name="size", label="mAP by size"
    )
    return figure(svg, "By size of the object: square root of its box's area.")


def _speeds(
    motion: Mapping[str, MotionScores], strict: Mapping[str, MotionScores] | None
) -> str:
    speeds = [speed for speed in SPEEDS if speed in motion]
    names = [f"{speed}\n{motion[speed].num_ground_truth:,} objects" for speed in speeds]
    series = {"FGFA": [motion[speed].mean_ap for speed in speeds]}
    if strict:
        series["strict"] = [strict[speed].mean_ap for speed in speeds]
    svg = to_svg(charts.draw_groups(names, series), name="speed", label="mAP by speed")
    caption = (
        "By speed: overlap of an object with itself up to 10 frames away; fast below"
    )
    return figure(
        svg, f"{caption} 0.7, slow above 0.9. Strict: no object in two groups."
    )


def steadiness_section(analyses: Analyses) -> str:
    """Give flicker and time to first detection."""
    report = analyses.steadiness
    if not report.every.tracks:
        lacking = paragraph("The ground truth has no track ids.")
        return section("Flicker and first detection", lacking)
    head = ["class", "tracks", "detected", "flicker, 1/s", "median delay, s"]
    rows = [_steady(name, s) for name, s in report.by_class.items()]
    caption = (
        "At each class's best score. Flicker: births and deaths of a track's "
        "detections a second. Delay: from a track's first frame to its first "
        "detection; tracks never found count as late as can be. Times assume "
        f"{report.frame_rate:g} frames a second."
    )
    if report.without_track:
        caption += f" {report.without_track:,} objects without a track are left out."
    body = table([*head, "never found"], rows, total=_steady("all", report.every))
    return section("Flicker and first detection", body, paragraph(caption, quiet=True))


def _steady(name: str, steadiness: Steadiness) -> tuple[Cell, ...]:
    return (
        name,
        steadiness.tracks,
        bar(steadiness.detected),
        number(steadiness.flicker, 2),
        number(steadiness.median_delay, 2),
        steadiness.never_found,
    )
