"""Optical flows by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

import vod.weights
from flow.dis import DisFlow, FarnebackFlow, Preset
from flow.estimator import FlowEstimator, NetworkFlow, ZeroFlow
from flow.passes import RepeatedFlow
from vod.config import nearest
from vod.engine import EngineName, Graph, load_graph, tensorflow_graph
from vod.errors import ConfigError, WeightsError
from vod.graph import LoadedGraph
from vod.weights import Precision, read_record, verified_file

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
    precision: Precision


def default_share(name: str) -> float:
    """Give the side of a flow's own input as a share of the detector's.

    Half, as in the paper (section 4.1), but for what is exacter at full size by more
    than that costs: the quickest classical flows, and LightFlow of full width, whose
    weights were trained for it.
    """
    return FULL_SIZE.get(name, 0.5)


def default_passes(name: str) -> int:
    """Give how often a flow looks at a pair of frames, see `flow.passes`."""
    return PASSES.get(name, 1)


def repeated(name: str, flow: FlowEstimator, passes: int | None) -> FlowEstimator:
    """Let a flow look several times at a pair of frames.

    Args:
        name: a key of `FLOWS`.
        flow: loaded.
        passes: how often; None is the flow's own number.

    Raises:
        ConfigError: it is no network, and more than one pass is wanted.
    """
    count = default_passes(name) if passes is None else passes
    if count == 1:
        return flow
    if name not in NETWORKS:
        raise ConfigError(
            f"the flow '{name}' looks once: passes are for "
            f"{', '.join(sorted(NETWORKS))}; leave passes out."
        )
    return RepeatedFlow(flow, count)


def load_flow(
    name: str,
    *,
    input_height: int,
    input_width: int,
    engine: EngineName = "litert",
    threads: int = 2,
    weights: Path | None = None,
    precision: Precision = "fp32",
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
        precision: of a network's graph.

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
    return FLOWS[name](
        FlowRequest(input_height, input_width, engine, threads, weights, precision)
    )


def graph_role(height: int, width: int, precision: Precision = "fp32") -> str:
    """Give the name under which a record lists the graph of this input size."""
    return vod.weights.graph_role(f"{ROLE_PREFIX}{height}x{width}", precision)


def weights_folder(name: str, weights: Path | None = None) -> Path:
    """Give the folder of a network's weights: the given one, else the shipped one.

    Args:
        name: one of `NETWORKS`.
        weights: the user's own.
    """
    return weights if weights is not None else SHIPPED_WEIGHTS / name


def _load_lightflow(name: str) -> "FlowLoader":
    def load(request: FlowRequest) -> FlowEstimator:
        folder = weights_folder(name, request.weights)
        height, width = request.input_height, request.input_width
        if request.engine == "tensorflow":
            graph = _keras_graph(folder, request)
            return NetworkFlow(graph, height=height, width=width)
        path = graph_file(folder, height, width, request.precision)
        file = load_graph(path, engine=request.engine, threads=request.threads)
        return flow_of_graph(
            file,
            height=height,
            width=width,
            remedy=f"Run: python -m flow.export {folder} --size {height}x{width}",
        )

    return load


def flow_of_graph(
    graph: LoadedGraph, *, height: int, width: int, remedy: str
) -> NetworkFlow:
    """Wrap a graph as a flow, after checking that it fits.

    Args:
        graph: from the current and the key picture to flow, see `NetworkFlow`; whether
            it takes pixels is read off it.
        height: rows of the flow's own input.
        width: columns of the flow's own input.
        remedy: what to do where it does not fit, a sentence.

    Raises:
        WeightsError: it takes something else.
    """
    expected = (1, height, width, 3)
    if list(graph.input_shapes) != [expected, expected]:
        raise WeightsError(
            f"{graph.path} takes {graph.input_shapes}, not two pictures {expected}. "
            f"{remedy}"
        )
    as_pixels = graph.inputs.dtypes[0] == np.uint8
    return NetworkFlow(graph, height=height, width=width, as_pixels=as_pixels)


def graph_file(
    folder: Path, height: int, width: int, precision: Precision = "fp32"
) -> Path:
    """Give the file of a LightFlow's graph for an input size.

    Raises:
        WeightsError: it is missing or altered, or no graph has this size.
    """
    record = read_record(folder, network="lightflow")
    role = graph_role(height, width, precision)
    size = f"{height}x{width}"
    if role not in record.graphs:
        sizes = [name.removeprefix(ROLE_PREFIX) for name in record.graphs]
        module = "flow.export_int8" if precision == "int8" else "flow.export"
        raise WeightsError(
            f"{folder} has no graph for flow input {role.removeprefix(ROLE_PREFIX)}; "
            f"it has {', '.join(sorted(sizes)) or 'none'}. Run: "
            f"python -m {module} {folder} --size {size}"
        )
    return verified_file(folder, record.graphs[role].file, record)


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
    "lightflow": _load_lightflow("lightflow"),
    "lightflow-0.75": _load_lightflow("lightflow-0.75"),
    "lightflow-0.5": _load_lightflow("lightflow-0.5"),
    "dis": _load_dis("medium"),
    "dis-ultrafast": _load_dis("ultrafast"),
    "dis-fast": _load_dis("fast"),
    "dis-medium": _load_dis("medium"),
    "farneback": _load_farneback,
    "zero": _load_zero,
}
"""Name to loader."""

FULL_SIZE: Final[Mapping[str, float]] = {
    "dis-ultrafast": 1.0,
    "dis-fast": 1.0,
    "lightflow": 1.0,
}

PASSES: Final[Mapping[str, int]] = {"lightflow": 3}
"""Trained for two, weights carry boxes best with a third; others look once."""

NETWORKS: Final = frozenset({"lightflow", "lightflow-0.75", "lightflow-0.5"})
"""The flows that have weights, each in the shipped folder of its name."""
