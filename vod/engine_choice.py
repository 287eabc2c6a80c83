"""Which installed engine runs a set of graphs fastest on this machine: `auto`."""

import hashlib
import json
import logging
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from vod.engine import ENGINES, EngineName, is_installed, load_graph
from vod.errors import VideoError
from vod.files import PendingFile
from vod.graph import LoadedGraph
from vod.onnx_conversion import cached_onnx
from vod.sizes import Size
from vod.user_cache import cache_folder
from vod.weights import sha256_of

logger = logging.getLogger(__name__)

CANDIDATES: Final[tuple[EngineName, ...]] = ("litert", "openvino", "onnxruntime")
"""What is measured. TensorFlow is the reference, and several times slower."""

ROUNDS: Final = 5
CALLS: Final = 2  # a round


@dataclass(frozen=True, slots=True)
class GraphUse:
    """A graph file, and how often it runs.

    Attributes:
        path: the file.
        calls_per_frame: 1 where it runs on every frame.
        input_size: see `vod.engine.load_graph`.
    """

    path: Path
    calls_per_frame: float
    input_size: Size | None = None

    def load(self, engine: EngineName, *, threads: int) -> LoadedGraph:
        """Load it as it is used."""
        return load_graph(
            self.path, engine=engine, threads=threads, input_size=self.input_size
        )


def fastest_engine(uses: Sequence[GraphUse], *, threads: int) -> EngineName:
    """Give the engine on which the graphs together cost the least time a frame.

    Measures the installed engines for about a second and keeps the answer in the user's
    cache. An engine that would first have to convert a graph is left out, as a start
    would then take long; running it by name once converts.

    Args:
        uses: the graphs; none at all gives the default engine.
        threads: CPU threads a call.

    Raises:
        WeightsError: a graph is missing or not runnable.
    """
    names = [name for name in CANDIDATES if _is_ready(name, uses)]
    if not uses or not names:
        return CANDIDATES[0]
    if len(names) == 1:
        return names[0]
    path = _answer_path(names, uses, threads)
    known = _remembered(path, names)
    if known is not None:
        return known
    costs = measured_costs(names, uses, threads=threads)
    fastest = min(names, key=costs.__getitem__)
    told = ", ".join(f"{name} {costs[name]:.2f}" for name in names)
    logger.info("measured ms a frame: %s; running on %s", told, fastest)
    if path is not None:
        _remember(path, fastest, costs)
    return fastest


def measured_costs(
    names: Sequence[EngineName], uses: Sequence[GraphUse], *, threads: int
) -> dict[EngineName, float]:
    """Measure what a frame's share of the graphs costs, in ms, on each engine.

    The engines take turns, so that a busy moment of the machine meets all of them.
    """
    graphs = {name: [use.load(name, threads=threads) for use in uses] for name in names}
    inputs = [_sample(graph) for graph in graphs[names[0]]]
    times: dict[EngineName, list[float]] = {name: [] for name in names}
    for turn in range(ROUNDS + 1):
        for name in names:
            cost = sum(
                use.calls_per_frame * _milliseconds(graph, arrays)
                for use, graph, arrays in zip(uses, graphs[name], inputs, strict=True)
            )
            if turn > 0:  # the first turn warms up
                times[name].append(cost)
    return {name: statistics.median(times[name]) for name in names}


def _milliseconds(graph: LoadedGraph, arrays: Sequence[Any]) -> float:
    begin = time.perf_counter()
    for _ in range(CALLS):
        graph(*arrays)
    return 1e3 * (time.perf_counter() - begin) / CALLS


def _sample(graph: LoadedGraph) -> list[Any]:
    """Give inputs with the spread of pictures: uint8 in full, float32 in [-1, 1]."""
    random = np.random.default_rng(0)
    return [
        random.integers(0, 256, shape, dtype=np.uint8)
        if dtype == np.uint8
        else random.uniform(-1, 1, shape).astype(np.float32)
        for shape, dtype in zip(graph.inputs.shapes, graph.inputs.dtypes, strict=True)
    ]


def _is_ready(name: EngineName, uses: Sequence[GraphUse]) -> bool:
    """Say whether an engine is installed and runs the graphs without converting any."""
    engine = ENGINES[name]
    if not is_installed(name):
        return False
    if engine.load_resized is None and any(use.input_size for use in uses):
        return False
    return all(
        use.path.suffix in engine.suffixes
        or (engine.convert is not None and _is_converted(use.path))
        for use in uses
    )


def _is_converted(path: Path) -> bool:
    try:
        return cached_onnx(path).exists()
    except VideoError:
        return False


def _answer_path(
    names: Sequence[EngineName], uses: Sequence[GraphUse], threads: int
) -> Path | None:
    """Give the file of the answer for this machine and these graphs, if it can be."""
    question = {
        "machine": [platform.node(), platform.machine(), os.cpu_count()],
        "threads": threads,
        "engines": {name: _version(name) for name in names},
        "graphs": [
            [sha256_of(use.path), use.calls_per_frame, use.input_size] for use in uses
        ],
    }
    digest = hashlib.sha256(json.dumps(question).encode()).hexdigest()
    try:
        return cache_folder("engines") / f"{digest[:24]}.json"
    except VideoError as error:
        logger.warning("the choice of engine is not kept: %s", error)
        return None


def _version(name: EngineName) -> str:
    distribution = {"litert": "ai-edge-litert"}.get(name, name)
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def _remembered(path: Path | None, names: Sequence[EngineName]) -> EngineName | None:
    if path is None or not path.exists():
        return None
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        logger.warning("%s cannot be read (%s): measuring again", path, error)
        return None
    chosen = answer.get("engine") if isinstance(answer, dict) else None
    return next((name for name in names if name == chosen), None)


def _remember(
    path: Path, engine: EngineName, costs: Mapping[EngineName, float]
) -> None:
    rounded = {name: round(cost, 4) for name, cost in costs.items()}
    text = json.dumps({"engine": engine, "ms_per_frame": rounded}, indent=1) + "\n"
    try:
        pending = PendingFile(path)
        pending.temporary.write_text(text, encoding="utf-8")
        pending.commit()
    except OSError as error:  # VideoError is one as well
        logger.warning("the choice of engine is not kept: %s", error)
