"""The whole report as one HTML file that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path

from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.scores import Scores
from vod.report import markup
from vod.report.content import Analyses
from vod.report.document import as_document, write_document
from vod.report.reason_sections import (
    errors_section,
    groups_section,
    steadiness_section,
)
from vod.report.sections import (
    classes_section,
    confidence_section,
    curves_section,
    input_section,
)
from vod.report.snippet_section import snippets_section

WORST_SNIPPETS = 8


def write_html(
    path: Path,
    scores: Scores,
    analyses: Analyses,
    *,
    title: str,
    facts: Mapping[str, str],
    worst: int = WORST_SNIPPETS,
) -> None:
    """Write the report.

    Args:
        path: the page; it is either complete or not there.
        scores: of the protocol that was asked for.
        analyses: of the same detections.
        title: heading, such as the name of the result file.
        facts: what was scored against what, by name, shown as it is.
        worst: how many snippets are shown with pictures, where these are at hand.

    Raises:
        VideoError: the file cannot be written.
    """
    write_document(
        path,
        lambda: build_page(scores, analyses, title=title, facts=facts, worst=worst),
    )


def build_page(
    scores: Scores,
    analyses: Analyses,
    *,
    title: str,
    facts: Mapping[str, str],
    worst: int = WORST_SNIPPETS,
) -> str:
    """Give the report as text of an HTML page; see `write_html`."""
    parts = [
        _head(scores, analyses, title),
        classes_section(scores, analyses),
        confidence_section(analyses),
        curves_section(scores, analyses),
        errors_section(analyses),
        groups_section(scores, analyses),
        steadiness_section(analyses),
        snippets_section(analyses, worst=worst),
        input_section(scores, analyses, facts),
    ]
    return as_document(title, "\n".join(parts))


def _head(scores: Scores, analyses: Analyses, title: str) -> str:
    """Give the title and the figures that everybody looks for first."""
    summary = PROTOCOLS[scores.protocol].summary
    tiles = [
        markup.tile(markup.number(scores.mean_ap), f"mAP, protocol {scores.protocol}")
    ]
    interval = analyses.confidence.mean_ap
    if scores.mean_ap is not None and interval.low == interval.low:
        ends = f"{markup.number(interval.low)} to {markup.number(interval.high)}"
        tiles.append(
            markup.tile(ends, f"{analyses.confidence.level:.0%} interval of mAP")
        )
    counts = {
        "objects": sum(scores.num_ground_truth.values()),
        "detections": sum(scores.num_detections.values()),
        "frames": scores.num_frames,
        "snippets": len(analyses.snippets.snippets),
    }
    tiles += [markup.tile(f"{count:,}", words) for words, count in counts.items()]
    return (
        f"<header>\n<h1>{markup.text(title)}</h1>\n"
        + markup.paragraph(summary[0].upper() + summary[1:] + ".", quiet=True)
        + f'\n<div class="tiles">{"".join(tiles)}</div>\n</header>'
    )
