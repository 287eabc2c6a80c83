"""Error and time of flows on pairs whose true flow is known."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np

from flow.datasets.pairs import FlowPair, LoadedPair
from flow.estimator import FlowEstimator
from flow.evaluation.metrics import FlowScore, bands_to_json, pool, score_flow
from flow.evaluation.runner import FlowRunner, NetworkFacts, enlarge, network_facts
from flow.field import FlowField
from vod.errors import FlowError

WARM_UP: Final = 5
"""Calls before the first timed one at every size: they build plans and fill caches."""

LEAST_CALLS: Final = 30
"""Timed calls of a flow, so that a median means something with a handful of pairs."""


@dataclass(frozen=True, slots=True)
class PairResult:
    """Error and time of one flow on one pair.

    Attributes:
        name: of the pair.
        height: rows of its pictures.
        width: columns of its pictures.
        score: its errors at full resolution.
        milliseconds: wall time of every timed call, both pictures' preparation included
            and enlarging to full resolution not.
        cpu_milliseconds: processor time of the same calls, summed over threads.
    """

    name: str
    height: int
    width: int
    score: FlowScore
    milliseconds: tuple[float, ...]
    cpu_milliseconds: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Give every figure under its name."""
        return {
            "name": self.name,
            "size": [self.height, self.width],
            "epe": self.score.epe,
            "fl_all": self.score.fl_all,
            "valid_pixels": self.score.pixels,
            "by_displacement": bands_to_json(self.score.bands),
            "ms": float(np.median(self.milliseconds)),
        }


@dataclass(slots=True)
class Run:
    """One flow at one scale, and what it did on every pair so far.

    Attributes:
        label: tells it from the other runs.
        runner: the flow.
        results: one a pair, in order.
    """

    label: str
    runner: FlowRunner
    results: list[PairResult] = field(default_factory=list)

    def common_size(self) -> tuple[int, int]:
        """Give rows and columns of the pictures that most pairs have."""
        sizes = Counter((result.height, result.width) for result in self.results)
        return sizes.most_common(1)[0][0]

    def facts(self) -> NetworkFacts | None:
        """Give what the network is at the input for most pairs; None if it is none."""
        choice = self.runner.choice
        if choice.folder is None:
            return None
        return network_facts(choice.folder, *choice.input_size(*self.common_size()))

    def to_json(self) -> dict[str, Any]:
        """Give what ran, its figures over all pairs, and those of every pair."""
        choice = self.runner.choice
        facts = self.facts()
        wall = [ms for result in self.results for ms in result.milliseconds]
        cpu = [ms for result in self.results for ms in result.cpu_milliseconds]
        return {
            "name": self.label,
            "flow": choice.name,
            "scale": choice.scale,
            "passes": choice.pass_count,
            "input_size": list(choice.input_size(*self.common_size())),
            "engine": choice.engine if facts else None,
            "weights": str(choice.weights) if choice.weights else None,
            "weights_sha256": facts.weights_sha256 if facts else None,
            "origin": facts.origin if facts else None,
            "gflops": facts.gflops * choice.pass_count if facts else None,
            "parameters": facts.parameters if facts else None,
            **pool([result.score for result in self.results]).to_json(),
            "ms_median": float(np.median(wall)),
            "ms_p90": float(np.percentile(wall, 90)),
            "cpu_ms_median": float(np.median(cpu)),
            "timed_calls": len(wall),
            "pairs": [result.to_json() for result in self.results],
        }


def measure(
    runs: Sequence[Run],
    pairs: Sequence[FlowPair],
    *,
    progress: Callable[[Iterable[FlowPair]], Iterable[FlowPair]] = iter,
) -> None:
    """Run every flow on every pair, and add the results to the runs.

    The flows take turns on a pair, so that a slow spell of the machine meets them all.

    Args:
        runs: flows; any results that they have are kept.
        pairs: at least one.
        progress: wraps the pairs, for a bar.

    Raises:
        FlowError: there is no pair, or a pair cannot be read or scored.
    """
    if not pairs:
        raise FlowError("there is no pair to measure a flow on.")
    repeats = max(1, math.ceil(LEAST_CALLS / len(pairs)))
    warm: set[tuple[str, int, int]] = set()
    for pair in progress(pairs):
        loaded = pair.load()
        height, width = loaded.valid.shape
        for run in runs:
            estimator = run.runner.estimator(height, width)
            if (run.label, height, width) not in warm:
                warm.add((run.label, height, width))
                for _ in range(WARM_UP):
                    _estimate(estimator, loaded)
            run.results.append(_measure_pair(pair.name, estimator, loaded, repeats))


def _measure_pair(
    name: str, estimator: FlowEstimator, loaded: LoadedPair, repeats: int
) -> PairResult:
    wall, cpu = [], []
    for _ in range(repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        found = _estimate(estimator, loaded)
        wall.append(1e3 * (time.perf_counter() - start))
        cpu.append(1e3 * (time.process_time() - cpu_start))
    height, width = loaded.valid.shape
    try:
        score = score_flow(enlarge(found, height, width), loaded.flow, loaded.valid)
    except FlowError as error:
        raise FlowError(f"pair {name}: {error}") from error
    return PairResult(name, height, width, score, tuple(wall), tuple(cpu))


def _estimate(estimator: FlowEstimator, loaded: LoadedPair) -> FlowField:
    return estimator(estimator.prepare(loaded.current), estimator.prepare(loaded.key))


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """Give OpenCV's flows the threads that networks are given, for a while."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
