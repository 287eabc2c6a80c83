"""Score the paper's system on videos: `python -m propagate.evaluate_paper ...`.

Runs a weights folder of `propagate.train_paper` over every frame of a source in several
ways, and gives mAP by the VID protocol with intervals of a bootstrap over snippets:

    gru       key frames are aggregated, the frames between get warped maps
    no_gru    the same, every key frame on its own
    every     every frame is a key frame on its own: the single-frame detector
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from detector.fit_measure import write_pictures
from propagate.paper_models import paper_detector
from propagate.paper_networks import load_paper
from propagate.paper_video import detect_videos, draw_found
from vod.analysis.bootstrap import bootstrap
from vod.analysis.comparison import compare
from vod.analysis.ranking import rank
from vod.command import log_errors
from vod.dataset.annotated import VALIDATION_SPLIT, read_annotated
from vod.files import reserved_report
from vod.predictions import Predictions

logger = logging.getLogger(__name__)

WAYS: Final[Mapping[str, tuple[bool, int | None]]] = {
    "gru": (True, None),
    "no_gru": (False, None),
    "every": (False, 1),
}
"""Name to whether key frames are aggregated, and the interval; None is the user's."""


def evaluate_ways(
    weights: Path,
    source: str,
    *,
    interval: int,
    ways: Sequence[str],
    draw: Path | None = None,
) -> dict[str, Any]:
    """Score a system in several ways.

    Args:
        weights: folder of the system.
        source: as `vod.dataset.annotated` reads it; its split is `val` if unnamed.
        interval: frames from a key frame to the next.
        ways: names in `WAYS`.
        draw: folder that gets a few frames with what the first way finds.

    Returns:
        A report, ready for JSON: `ways` with mAP, AP by class and intervals, and
        `differences` of the other ways from the first.

    Raises:
        AnnotationError: the source is wrong, or shows none of the classes.
        VideoError: a picture cannot be read, or `draw` not written.
        WeightsError: the weights are.
    """
    networks, record = load_paper(weights)
    named = source if "@" in source else f"{source}@{VALIDATION_SPLIT}"
    pictures = read_annotated(named, record.classes, degenerate="drop")
    rankings, reports = {}, {}
    for way in ways:
        aggregate, fixed = WAYS[way]
        detector = paper_detector(networks, record.preprocessing, aggregate=aggregate)
        found = detect_videos(detector, pictures, fixed or interval)
        ranking = rank(
            pictures.truth, Predictions.from_detections(found, record.classes)
        )
        rankings[way] = ranking
        if draw is not None and way == ways[0]:
            write_pictures(draw, draw_found(pictures, found))
        reports[way] = bootstrap(ranking).to_json()
        logger.info("%s: mAP %.3f", way, reports[way]["mAP"]["value"])
    first, *others = ways
    return {
        "weights": str(weights),
        "files": record.files,
        "source": source,
        "interval": interval,
        "frames": len(pictures),
        "videos": len(pictures.truth.snippets),
        "ways": reports,
        "differences": {
            f"{first} - {other}": compare(rankings[other], rankings[first]).to_json()
            for other in others
        },
    }


def table(report: Mapping[str, Any]) -> str:
    """Give a report's figures as lines: way, mAP, its interval, AP of every class."""
    lines = []
    for way, figures in report["ways"].items():
        each = ", ".join(f"{n} {a['value']:.3f}" for n, a in figures["AP"].items())
        lines.append(f"{way:<8}mAP {_with_ends(figures['mAP'], '.3f')}  {each}")
    for names, figures in report["differences"].items():
        lines.append(f"{names}: {_with_ends(figures['mAP']['difference'], '+.3f')}")
    return "\n".join(lines) + "\n"


def _with_ends(interval: Mapping[str, float | None], form: str) -> str:
    """Give a value and its interval, where it has one."""
    value, low, high = (interval[key] for key in ("value", "low", "high"))
    text = "-" if value is None else format(value, form)
    if low is None or high is None:
        return text
    return f"{text} [{low:{form}}, {high:{form}}]"


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.evaluate_paper",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--weights", type=Path, required=True, help="of propagate.train_paper")
    add("--data", required=True, metavar="SOURCE[@SPLIT]", help="split: val")
    add("--interval", type=int, default=10, help="frames from key to key (10)")
    add("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    add("--draw", type=Path, metavar="DIR", help="gets a few frames")
    add("--report", type=Path, metavar="JSON", help="write all figures")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with reserved_report(args.report) as write_report:
        report = evaluate_ways(
            args.weights,
            args.data,
            interval=args.interval,
            ways=args.ways,
            draw=args.draw,
        )
        write_report(report)
    sys.stdout.write(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
