"""Measure what propagation costs, next to decoding and to detecting every frame.

`python -m propagate.benchmark clip.mp4 --keyframe-interval 10 --report out.json` runs
the variants in turn, several rounds in one process, and reports medians and ratios.
Decoding overlaps with the networks in a thread, as in `run_video.py`.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from propagate.config import PipelineConfig, build_parts, load_pipeline_config
from propagate.keyframes import FixedInterval
from propagate.pipeline import Parts
from propagate.session import Outputs, Summary, process
from vod.config import to_mapping
from vod.environment import environment
from vod.errors import ConfigError, VodError
from vod.files import reserved_report
from vod.sources import open_source
from vod.video import VideoWriter

DECODE = "decode alone"
EVERY_FRAME = "detector on every frame"
PROPAGATED = "key frames + propagation"
WRITTEN = "key frames + propagation, video written"
WARM_UP_FRAMES = 20


def decode_only(spec: str, max_frames: int | None) -> int:
    """Decode a video to RGB and do nothing with it; give the number of frames."""
    with open_source(spec, max_frames=max_frames) as source:
        return sum(1 for _ in source)


def detect(parts: Parts, spec: str, max_frames: int | None) -> Summary:
    """Find the objects of every frame and write nothing."""
    with open_source(spec, max_frames=max_frames) as source:
        return process(source, parts, Outputs(parts.detector.classes))


def detect_and_write(parts: Parts, spec: str, max_frames: int | None) -> Summary:
    """Find the objects of every frame and write a video with boxes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_source(spec, max_frames=max_frames) as source,
        VideoWriter(Path(folder) / "out.mp4", info=source.info, audio=False) as video,
    ):
        return process(source, parts, Outputs(parts.detector.classes, video=video))


def measure(
    variants: Mapping[str, Callable[[], int]], *, rounds: int
) -> dict[str, dict[str, Any]]:
    """Time the variants in turn, so that a slow spell of the machine meets them all.

    Returns:
        By variant: `frames`, `seconds` of every round, median `ms_per_frame`, `fps`,
        and median `cpu_ms_per_frame` over all threads.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    frames = {}
    for _ in range(rounds):
        for name, run in variants.items():
            wall, process = time.perf_counter(), time.process_time()
            frames[name] = run()
            seconds[name].append(time.perf_counter() - wall)
            cpu[name].append(time.process_time() - process)
    return {
        name: {
            "frames": frames[name],
            "seconds": [round(s, 4) for s in seconds[name]],
            "ms_per_frame": 1e3 * statistics.median(seconds[name]) / frames[name],
            "cpu_ms_per_frame": 1e3 * statistics.median(cpu[name]) / frames[name],
            "fps": frames[name] / statistics.median(seconds[name]),
        }
        for name in variants
    }


def benchmark(
    spec: str, config: PipelineConfig, *, rounds: int, max_frames: int | None
) -> dict[str, Any]:
    """Measure all variants on one video; see the module for what they are."""
    parts = build_parts(config)
    every = replace(parts, keyframes=FixedInterval(1))
    host = environment()
    detect(parts, spec, WARM_UP_FRAMES)
    rows = measure(
        {
            DECODE: lambda: decode_only(spec, max_frames),
            EVERY_FRAME: lambda: detect(every, spec, max_frames).frames,
            PROPAGATED: lambda: detect(parts, spec, max_frames).frames,
            WRITTEN: lambda: detect_and_write(parts, spec, max_frames).frames,
        },
        rounds=rounds,
    )
    timers = detect_and_write(parts, spec, max_frames).timers
    milliseconds = {name: row["ms_per_frame"] for name, row in rows.items()}
    return {
        "input": Path(spec).name if Path(spec).exists() else spec,
        "config": to_mapping(config),
        "environment": host,
        "rounds": rounds,
        "variants": rows,
        "stage_ms_per_call": {
            name: ms for timer in timers for name, ms in timer.milliseconds().items()
        },
        "ratios": {
            "propagated / decode": milliseconds[PROPAGATED] / milliseconds[DECODE],
            "every frame / propagated": milliseconds[EVERY_FRAME]
            / milliseconds[PROPAGATED],
            "written / decode": milliseconds[WRITTEN] / milliseconds[DECODE],
        },
    }


def format_report(report: Mapping[str, Any]) -> str:
    """Give a report as text."""
    lines = [f"{'variant':<42}{'ms/frame':>10}{'CPU ms':>9}{'fps':>8}"]
    for name, row in report["variants"].items():
        lines.append(
            f"{name:<42}{row['ms_per_frame']:>10.2f}{row['cpu_ms_per_frame']:>9.2f}"
            f"{row['fps']:>8.0f}"
        )
    lines += [f"{name:<42}{value:>10.2f}" for name, value in report["ratios"].items()]
    stages = report["stage_ms_per_call"].items()
    lines.append("ms a call: " + ", ".join(f"{k} {v:.2f}" for k, v in stages))
    return "\n".join(lines) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", help="as in run_video.py")
    parser.add_argument("--keyframe-interval", type=int, default=10, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions (5)")
    parser.add_argument("--max-frames", type=int, metavar="N")
    parser.add_argument("--config", type=Path, metavar="FILE.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C")
    parser.add_argument("--report", type=Path, help="also write everything as JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    interval = f"propagate.keyframe_interval={args.keyframe_interval}"
    try:
        if args.rounds < 1:
            raise ConfigError(f"--rounds must be 1 or more, received {args.rounds}.")
        config = load_pipeline_config(args.config, [*args.set, interval])
        with reserved_report(args.report) as write_report:
            report = benchmark(
                args.input, config, rounds=args.rounds, max_frames=args.max_frames
            )
            write_report(report)
    except VodError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(format_report(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
