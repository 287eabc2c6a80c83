"""Measure a flow on real pairs: `python -m flow.evaluate --data DIR --flow NAME`."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from flow.datasets import read_pairs
from flow.estimator import FlowEstimator
from flow.field import FlowField
from flow.metrics import FlowScore, pool, score_flow
from flow.pairs import FlowPair
from flow.registry import FLOWS, Engine, load_flow
from vod.errors import ConfigError, FlowError, VodError
from vod.files import reserved_report
from vod.types import FloatArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """Which flow to measure, and at which size.

    Attributes:
        name: a key of `FLOWS`.
        weights: a network's weights folder; None is the shipped one.
        scale: sides of the flow's input relative to the pictures'.
        engine: of a network.
        threads: of a network.
    """

    name: str
    weights: Path | None = None
    scale: float = 1.0
    engine: Engine = "tensorflow"
    threads: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 4:
            raise ConfigError(f"--scale must lie in (0, 4], received {self.scale}.")


@dataclass(frozen=True, slots=True)
class PairResult:
    """Error and time of one pair."""

    name: str
    score: FlowScore
    milliseconds: float


def enlarge(field: FlowField, height: int, width: int) -> FloatArray:
    """Give flow at full resolution in its pixels, bilinear between cells."""
    pixels = field.in_pixels(image_height=height, image_width=width)
    full: FloatArray = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_LINEAR
    )
    return full


class FlowBench:
    """Runs one flow over pairs; loads it once a picture size."""

    def __init__(self, choice: FlowChoice) -> None:
        self._choice = choice
        self._loaded: dict[tuple[int, int], FlowEstimator] = {}

    def run(self, pair: FlowPair) -> PairResult:
        """Estimate, enlarge and score one pair.

        Raises:
            FlowError: a file of the pair is unusable.
        """
        current_rgb, key_rgb, truth, valid = pair.load()
        height, width = truth.shape[:2]
        estimator, fresh = self._estimator(height, width)
        if fresh:
            # The first call builds graphs and fills caches; it is not timed.
            self._estimate(estimator, current_rgb, key_rgb)
        start = time.perf_counter()
        field = self._estimate(estimator, current_rgb, key_rgb)
        elapsed = 1000 * (time.perf_counter() - start)
        try:
            score = score_flow(enlarge(field, height, width), truth, valid)
        except FlowError as error:
            raise FlowError(f"pair {pair.name}: {error}") from error
        return PairResult(pair.name, score, elapsed)

    def _estimate(self, estimator: FlowEstimator, current: Any, key: Any) -> FlowField:
        return estimator(estimator.prepare(current), estimator.prepare(key))

    def _estimator(self, height: int, width: int) -> tuple[FlowEstimator, bool]:
        size = (height, width)
        fresh = size not in self._loaded
        if fresh:
            self._loaded[size] = load_flow(
                self._choice.name,
                input_height=max(1, round(height * self._choice.scale)),
                input_width=max(1, round(width * self._choice.scale)),
                engine=self._choice.engine,
                threads=self._choice.threads,
                weights=self._choice.weights,
            )
        return self._loaded[size], fresh


def report(choice: FlowChoice, data: Path, results: list[PairResult]) -> dict[str, Any]:
    """Give results as JSON-ready values."""
    epe, fl_all = pool([result.score for result in results])
    return {
        "flow": choice.name,
        "weights": str(choice.weights) if choice.weights else None,
        "scale": choice.scale,
        "engine": choice.engine,
        "data": str(data),
        "epe": epe,
        "fl_all": fl_all,
        "ms_median": float(np.median([result.milliseconds for result in results])),
        "pairs": [
            {
                "name": result.name,
                "epe": result.score.epe,
                "fl_all": result.score.fl_all,
                "ms": result.milliseconds,
            }
            for result in results
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m flow.evaluate",
        description="End-point error at full resolution over Flying Chairs pairs.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of pairs")
    parser.add_argument("--flow", default="lightflow", help=", ".join(FLOWS))
    parser.add_argument("--weights", type=Path, help="weights folder of a network")
    parser.add_argument("--scale", type=float, default=1.0, help="flow input / picture")
    parser.add_argument(
        "--engine",
        choices=("tensorflow", "litert"),
        default="tensorflow",
        help="litert needs a graph exported for exactly the flow's input size",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report", type=Path, help="JSON file to write")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        choice = FlowChoice(
            name=arguments.flow,
            weights=arguments.weights,
            scale=arguments.scale,
            engine=arguments.engine,
            threads=arguments.threads,
        )
        with reserved_report(arguments.report) as write_report:
            bench = FlowBench(choice)
            results = [bench.run(pair) for pair in read_pairs(arguments.data)]
            values = report(choice, arguments.data, results)
            write_report(values)
    except VodError as error:
        logger.error("%s", error)
        return 1
    sys.stdout.write(
        f"{choice.name} at scale {choice.scale:g}: EPE {values['epe']:.3f} px, "
        f"Fl-all {values['fl_all']:.2f} %, {values['ms_median']:.1f} ms a pair, "
        f"{len(results)} pairs\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
