"""Propose how to run a video on this machine at a wanted frame rate.

`python -m propagate.plan clip.mp4 --target-fps 60` measures the parts of the frame path
for a moment, predicts what every detector size and precision, flow, mode and key-frame
interval would reach together, runs the best for real, and prints the command to use.
`--data ROOT` says what mAP each costs on your own ground truth, and orders by it.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from propagate.benchmark import MEASURED_WITH, resolve_input
from propagate.evaluate import SCORE_THRESHOLD
from propagate.parts import Mode
from propagate.speed.choices import FLOW_NAMES, Base, Choice
from propagate.speed.clip import Clip
from propagate.speed.costs import measure_costs, run_all
from propagate.speed.networks import PRECISIONS, networks_of
from propagate.speed.planning import Candidate, Planner
from propagate.ways import Way, detect_ways, load_networks
from propagate.worth import worth_of
from vod.command import print_errors
from vod.config import nearest
from vod.dataset.reading import read_ground_truth
from vod.environment import environment, load_average
from vod.errors import AnnotationError, ConfigError
from vod.files import reserved_report
from vod.ground_truth import GroundTruth

MODES: tuple[Mode, ...] = ("offline", "causal")

SHOWN = 20
"""Candidates in the table on the screen, the best."""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.plan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("input", help="a video file or images, like those to be run")
    add("--target-fps", type=float, required=True, metavar="F", help="frames a second")
    add("--write", action="store_true", help="with an H.264 video written")
    add("--data", type=Path, metavar="ROOT", help="ground truth: folder or COCO json")
    add("--split", default="val", help="name of the list in --data (val)")
    add(
        "--sizes",
        type=_names,
        default=[],
        metavar="SIZE,...",
        help="of the detector's input, as in run_video.py (as shipped, and what suits "
        "the video and needs no graph made); with these, a flow network's graph of "
        "another size is made once, in about a minute",
    )
    add(
        "--precision",
        type=_names,
        default=[],
        metavar="NAME,...",
        help=f"only these ({','.join(PRECISIONS)})",
    )
    add("--flow", type=_names, metavar="NAME,...", help="only these (all)")
    add("--mode", choices=MODES, help="only this one, e.g. causal for a camera")
    add("--max-frames", type=int, metavar="N", help="use the first N frames")
    add("--config", type=Path, metavar="FILE.yaml")
    add("--set", action="append", default=[], metavar="A.B=C")
    add("--report", type=Path, metavar="JSON", help="write all figures")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def plan(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, propose and try out.

    Raises:
        VodError: with one sentence for the user.
    """
    if not 0 < args.target_fps < float("inf"):
        raise ConfigError(f"--target-fps must be positive, received {args.target_fps}.")
    base = Base(args.config, tuple(args.set))
    flows = args.flow or list(FLOW_NAMES)
    for name in flows:
        if name not in FLOW_NAMES:
            raise ConfigError(f"unknown flow '{name}'.{nearest(name, FLOW_NAMES)}")
    modes = [args.mode] if args.mode else list(MODES)
    if base.config().propagate.travels == "maps":
        modes = ["causal"]
    clip, info, is_file = resolve_input(args)
    networks = networks_of(base, args.sizes, args.precision, info)
    truth = _truth(args)
    host = environment(MEASURED_WITH)
    costs = measure_costs(
        base,
        clip,
        networks=networks,
        flows=flows,
        modes=modes,
        is_file=is_file,
        writes=args.write,
    )
    planner = Planner(
        costs, args.target_fps, _scorer(base, truth), _trier(base, clip, args.write)
    )
    found = planner.propose(networks, flows, modes)
    host["load_average_after"] = load_average()
    return {
        "input": {**info.facts(), "name": Path(info.name).name},
        "target_fps": args.target_fps,
        "writes_video": args.write,
        "environment": host,
        "costs": costs.as_mapping(),
        "candidates": [candidate.as_mapping() for candidate in found],
        **_conclusion(args, base, found),
    }


def _truth(args: argparse.Namespace) -> GroundTruth | None:
    if args.data is None:
        return None
    truth = read_ground_truth(args.data, args.split)
    if not truth.num_objects:
        raise AnnotationError(
            f"{args.data} has no object in the list '{args.split}': there is nothing "
            "to score."
        )
    return truth


def _scorer(
    base: Base, truth: GroundTruth | None
) -> Callable[[Sequence[Choice]], Mapping[Choice, float]]:
    """Give what finds the mAP of choices; nothing is known without data."""

    def score(choices: Sequence[Choice]) -> dict[Choice, float]:
        scores: dict[Choice, float] = {}
        if truth is None:
            return scores
        for network in dict.fromkeys(choice.network for choice in choices):
            ways: dict[Way, list[Choice]] = {}
            for choice in choices:
                if choice.network == network:
                    ways.setdefault(choice.way(), []).append(choice)
            config = base.config(*network.settings)
            flows = dict.fromkeys(way.flow for way in ways if way.flow)
            loaded = load_networks(config, flows, travels=config.propagate.travels)
            every = detect_ways(
                loaded.with_threshold(SCORE_THRESHOLD), truth, list(ways)
            )
            for alike, found in zip(ways.values(), every, strict=True):
                mean_ap = worth_of(truth, found).mean_ap
                scores |= dict.fromkeys(alike, mean_ap)
        return scores

    return score


def _trier(
    base: Base, clip: Clip, writes: bool
) -> Callable[[Sequence[Choice]], Mapping[Choice, float]]:
    """Give what runs choices side by side."""

    def run(choices: Sequence[Choice]) -> dict[Choice, float]:
        works = {
            str(number): choice.work(base, writes=writes)
            for number, choice in enumerate(choices)
        }
        _, rows = run_all(works, clip)
        return {
            choice: rows[name]["fps"]
            for name, choice in zip(works, choices, strict=True)
        }

    return run


def _conclusion(
    args: argparse.Namespace, base: Base, found: Sequence[Candidate]
) -> dict[str, Any]:
    """Choose the best that was run and reaches the target, else the fastest."""
    tried = [candidate for candidate in found if candidate.measured is not None]
    reaching = [c for c in tried if c.reaches(args.target_fps)]
    best = reaching[0] if reaching else max(tried, key=lambda c: c.measured or 0.0)
    command = ["python", "run_video.py", args.input, *base.flags()]
    command += [*best.choice.flags(), *([] if args.write else ["--output", "none"])]
    return {
        "reached": bool(reaching),
        "chosen": best.as_mapping(),
        "command": shlex.join(command),
    }


def format_plan(report: Mapping[str, Any]) -> str:
    """Give a plan as text: what was measured, candidates, and the command."""
    costs = report["costs"]
    lines = [f"decode {costs['decode_ms']:.2f} ms a frame; ms a key frame: "]
    lines[0] += _listed(costs["detector_ms"])
    lines += [f"ms a flow: {_listed(costs['flow_ms'])}", ""]
    lines.append(
        f"{'detector':<30}{'flow':<15}{'mode':<9}{'interval':>8}{'predicted':>11}"
        f"{'measured':>10}{'mAP':>8}"
    )
    rows = report["candidates"]
    for row in rows[:SHOWN]:
        measured = "" if row["measured_fps"] is None else f"{row['measured_fps']:.0f}"
        mean_ap = "" if row["map"] is None else f"{row['map']:.4f}"
        is_plain = row["keyframe_interval"] == 1
        lines.append(
            f"{row['network']:<30}{'' if is_plain else row['flow']:<15}"
            f"{'every' if is_plain else row['mode']:<9}"
            f"{row['keyframe_interval']:>8}{row['predicted_fps']:>11.0f}"
            f"{measured:>10}{mean_ap:>8}"
        )
    if len(rows) > SHOWN:
        lines.append(f"(and {len(rows) - SHOWN} more, in the report)")
    target, chosen = report["target_fps"], report["chosen"]
    lines.append("")
    if report["reached"]:
        lines.append(f"{target:g} frames/s are reached:")
    else:
        lines.append(
            f"{target:g} frames/s cannot be reached here; the fastest makes "
            f"{chosen['measured_fps']:.0f} (smaller pictures, such as --sizes 46000, "
            "are faster):"
        )
    return "\n".join([*lines, report["command"]]) + "\n"


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    with reserved_report(args.report) as write_report:
        report = plan(args)
        write_report(report)
    sys.stdout.write(format_plan(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
