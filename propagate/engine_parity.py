"""Show that every installed engine finds the same, and what it costs.

`python -m propagate.engine_parity clip.mp4 --report out.json` runs the frame path on
each engine, compares its boxes with those of LiteRT frame by frame, and times the three
networks of each in turn: CPU time over all threads (median), and wall time (least, as
other work on the machine only adds to it).
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from propagate.config import (
    EngineConfig,
    FlowChoice,
    PipelineConfig,
    build_parts,
    for_video,
    load_pipeline_config,
)
from propagate.parts import Parts
from propagate.pipeline import detect_video
from vod.command import print_errors
from vod.config import to_mapping
from vod.engine import ENGINES, is_installed
from vod.environment import PACKAGES, environment
from vod.errors import ConfigError, VideoError
from vod.files import reserved_report
from vod.sources import open_source
from vod.types import Detections, Frame

REFERENCE: Final = "litert"

NETWORK_FLOW: Final = "lightflow"  # the default flow is no network

NEAR_PX: Final = 2.0
"""Boxes of one class that are farther apart than this are different finds."""

CALLS: Final = 4  # a round

MEASURED_PACKAGES: Final = (*PACKAGES, "openvino", "onnxruntime", "tensorflow")


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the boxes of two engines are apart.

    Attributes:
        frames: compared.
        boxes: of the reference.
        unmatched: boxes of either that the other does not have.
        box_px: largest difference of a coordinate, in pixels of the frame.
        score: largest difference of a score.
    """

    frames: int = 0
    boxes: int = 0
    unmatched: int = 0
    box_px: float = 0.0
    score: float = 0.0

    def with_frame(self, ours: Detections, theirs: Detections) -> "Difference":
        """Give the difference after one more frame; `theirs` are the reference's."""
        free = np.ones(len(ours), bool)
        box_px, score = self.box_px, self.score
        unmatched = self.unmatched
        for box, label, rated in zip(
            theirs.boxes, theirs.labels, theirs.scores, strict=True
        ):
            candidates = np.flatnonzero(free & (ours.labels == label))
            apart = np.abs(ours.boxes[candidates] - box).max(axis=1)
            if len(candidates) == 0 or apart.min() > NEAR_PX:
                unmatched += 1
                continue
            nearest = candidates[apart.argmin()]
            free[nearest] = False
            box_px = max(box_px, float(apart.min()))
            score = max(score, float(abs(ours.scores[nearest] - rated)))
        return Difference(
            frames=self.frames + 1,
            boxes=self.boxes + len(theirs),
            unmatched=unmatched + int(free.sum()),
            box_px=box_px,
            score=score,
        )


def difference(ours: Iterable[Detections], theirs: Iterable[Detections]) -> Difference:
    """Compare the finds of the same frames; `theirs` are the reference's."""
    total = Difference()
    for mine, other in zip(ours, theirs, strict=True):
        total = total.with_frame(mine, other)
    return total


def parity(
    frames: Sequence[Frame],
    config: PipelineConfig,
    *,
    engines: Sequence[str],
    rounds: int,
) -> dict[str, dict[str, Any]]:
    """Give, by engine, the difference from LiteRT and ms a call of each network.

    Args:
        frames: consecutive frames of a clip.
        config: of the frame path; runs forwards, with a network as flow.
        engines: keys of `vod.engine.ENGINES`.
        rounds: of timing.

    Raises:
        DependencyError: an engine is not installed.
        WeightsError: a graph is missing.
    """
    parts = {
        name: _parts(config, name)
        for name in {REFERENCE: None} | dict.fromkeys(engines)
    }
    found = {
        name: [result.detections for result in detect_video(own, frames)]
        for name, own in parts.items()
    }
    times = timings(
        {name: _calls(parts[name], frames) for name in engines}, rounds=rounds
    )
    return {
        name: asdict(difference(found[name], found[REFERENCE])) | times[name]
        for name in engines
    }


def timings(
    calls: Mapping[str, Mapping[str, Callable[[], object]]], *, rounds: int
) -> dict[str, dict[str, float]]:
    """Time what every engine can be called for, the engines in turn.

    Returns:
        By engine: `<call>_cpu_ms`, the median over the rounds, and `<call>_ms`, the
        least wall time.
    """
    cpu: dict[tuple[str, str], list[float]] = {}
    wall: dict[tuple[str, str], list[float]] = {}
    for turn in range(rounds + 1):
        for engine, own in calls.items():
            for name, call in own.items():
                before, begin = time.process_time(), time.perf_counter()
                for _ in range(CALLS):
                    call()
                if turn > 0:  # the first turn warms up
                    spent = time.process_time() - before
                    cpu.setdefault((engine, name), []).append(spent)
                    took = time.perf_counter() - begin
                    wall.setdefault((engine, name), []).append(took)
    return {
        engine: {
            f"{name}_{unit}": 1e3 * typical(values[engine, name]) / CALLS
            for name in own
            for unit, values, typical in (
                ("cpu_ms", cpu, statistics.median),
                ("ms", wall, min),
            )
        }
        for engine, own in calls.items()
    }


def _parts(config: PipelineConfig, engine: str) -> Parts:
    """Load the networks that engines run; the refiner's run in LiteRT always.

    It is left out: a crop's pixels are whole numbers, so a box that moves by a hair may
    change some, which says nothing of an engine.
    """
    chosen = EngineConfig(engine, config.engine.threads)  # type: ignore[arg-type]
    parts = build_parts(replace(config, engine=chosen))
    return replace(parts, mode="causal", refiner=None)


def _calls(parts: Parts, frames: Sequence[Frame]) -> dict[str, Callable[[], object]]:
    """Give the three networks as functions of nothing, on the clip's first frames."""
    preprocessing, flow = parts.detector.preprocessing, parts.flow
    pictures = [preprocessing.picture_of(frame) for frame in frames[:2]]
    image = preprocessing.input_of(pictures[0])
    maps = parts.detector.features(image)
    calls: dict[str, Callable[[], object]] = {
        "features": lambda: parts.detector.features(image),
        "head": lambda: parts.detector.head(*maps),
    }
    if flow is not None:
        current, key = flow.prepare(pictures[-1]), flow.prepare(pictures[0])
        calls["flow"] = lambda: flow(current, key)
    return calls


def format_report(report: Mapping[str, Any]) -> str:
    """Give a report as a Markdown table."""
    lines = [
        "| engine | boxes | in one only | box px | score | features | head | flow |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in report["engines"].items():
        cells = [name, f"{row['boxes']}", f"{row['unmatched']}"]
        cells += [f"{row['box_px']:.1e}", f"{row['score']:.1e}"]
        cells += [
            f"{row[f'{call}_cpu_ms']:.2f} / {row[f'{call}_ms']:.2f}"
            for call in ("features", "head", "flow")
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.engine_parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", help="as in run_video.py")
    parser.add_argument(
        "--engines",
        default=",".join(name for name in ENGINES if is_installed(name)),
        metavar="A,B",
        help="default: those installed",
    )
    parser.add_argument("--max-frames", type=int, default=60, metavar="N", help="(60)")
    parser.add_argument("--rounds", type=int, default=15, help="of timing (15)")
    parser.add_argument("--config", type=Path, metavar="FILE.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C")
    parser.add_argument("--report", type=Path, help="also write everything as JSON")
    return parser


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure as the command line says.

    Raises:
        VodError: wrong input.
    """
    if args.rounds < 1 or args.max_frames < 2:
        raise ConfigError("--rounds must be 1 or more and --max-frames 2 or more.")
    config = load_pipeline_config(args.config, args.set)
    if config.flow.name != NETWORK_FLOW:
        config = replace(config, flow=FlowChoice(NETWORK_FLOW))
    host = environment(MEASURED_PACKAGES)
    with open_source(args.input, max_frames=args.max_frames) as source:
        config = for_video(config, source.info)
        frames = list(islice(source, args.max_frames))
    if len(frames) < 2:
        raise VideoError(f"{args.input} has {len(frames)} frames; 2 are needed.")
    rows = parity(frames, config, engines=args.engines.split(","), rounds=args.rounds)
    return {
        "input": Path(args.input).name,
        "config": to_mapping(config),
        "environment": host,
        "rounds": args.rounds,
        "engines": rows,
    }


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    with reserved_report(args.report) as write_report:
        report = run(args)
        write_report(report)
    sys.stdout.write(format_report(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
