"""How fast the evaluator is, beside pycocotools and beside a plain Python loop.

`python -m vod.evaluation.benchmark --data SET --detections FILE --report out.json`
scores a whole set (see `python -m vod.dataset synthesise`) under several protocols, and
its first frames also by `COCOeval` run as a whole and by the reference's order of work
in plain Python. Every figure comes from a process of its own, so that its peak memory
is its own, too; how many times faster one is counts CPU seconds.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from vod.command import print_errors
from vod.dataset.columns import select_frames
from vod.dataset.reading import read_ground_truth
from vod.environment import usable_cpus
from vod.errors import ConfigError
from vod.evaluation.plain_loop import plain_ap
from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.pycocotools_whole import coco_ap50
from vod.evaluation.scores import ApByClass, mean_of
from vod.evaluation.scoring import evaluate
from vod.files import reserved_report
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions
from vod.predictions_reading import read_predictions

Evaluator = Callable[[GroundTruth, Predictions], ApByClass]

EVALUATORS: Final[dict[str, Evaluator]] = {
    "devkit": lambda truth, found: evaluate(truth, found).ap,
    "devkit, motion": lambda truth, found: evaluate(truth, found, motion=True).ap,
    "fixed50": lambda truth, found: evaluate(truth, found, protocol="fixed50").ap,
    "voc07": lambda truth, found: evaluate(truth, found, protocol="voc07").ap,
    "voc12": lambda truth, found: evaluate(truth, found, protocol="voc12").ap,
    "coco": lambda truth, found: evaluate(truth, found, protocol="coco").ap,
    "plain loop, devkit": lambda truth, found: plain_ap(
        truth, found, PROTOCOLS["devkit"].rule
    ),
    "pycocotools, coco": coco_ap50,
}

_FULL: Final = ("devkit", "devkit, motion", "fixed50", "voc07", "voc12", "coco")
_PEERS: Final = {"devkit": "plain loop, devkit", "coco": "pycocotools, coco"}
_MIB: Final = 1024  # ru_maxrss is in KiB on Linux


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to measure.

    Attributes:
        evaluator: a name in `EVALUATORS`.
        data: ground truth.
        detections: result file.
        frames: score only so many frames of the list; None for all.
    """

    evaluator: str
    data: Path
    detections: Path
    frames: int | None = None


def measure(task: Task) -> dict[str, Any]:
    """Read and score in this process.

    Returns:
        Seconds, frames a second of the scoring alone, and the process's peak memory.
        CPU seconds stay the same where other work shares the machine.
    """
    started = time.perf_counter()
    ground_truth = read_ground_truth(task.data)
    predictions = read_predictions(task.detections, ground_truth)
    reading_s = time.perf_counter() - started
    if task.frames is not None:
        ground_truth, predictions = first_frames(ground_truth, predictions, task.frames)
    started, cpu_started = time.perf_counter(), time.process_time()
    ap = EVALUATORS[task.evaluator](ground_truth, predictions)
    seconds = time.perf_counter() - started
    cpu_s = time.process_time() - cpu_started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB
    return {
        "evaluator": task.evaluator,
        "frames": ground_truth.num_frames,
        "objects": ground_truth.num_objects,
        "detections": len(predictions),
        "reading_s": round(reading_s, 2),
        "scoring_s": round(seconds, 3),
        "scoring_cpu_s": round(cpu_s, 3),
        "frames_per_s": round(ground_truth.num_frames / seconds, 1),
        "peak_mib": round(peak),
        "mAP": mean_of(ap),
    }


def first_frames(
    ground_truth: GroundTruth, predictions: Predictions, count: int
) -> tuple[GroundTruth, Predictions]:
    """Keep the first frames of the list, and their detections."""
    kept = select_frames(ground_truth, np.arange(ground_truth.num_frames) < count)
    rows = np.flatnonzero(np.isin(predictions.indices, kept.frame_indices))
    return kept, replace(
        predictions,
        indices=predictions.indices[rows],
        labels=predictions.labels[rows],
        scores=predictions.scores[rows],
        boxes=predictions.boxes[rows],
        ages=predictions.ages[rows],
    )


def benchmark(data: Path, detections: Path, *, frames: int) -> dict[str, Any]:
    """Measure everything, one process after the other.

    Args:
        data: ground truth.
        detections: result file.
        frames: how many frames the slow peers are given.
    """
    measured_on = machine()
    whole = [_alone(Task(name, data, detections)) for name in _FULL]
    side_by_side = []
    for ours, peer in _PEERS.items():
        rows = [_alone(Task(name, data, detections, frames)) for name in (ours, peer)]
        difference = abs((rows[0]["mAP"] or 0.0) - (rows[1]["mAP"] or 0.0))
        side_by_side.append(
            {
                "ours": rows[0],
                "peer": rows[1],
                "times_faster": round(
                    rows[1]["scoring_cpu_s"] / max(rows[0]["scoring_cpu_s"], 1e-3), 1
                ),
                "mAP_difference": difference,
            }
        )
    return {
        "machine": measured_on,
        "whole_set": whole,
        "first_frames": side_by_side,
    }


def machine() -> dict[str, Any]:
    """Say what the figures were measured on."""
    return {
        "cpus": usable_cpus(),
        "processor": _processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load_before": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo")
    if lines.is_file():
        for line in lines.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _alone(task: Task) -> dict[str, Any]:
    """Measure in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        row = pool.apply(measure, (task,))
    sys.stderr.write(f"{row['evaluator']}: {json.dumps(row)}\n")
    return row


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vod.evaluation.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="ground truth")
    parser.add_argument("--detections", type=Path, required=True, help="result file")
    parser.add_argument(
        "--frames", type=int, default=2000, help="frames given to slow peers (2000)"
    )
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    return parser


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    if args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, received {args.frames}.")
    with reserved_report(args.report) as write_report:
        values = benchmark(args.data, args.detections, frames=args.frames)
        write_report(values)
    sys.stdout.write(json.dumps(values, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
