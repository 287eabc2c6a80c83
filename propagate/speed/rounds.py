"""Time variants side by side: what slows the machine down meets them all."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict


class Ratio(TypedDict):
    """How many times the frames a second of another variant, over the rounds.

    `cpu` is the same for frames a second of CPU time, median: under load it says more.
    """

    median: float
    low: float
    high: float
    cpu: float


def measure(
    variants: Mapping[str, Callable[[], int]],
    *,
    rounds: int,
    after_each: Callable[[], object] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """Time the variants in turn, every second round backwards.

    Args:
        variants: by name; each works once and gives its number of frames.
        rounds: repetitions.
        after_each: called after every single one.

    Returns:
        By variant: `frames`, `seconds` and `cpu_seconds` (over all threads) of every
        round, `ms_per_frame` and `cpu_ms_per_frame` as medians, `ms_low` and `ms_high`
        as the best and worst round, and `fps` of the median.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    frames = {}
    for number in range(rounds):
        order = list(variants) if number % 2 == 0 else list(variants)[::-1]
        for name in order:
            wall, process = time.perf_counter(), time.process_time()
            frames[name] = variants[name]()
            seconds[name].append(time.perf_counter() - wall)
            cpu[name].append(time.process_time() - process)
            after_each()
    return {name: _row(frames[name], seconds[name], cpu[name]) for name in variants}


def ratio(faster: Mapping[str, Any], slower: Mapping[str, Any]) -> Ratio:
    """Give how many times the frames a second of `slower` another variant makes.

    Taken round by round, as both met the same load there; of two rows of `measure`.
    """
    wall = _quotients(faster, slower, "seconds")
    return {
        "median": statistics.median(wall),
        "low": min(wall),
        "high": max(wall),
        "cpu": statistics.median(_quotients(faster, slower, "cpu_seconds")),
    }


def _quotients(
    faster: Mapping[str, Any], slower: Mapping[str, Any], key: str
) -> list[float]:
    """Give one quotient of frames by `key` a round; NaN where nothing was spent."""
    return [
        (faster["frames"] * slow) / (slower["frames"] * fast) if fast else math.nan
        for fast, slow in zip(faster[key], slower[key], strict=True)
    ]


def _row(frames: int, seconds: Sequence[float], cpu: Sequence[float]) -> dict[str, Any]:
    median = statistics.median(seconds)
    return {
        "frames": frames,
        "seconds": [round(value, 5) for value in seconds],
        "cpu_seconds": [round(value, 5) for value in cpu],
        "ms_per_frame": 1e3 * median / frames,
        "ms_low": 1e3 * min(seconds) / frames,
        "ms_high": 1e3 * max(seconds) / frames,
        "cpu_ms_per_frame": 1e3 * statistics.median(cpu) / frames,
        "fps": frames / median,
    }
