"""Optical flows by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow.dis import DisFlow, FarnebackFlow, Preset
from flow.estimator import FlowEstimator, NetworkFlow, ZeroFlow
from vod.config import nearest
from vod.engine import EngineName, Graph, load_graph, tensorflow_graph
from vod.errors import ConfigError, WeightsError
from vod.weights import read_record, verified_file

Engine = EngineName

SHIPPED_WEIGHTS: Final = Path(__file__).parent / "weights"

ROLE_PREFIX: Final = "flow_"


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """What a flow is loaded for; see `load_flow`."""

    input_height: int
    input_width: int
    engine: EngineName
    threads: int
    weights: Path | None


def default_share(name: str) -> float:
    """Give the side of a flow's own input as a share of the detector's.

    Half, as in the paper (section 4.1), but for the quickest classical flows, which at
    full size cost no more than a network at half and are exacter.
    """
    return FULL_SIZE.get(name, 0.5)


def load_flow(
    name: str,
    *,
    input_height: int,
    input_width: int,
    engine: EngineName = "litert",
    threads: int = 2,
    weights: Path | None = None,
) -> FlowEstimator:
    """Load an optical flow, ready to run.

    Args:
        name: a key of `FLOWS`.
        input_height: rows of the flow's own input (see `default_share`).
        input_width: columns of the flow's own input.
        engine: of a network: `"tensorflow"` builds the Keras model and compiles it; the
            others run the graph exported for this size, see `vod.engine.ENGINES`.
        threads: CPU threads of a network.
        weights: a network's weights folder; None is the shipped one.

    Raises:
        ConfigError: unknown name or engine, or weights for a flow that has none.
        DependencyError: the engine is not installed.
        WeightsError: a file is missing or altered, or no graph has this size.
        FlowError: the size is too small for the method.
    """
    if name not in FLOWS:
        raise ConfigError(f"unknown flow '{name}'.{nearest(name, list(FLOWS))}")
    if weights is not None and name not in NETWORKS:
        raise ConfigError(
            f"the flow '{name}' has no weights: {weights} would not be used. Choose "
            f"{', '.join(sorted(NETWORKS))} to use them."
        )
    return FLOWS[name](FlowRequest(input_height, input_width, engine, threads, weights))


def graph_role(height: int, width: int) -> str:
    """Give the name under which a record lists the graph of this input size."""
    return f"{ROLE_PREFIX}{height}x{width}"


def _load_lightflow(request: FlowRequest) -> FlowEstimator:
    folder = request.weights
    if folder is None:
        folder = SHIPPED_WEIGHTS / "lightflow"
    make = _keras_graph if request.engine == "tensorflow" else _file_graph
    graph = make(folder, request)
    return NetworkFlow(graph, height=request.input_height, width=request.input_width)


def graph_file(height: int, width: int, weights: Path | None = None) -> Path:
    """Give the file of LightFlow's graph for an input size.

    Raises:
        WeightsError: it is missing or altered, or no graph has this size.
    """
    folder = weights if weights is not None else SHIPPED_WEIGHTS / "lightflow"
    record = read_record(folder, network="lightflow")
    role = graph_role(height, width)
    size = role.removeprefix(ROLE_PREFIX)
    if role not in record.graphs:
        sizes = [name.removeprefix(ROLE_PREFIX) for name in record.graphs]
        raise WeightsError(
            f"{folder} has no graph for flow input {size}; it has "
            f"{', '.join(sorted(sizes)) or 'none'}. Run: "
            f"python -m flow.export {folder} --size {size}"
        )
    return verified_file(folder, record.graphs[role].file, record)


def _file_graph(folder: Path, request: FlowRequest) -> Graph:
    height, width = request.input_height, request.input_width
    path = graph_file(height, width, folder)
    graph = load_graph(path, engine=request.engine, threads=request.threads)
    expected = (1, height, width, 3)
    if graph.input_shapes != [expected, expected]:
        raise WeightsError(
            f"{path} takes {graph.input_shapes}, not two pictures {expected}. Run: "
            f"python -m flow.export {folder} --size {height}x{width}"
        )
    return graph


def _keras_graph(folder: Path, request: FlowRequest) -> Graph:
    from flow.lightflow import load_lightflow

    height, width = request.input_height, request.input_width
    model = load_lightflow(folder, height=height, width=width)
    return tensorflow_graph(model, threads=request.threads)


def _load_dis(preset: Preset) -> "FlowLoader":
    def load(request: FlowRequest) -> FlowEstimator:
        return DisFlow(preset, height=request.input_height, width=request.input_width)

    return load


def _load_farneback(request: FlowRequest) -> FlowEstimator:
    return FarnebackFlow(height=request.input_height, width=request.input_width)


def _load_zero(request: FlowRequest) -> FlowEstimator:  # noqa: ARG001 (a FlowLoader)
    return ZeroFlow()


FlowLoader = Callable[[FlowRequest], FlowEstimator]

FLOWS: Final[Mapping[str, FlowLoader]] = {
    "lightflow": _load_lightflow,
    "dis": _load_dis("medium"),
    "dis-ultrafast": _load_dis("ultrafast"),
    "dis-fast": _load_dis("fast"),
    "dis-medium": _load_dis("medium"),
    "farneback": _load_farneback,
    "zero": _load_zero,
}
"""Name to loader."""

FULL_SIZE: Final[Mapping[str, float]] = {"dis-ultrafast": 1.0, "dis-fast": 1.0}

NETWORKS: Final = frozenset({"lightflow"})
"""The flows that have weights."""
