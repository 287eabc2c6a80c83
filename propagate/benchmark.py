"""Measure what boxes on every frame cost, beside decoding and beside other ways.

`python -m propagate.benchmark clip.mp4 --against per-frame,opencv-dnn,onnxruntime
--report out.json --plot out.png` times all variants in turn, several rounds in one
process, and reports medians, spread and ratios of frames a second. `--curves` measures
cost against the amount of work instead, `--soak N` one long run of N frames.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from propagate.config import PipelineConfig, for_video, load_pipeline_config
from propagate.speed import comparison, curves, pictures, soak, tables
from propagate.speed.child import start_up
from propagate.speed.clip import Clip
from vod.command import print_errors
from vod.config import to_mapping
from vod.environment import PACKAGES, environment, load_average
from vod.errors import ConfigError
from vod.files import PendingFile, reserved_report
from vod.sources import SAMPLE_PREFIX, find_sample, open_source
from vod.video import VideoInfo, VideoReader

START_UPS: Final = 7
MEASURED_WITH: Final = (*PACKAGES, "onnxruntime", "openvino")


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("input", help="a video file or images, as in run_video.py")
    add("--keyframe-interval", type=int, default=10, metavar="N", help="frames (10)")
    add(
        "--against",
        type=_names,
        default=[comparison.PER_FRAME],
        metavar="NAME,...",
        help=f"detectors on every frame: {', '.join(comparison.AGAINST)} "
        f"({comparison.PER_FRAME} is our own)",
    )
    add("--engine", metavar="NAME", help="as in run_video.py")
    add(
        "--precision",
        type=_names,
        default=[],
        metavar="NAME,...",
        help="as in run_video.py; several stand side by side",
    )
    add("--rounds", type=int, default=5, help="repetitions (5)")
    add("--max-frames", type=int, metavar="N", help="use the first N frames")
    add("--no-memory", action="store_true", help="leave peak memory and start-up out")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--curves",
        type=_names,
        metavar="NAME,...",
        help=f"cost against {', '.join(curves.CURVES)}",
    )
    kind.add_argument(
        "--soak", type=int, metavar="N", help="one run of N frames: memory and speed"
    )
    add("--write", action="store_true", help="--soak: write an H.264 video as well")
    add("--config", type=Path, metavar="FILE.yaml")
    add("--set", action="append", default=[], metavar="A.B=C")
    add("--report", type=Path, metavar="JSON", help="write all figures")
    add("--plot", type=Path, metavar="PNG", help="draw them; a picture a curve")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def resolve_configs(args: argparse.Namespace) -> dict[str, PipelineConfig]:
    """Read the config file, then `--set`, then the flags, which win.

    Returns:
        One config, called "", or one a precision where several are asked for.

    Raises:
        ConfigError: a key, value or range is wrong.
    """
    flags = [*args.set, f"propagate.keyframe_interval={args.keyframe_interval}"]
    flags += [f"engine.name={args.engine}"] if args.engine else []
    configs = {
        name: load_pipeline_config(args.config, [*flags, f"engine.precision={name}"])
        for name in args.precision
    }
    if len(configs) > 1:
        return configs
    return {"": next(iter(configs.values()), load_pipeline_config(args.config, flags))}


def resolve_input(args: argparse.Namespace) -> tuple[Clip, VideoInfo, bool]:
    """Give what is measured on, its facts, and whether it is a video file.

    Raises:
        ConfigError: it is live, so that it cannot be read twice.
        VideoError: nothing can be read from it.
    """
    spec = args.input
    if spec.startswith(SAMPLE_PREFIX):
        spec = str(find_sample(spec.removeprefix(SAMPLE_PREFIX)))
    with open_source(spec, max_frames=args.max_frames) as source:
        if source.info.is_live:
            raise ConfigError(
                f"{source.info.name} is live and cannot be read again for every "
                "variant: record a file first."
            )
        return Clip(spec, args.max_frames), source.info, isinstance(source, VideoReader)


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str, "Drawing"]:
    """Measure what the command line asks for: the report, its text, and its pictures.

    Raises:
        VodError: with one sentence for the user.
    """
    if args.rounds < 1:
        raise ConfigError(f"--rounds must be 1 or more, received {args.rounds}.")
    if args.write and args.soak is None:
        raise ConfigError("--write belongs to --soak; the comparison does both anyway.")
    configs = resolve_configs(args)
    if len(configs) > 1 and (args.soak is not None or args.curves is not None):
        raise ConfigError("--soak and --curves take one --precision at a time.")
    clip, info, is_file = resolve_input(args)
    configs = {name: for_video(config, info) for name, config in configs.items()}
    config = next(iter(configs.values()))
    report: dict[str, Any] = {
        "input": {**info.facts(), "name": Path(info.name).name},
        "config": to_mapping(config),
        "environment": environment(MEASURED_WITH),
        "rounds": args.rounds,
    }
    if args.soak is not None:
        report["soak"] = soak.soak(
            clip, config, frames=args.soak, is_file=is_file, writes=args.write
        )
        text, draw = tables.soak_table(report["soak"]), pictures.draw_soak
    elif args.curves is not None:
        report["curves"] = curves.measure_curves(
            args.curves, clip, config, rounds=args.rounds, memory=not args.no_memory
        )
        text, draw = tables.curve_tables(report["curves"]), pictures.draw_curves
    else:
        report |= _compared(args, configs, clip, is_file=is_file)
        text, draw = tables.comparison_table(report), pictures.draw_comparison
    report["environment"]["load_average_after"] = load_average()
    return report, text, draw


def _compared(
    args: argparse.Namespace,
    configs: Mapping[str, PipelineConfig],
    clip: Clip,
    *,
    is_file: bool,
) -> dict[str, Any]:
    memory = not args.no_memory
    works = comparison.works_of(configs, args.against, is_file=is_file)
    report = comparison.compare(works, clip, rounds=args.rounds, memory=memory)
    report["precisions"] = list(args.precision)
    if memory:
        first = next(iter(configs.values()))
        report["start_up"] = start_up(clip.spec, first, repeats=START_UPS)
    return report


Drawing = Callable[[Path, Mapping[str, Any]], None]


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    if args.plot is not None:
        PendingFile(args.plot).discard()  # refused here, before the work
    with reserved_report(args.report) as write_report:
        report, text, draw = run(args)
        write_report(report)
    if args.plot is not None:
        draw(args.plot, report)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
