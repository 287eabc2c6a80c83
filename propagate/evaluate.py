"""Score the whole frame path on videos with boxes, in ImageNet VID's layout.

`python -m propagate.evaluate --data ROOT --split val --keyframe-interval 10 --report
out.json` answers what propagation is worth: mAP (devkit protocol), recovery, flicker
and time of every mode. `--intervals 1,2,5,10,20` does so for each interval and draws
mAP against interval beside the report. Modes: per-frame, hold, causal, offline.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from propagate.config import (
    FlowChoice,
    PipelineConfig,
    load_pipeline_config,
)
from propagate.figure import draw_intervals
from propagate.parts import Travels
from propagate.ways import (
    MODES,
    Keyframes,
    Way,
    configs_of_snippets,
    detect_ways,
    load_networks,
    time_ways,
    ways_of,
)
from propagate.worth import (
    Worth,
    format_table,
    mean_worth,
    report_rows,
    worth_of,
)
from vod.analysis.steadiness import FRAME_RATE
from vod.command import print_errors
from vod.config import to_mapping
from vod.dataset.reading import read_ground_truth
from vod.environment import environment
from vod.errors import AnnotationError, ConfigError
from vod.files import PendingFile, reserved_report
from vod.ground_truth import GroundTruth

SCORE_THRESHOLD = 0.05  # a precision-recall curve needs weak detections too


def compare(
    config: PipelineConfig,
    truth: GroundTruth,
    *,
    modes: Sequence[str],
    flows: Sequence[str],
    intervals: Sequence[int],
    travels: Travels,
    policies: Sequence[Keyframes] = ("fixed",),
    phases: int = 1,
) -> dict[str, Any]:
    """Score and time every mode with every flow at every interval.

    Args:
        config: of the frame path; its mode, flow and interval are replaced. Its score
            threshold holds where time is measured; scores need weaker detections.
        truth: videos with their pictures.
        modes: names in `MODES`.
        flows: registry names; per-frame and hold use none.
        intervals: of key frames; per-frame has none.
        policies: of key frames, for causal and offline.
        travels: what goes from key frames to the others in mode causal.
        phases: every way is scored so often, with key frames shifted evenly.

    Returns:
        `rows` (see `report_rows`) and how they were timed.

    Raises:
        ConfigError: see `ways_of` and `configs_of_snippets`.
        VideoError: a picture is missing.
    """
    ways = ways_of(
        modes=modes,
        flows=flows,
        intervals=intervals,
        travels=travels,
        policies=policies,
    )
    used = dict.fromkeys(way.flow for way in ways if way.flow)
    shifted = [(way, phase) for way in ways for phase in way.phases(phases)]
    loaded = [
        (load_networks(sized, used, travels=travels), names)
        for sized, names in configs_of_snippets(config, truth).items()
    ]
    by_size = [
        detect_ways(
            networks.with_threshold(SCORE_THRESHOLD),
            truth,
            [way for _, way in shifted],
            snippets=names,
        )
        for networks, names in loaded
    ]
    every = [reduce(or_, founds) for founds in zip(*by_size, strict=True)]
    scored: dict[Way, list[Worth]] = {way: [] for way in ways}
    for (way, _), found in zip(shifted, every, strict=True):
        scored[way].append(worth_of(truth, found))
    worths = [mean_worth(scored[way]) for way in ways]
    timing = time_ways(loaded[0][0], truth, ways)  # on the first snippets
    rows = report_rows(ways, worths, timing.pop("ways"))
    return {"timing": timing, "frame_rate": FRAME_RATE, "rows": rows}


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="ROOT", help="folder or COCO json")
    add("--split", default="val", help="name of the list (val)")
    add("--keyframe-interval", type=int, default=10, metavar="N", help="frames (10)")
    add("--intervals", type=_numbers, metavar="N,N,...", help="several, and a figure")
    add("--modes", type=_names, nargs="+", metavar="MODE,...", help=", ".join(MODES))
    add("--flow", type=_names, nargs="+", default=[[FlowChoice().name]], metavar="NAME")
    add(
        "--keyframes",
        nargs="+",
        choices=("fixed", "adaptive"),
        default=["fixed"],
        help="policy; adaptive takes the interval as its budget (fixed)",
    )
    add(
        "--phases",
        type=int,
        default=1,
        metavar="N",
        help="score each N times, key frames shifted evenly, and give the mean (1)",
    )
    add("--travels", choices=("boxes", "maps"), help="from key frames, mode causal")
    add("--figure", type=Path, metavar="PNG", help="mAP against interval")
    add("--config", type=Path, metavar="FILE.yaml")
    add("--set", action="append", default=[], metavar="A.B=C")
    add("--report", type=Path, metavar="JSON", help="write all figures")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[int]:
    return [int(name) for name in _names(text)]


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    if args.figure is None and args.intervals and args.report is not None:
        args.figure = args.report.with_suffix(".png")
    if args.figure is not None:
        PendingFile(args.figure).discard()  # refused here, before the work
    with reserved_report(args.report) as write_report:
        report = _evaluate(args)
        write_report(report)
    if args.figure is not None:
        draw_intervals(args.figure, report["rows"])
    sys.stdout.write(format_table(report["rows"]))
    return 0


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    config = load_pipeline_config(args.config, args.set)
    travels = args.travels or config.propagate.travels
    modes = [mode for group in args.modes or [list(MODES)] for mode in group]
    if args.modes is None and travels == "maps":
        modes.remove("offline")
    choices: dict[str, Any] = {
        "modes": modes,
        "flows": [name for group in args.flow for name in group],
        "intervals": args.intervals or [args.keyframe_interval],
        "travels": travels,
        "policies": args.keyframes,
    }
    ways_of(**choices)  # refused here, before the data are read
    if args.phases < 1:
        raise ConfigError(f"--phases must be 1 or more, received {args.phases}.")
    truth = read_ground_truth(args.data, args.split)
    if not truth.num_objects:
        raise AnnotationError(
            f"{args.data} has no object in the list '{args.split}': there is nothing "
            "to score."
        )
    return {
        "data": args.data.name,
        "split": args.split,
        "frames": truth.num_frames,
        "config": to_mapping(config),
        "scored_from": SCORE_THRESHOLD,
        "travels": travels,
        "environment": environment(),
        "phases": args.phases,
        **compare(config, truth, **choices, phases=args.phases),
    }


if __name__ == "__main__":
    sys.exit(main())
