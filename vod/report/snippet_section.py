"""The worst snippets with pictures, and the table of all."""

from vod.report import markup
from vod.report.content import Analyses
from vod.report.pictures import (
    FALSE,
    FOUND,
    MISSED,
    TRUE,
    Mistakes,
    draw_frame,
    find_mistakes,
    telling_frames,
    to_jpeg,
)

_KEY = (
    (FOUND, "found"),
    (TRUE, "the true box of what was found"),
    (FALSE, "false positive"),
    (MISSED, "missed"),
)


def snippets_section(analyses: Analyses, *, worst: int) -> str:
    """Give the snippets.

    Args:
        analyses: of the detections.
        worst: how many are shown with pictures.
    """
    mistakes = find_mistakes(analyses.ranking, analyses.curves.best_scores)
    order = analyses.snippets.worst_first()
    shown = [_snippet(analyses, mistakes, place) for place in order[:worst]]
    colours = "".join(
        f'<span><i style="border-color:rgb{colour}"></i>{words}</span>'
        for colour, words in _KEY
    )
    head = ("snippet", "mAP", "frames", "objects", "detections", "false positives")
    without = set(range(len(analyses.snippets.snippets))) - set(order)
    everything = [*order, *sorted(without)]
    table = markup.table(head, (_row(analyses, place) for place in everything))
    words = (
        "From the worst up: mAP of each snippet as if it were the whole set, and the "
        "frames of its parts with most mistakes. Detections from each class's best "
        "score on."
    )
    return markup.section(
        "Snippets",
        markup.paragraph(words, quiet=True),
        f'<div class="key">{colours}</div>',
        *shown,
        f"<details><summary>All {len(everything):,} snippets</summary>",
        f"{table}</details>",
    )


def _snippet(analyses: Analyses, mistakes: Mistakes, snippet: int) -> str:
    """Give one snippet's heading and pictures."""
    scores, truth = analyses.snippets, analyses.ranking.ground_truth
    head = f"{scores.snippets[snippet]}: mAP {markup.number(scores.mean_ap[snippet])}"
    figures, absent = [], []
    for frame in telling_frames(mistakes, snippet):
        missed, false = int(mistakes.missed[frame]), int(mistakes.false[frame])
        words = f"Frame {truth.frame_numbers[frame]}: {missed} missed, {false} false"
        rgb = draw_frame(mistakes, frame)
        if rgb is None:
            absent.append(f"{words} (no picture at {truth.image_path(frame)}).")
        else:
            picture = markup.picture(to_jpeg(rgb), f"{head}, {words}")
            figures.append(markup.figure(picture, words))
    return "\n".join(
        [
            f"<h3>{markup.text(head)}</h3>",
            f'<div class="frames">{"".join(figures)}</div>' if figures else "",
            *(markup.paragraph(words, quiet=True) for words in absent),
        ]
    )


def _row(analyses: Analyses, snippet: int) -> tuple[markup.Cell, ...]:
    scores = analyses.snippets
    return (
        scores.snippets[snippet],
        markup.bar(scores.mean_ap[snippet]),
        scores.num_frames[snippet],
        scores.num_objects[snippet],
        scores.num_detections[snippet],
        scores.num_false_positives[snippet],
    )
