"""Score a result file against ground truth under any published protocol.

`python -m vod.evaluate --data ROOT --split val --detections FILE --report out.json`
reads the ILSVRC2015 VID or DET layout or a COCO json, and detections as our JSON lines,
ILSVRC submission lines or COCO results, plain or gzip. See docs/evaluation.md.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vod.command import print_errors
from vod.dataset.reading import read_ground_truth
from vod.errors import ConfigError
from vod.evaluation.coco_columns import MAX_DETECTIONS, CocoOptions
from vod.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS
from vod.evaluation.scores import Scores
from vod.evaluation.scoring import evaluate
from vod.files import PendingFile, reserved_report
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions
from vod.predictions_reading import read_predictions
from vod.report.table import format_table

logger = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    protocols = "; ".join(f"{n}: {p.summary}" for n, p in PROTOCOLS.items())
    parser = argparse.ArgumentParser(
        prog="python -m vod.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=protocols.replace("; ", "\n"),
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="ROOT", help="folder or COCO json"
    )
    parser.add_argument("--split", default="val", help="name of the list (val)")
    parser.add_argument("--detections", type=Path, required=True, metavar="FILE")
    parser.add_argument("--protocol", choices=PROTOCOLS, default=DEFAULT_PROTOCOL)
    parser.add_argument(
        "--motion", action="store_true", help="also score slow, medium, fast objects"
    )
    parser.add_argument(
        "--mean-over-30",
        "--mean-over-all",
        action="store_true",
        dest="mean_over_all",
        help="let mAP be the mean over all classes, also those without objects",
    )
    parser.add_argument(
        "--max-detections",
        type=int,
        default=MAX_DETECTIONS,
        metavar="N",
        help=f"a frame and class, protocol coco ({MAX_DETECTIONS}; mmdet 1000)",
    )
    parser.add_argument(
        "--videos", nargs="+", default=[], metavar="NAME", help="score only these"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="parse the annotations anew"
    )
    parser.add_argument("--report", type=Path, metavar="JSON", help="write all figures")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with curves and errors"
    )
    parser.add_argument(
        "--analysis", action="store_true", help="add errors and intervals to the report"
    )
    return parser


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # its font cache
    if args.max_detections < 1:
        raise ConfigError(
            f"--max-detections must be at least 1, received {args.max_detections}."
        )
    if args.html is not None:
        PendingFile(args.html).discard()  # refused here, before the work
    with reserved_report(args.report) as write_report:
        table, values = _evaluate(args)
        write_report(values)
    sys.stdout.write(table)
    return 0


def _evaluate(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Give the table for people and the report for machines; write the page."""
    ground_truth = read_ground_truth(
        args.data, args.split, cache=not args.no_cache, videos=args.videos
    )
    predictions = read_predictions(args.detections, ground_truth)
    scores = evaluate(
        ground_truth,
        predictions,
        protocol=args.protocol,
        motion=args.motion,
        mean_over_all=args.mean_over_all,
        coco=CocoOptions(args.max_detections),
    )
    facts = {
        "data": str(args.data),
        "split": args.split,
        "detections file": str(args.detections),
    }
    values: dict[str, Any] = {"input": facts}
    if args.html is None and not args.analysis:
        classes = predictions.class_map(ground_truth.classes)
        values |= scores.to_json() | {"classes": classes.to_json()}
        return format_table(scores) + _coco_line(scores), values
    return _analysed(args, ground_truth, predictions, scores, values)


def _analysed(
    args: argparse.Namespace,
    ground_truth: GroundTruth,
    predictions: Predictions,
    scores: Scores,
    values: dict[str, Any],
) -> tuple[str, dict[str, Any]]:
    from vod.report.content import analyse, report_values
    from vod.report.page import write_html

    analyses = analyse(ground_truth, predictions, protocol=args.protocol)
    if args.html is not None:
        write_html(
            args.html,
            scores,
            analyses,
            title=args.detections.name,
            facts=values["input"],
        )
    classes = {"classes": analyses.class_map.to_json()}
    table = format_table(scores, analyses) + _coco_line(scores)
    return table, values | report_values(scores, analyses) | classes


def _coco_line(scores: Scores) -> str:
    """Give what only COCO reports, as a line; nothing under other protocols."""
    if scores.protocol != "coco":
        return ""
    names = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
    found = ((name, scores.extra[name]) for name in names)
    shown = (f"{name} {'-' if ap is None else f'{ap:.4f}'}" for name, ap in found)
    return f"{', '.join(shown)}\n"


if __name__ == "__main__":
    sys.exit(main())
