"""What each backbone with each head takes: parameters, arithmetic and time.

`python -m detector.table --size 224x400 --report out.json` builds every pair with
values at random, counts its layers and times both halves as LiteRT graphs. Values do
not change what a graph computes, only what comes out. The printed table is Markdown.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detector.backbones.table import BACKBONES
from detector.network_config import HEADS, DetectorConfig, HeadName
from vod.command import log_errors
from vod.config import nearest
from vod.engine import LiteRtGraph
from vod.environment import PACKAGES, environment, load_average
from vod.errors import ConfigError
from vod.files import reserved_report
from vod.preprocess import Preprocessing
from vod.sizes import parse_size

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

WARM_UP: Final = 5
RUNS: Final = 40
FLOPS_PER_MULTIPLY_ADD: Final = 2  # as the paper counts, sec. 5.1


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a detector.

    Attributes:
        parameters: stored values, BatchNorm's statistics among them.
        gflops: of one picture, a multiply-add as two; convolutions and dense layers.
        least_ms: of all runs; on a shared machine nearest to what the graph takes.
        median_ms: of all runs.
        cpu_ms: processor time of a run on one thread, the least, which waiting for
            others does not change.
    """

    parameters: int
    gflops: float
    least_ms: float
    median_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """A backbone with a head, in two halves."""

    backbone: str
    head: str
    features: Half
    second: Half


def measure(config: DetectorConfig, *, threads: int, runs: int = RUNS) -> Row:
    """Build a detector, count it and time it.

    Args:
        config: of the detector.
        threads: CPU threads a call.
        runs: timed calls of each half, after a few that are not.

    Raises:
        ConfigError: the backbone does not come like this.
    """
    from detector.network import build_halves
    from detector.saving import preprocessing_of

    features, second = build_halves(config, batch_size=1)
    pixels = preprocessing_of(config)
    shape = (1, config.input_height, config.input_width, 3)
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    first, maps = _half(features, [picture], pixels, threads=threads, runs=runs)
    last, _ = _half(second, maps, None, threads=threads, runs=runs)
    return Row(config.backbone, config.head, first, last)


def _half(
    model: "keras.Model",
    inputs: Sequence[Any],
    pixels: Preprocessing | None,
    *,
    threads: int,
    runs: int,
) -> tuple[Half, list[Any]]:
    """Count and time a model; give its outputs as well."""
    from vod.complexity import count_multiply_adds
    from vod.export import litert_bytes

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{model.name}.tflite"
        path.write_bytes(litert_bytes(model, float16=False, pixels=pixels))
        graph = LiteRtGraph(path, threads=threads)
        alone = LiteRtGraph(path, threads=1)
    wall = _milliseconds(graph, inputs, runs, time.perf_counter)
    cpu = _milliseconds(alone, inputs, runs, time.process_time)
    half = Half(
        parameters=int(model.count_params()),
        gflops=count_multiply_adds(model) * FLOPS_PER_MULTIPLY_ADD / 1e9,
        least_ms=min(wall),
        median_ms=float(np.median(wall)),
        cpu_ms=min(cpu),
    )
    return half, list(graph(*inputs))


def _milliseconds(
    graph: LiteRtGraph, inputs: Sequence[Any], runs: int, clock: Callable[[], float]
) -> list[float]:
    times = []
    for _ in range(WARM_UP + runs):
        begin = clock()
        graph(*inputs)
        times.append(1e3 * (clock() - begin))
    return times[WARM_UP:]


def format_rows(rows: Sequence[Row]) -> str:
    """Lay rows out as a Markdown table."""
    lines = [
        "| backbone | head | parameters (M) | GFLOPs features | head "
        "| ms features | head | CPU ms features | head |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        first, last = row.features, row.second
        lines.append(
            f"| {row.backbone} | {row.head} "
            f"| {(first.parameters + last.parameters) / 1e6:.2f} "
            f"| {first.gflops:.2f} | {last.gflops:.2f} "
            f"| {first.least_ms:.1f} | {last.least_ms:.1f} "
            f"| {first.cpu_ms:.1f} | {last.cpu_ms:.1f} |"
        )
    return "\n".join(lines) + "\n"


def chosen_heads(text: str) -> tuple[HeadName, ...]:
    """Read a list of heads, separated by commas.

    Raises:
        ConfigError: there is no such head.
    """
    heads = tuple(head for head in HEADS if head in text.split(","))
    unknown = [name for name in text.split(",") if name not in HEADS]
    if unknown:
        raise ConfigError(f"unknown head '{unknown[0]}'.{nearest(unknown[0], HEADS)}")
    return heads


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m detector.table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 done, 1 something was wrong, 2 usage",
    )
    add = parser.add_argument
    add("--size", default="224x400", metavar="HxW", help="of the picture (224x400)")
    add("--backbones", default=",".join(BACKBONES), metavar="A,B", help="(all)")
    add("--heads", default=",".join(HEADS), metavar="A,B", help="(all)")
    add("--classes", type=int, default=30, metavar="N", help="(30)")
    add("--threads", type=int, default=2, metavar="N", help="CPU threads (2)")
    add("--report", type=Path, metavar="JSON", help="write every figure")
    return parser


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the exit codes in `--help`."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("absl").setLevel(logging.ERROR)  # the converter's small talk
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow loads
    run(args)
    return 0


def run(args: argparse.Namespace) -> None:
    """Do what the command line asks.

    Raises:
        ConfigError: a backbone, a head or the size is wrong.
        VideoError: the report cannot be written.
    """
    height, width = parse_size(args.size)
    base = DetectorConfig(
        input_height=height, input_width=width, class_count=args.classes
    )
    configs = [
        replace(base, backbone=backbone, head=head)
        for backbone in args.backbones.split(",")
        for head in chosen_heads(args.heads)
    ]
    with reserved_report(args.report) as write:
        machine = environment((*PACKAGES, "keras", "tensorflow"))
        rows = []
        for config in configs:
            rows.append(measure(config, threads=args.threads))
            logger.info("%s with %s is measured", config.backbone, config.head)
        report = {
            "environment": machine | {"load_average_after": load_average()},
            "size": [height, width],
            "class_count": args.classes,
            "threads": args.threads,
            "runs": RUNS,
            "rows": [asdict(row) for row in rows],
        }
        write(report)
    sys.stdout.write(format_rows(rows))


if __name__ == "__main__":
    sys.exit(main())
