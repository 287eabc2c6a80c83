"""Which graphs a config runs, on which engine, and the networks made of them."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import detector.registry
import flow.registry
from detector.detector import Detector
from flow.estimator import FlowEstimator
from propagate.bundle import Bundle, read_bundle
from propagate.bundle_cache import Wish, cached_bundle
from vod.engine import EngineName, resizes
from vod.engine_choice import GraphUse, fastest_engine
from vod.preprocess import Preprocessing
from vod.sizes import Size
from vod.weights import WeightsRecord, graph_role, read_record

if TYPE_CHECKING:
    from propagate.config import FlowChoice, PipelineConfig

NO_FLOW: Final = "none"
"""Name of the flow that is no flow: key boxes stay where they are."""


def bundle_of(config: "PipelineConfig") -> Bundle | None:
    """Give the bundle that a config runs: stated, or made for its size and precision.

    None where Keras models are run, or the graphs in the weights folders, which run
    at any size if they are an SSD's, the engine resizes and no network's flow is used.

    Raises:
        ConfigError: unknown detector.
        DependencyError: a bundle cannot be made without a package.
        WeightsError: a bundle or weights are missing or altered.
    """
    if config.engine.bundle is not None:
        return read_bundle(config.engine.bundle)
    if config.engine.name == "tensorflow" or has_graphs(config):
        return None
    is_network = config.flow.name in flow.registry.NETWORKS
    in_onnx = config.engine.name == "onnxruntime" and config.engine.precision == "int8"
    return cached_bundle(
        Wish(
            detector=config.detector.name,
            detector_weights=config.detector.weights,
            flow=config.flow.name if is_network else None,
            flow_weights=config.flow.weights if is_network else None,
            flow_share=config.flow.input_share if is_network else None,
            size=config.detector.size,
            precision=config.engine.precision,
            format="onnx" if in_onnx else "litert",
        )
    )


def has_graphs(config: "PipelineConfig") -> bool:
    """Say whether the weights folders hold graphs for this size and precision.

    They are taken to hold the detector's own size in fp32, and all that is wanted of
    the user's own flow weights; loading says what is missing.
    """
    name, precision = config.engine.name, config.engine.precision
    folder, record = _weights_of(config)
    size = _other_size(config, record)
    if size is not None:
        if name != "auto" and not resizes(name):
            return False
        if not detector.registry.has_any_size(folder, record, precision):
            return False
    if precision != "fp32":
        if name == "onnxruntime":
            return False  # it cannot be given an int8 graph of LiteRT
        if graph_role("features", precision) not in record.graphs:
            return False
    elif size is None and config.flow.weights is not None:
        return True
    if config.flow.name not in flow.registry.NETWORKS:
        return True
    flows = flow.registry.weights_folder(config.flow.name, config.flow.weights)
    height, width = _flow_size(config.flow, _pictures(config, record))
    role = flow.registry.graph_role(height, width, precision)
    return role in read_record(flows).graphs


def _weights_of(config: "PipelineConfig") -> tuple[Path, WeightsRecord]:
    name = config.detector.name
    folder = detector.registry.weights_folder(name, config.detector.weights)
    return folder, read_record(folder, network=name)


def _other_size(config: "PipelineConfig", record: WeightsRecord) -> Size | None:
    """Give the detector's size where it is not that of its weights."""
    own = (record.preprocessing.height, record.preprocessing.width)
    return None if config.detector.size == own else config.detector.size


def _pictures(config: "PipelineConfig", record: WeightsRecord) -> Preprocessing:
    size = _other_size(config, record)
    if size is None:
        return record.preprocessing
    return replace(record.preprocessing, height=size[0], width=size[1])


def detector_of(
    config: "PipelineConfig", engine: EngineName, bundle: Bundle | None
) -> Detector:
    """Load a config's detector, out of its bundle if it runs one.

    Raises:
        DependencyError: the engine is not installed.
        WeightsError: weights or graphs are missing or altered.
    """
    threads = config.engine.threads
    if bundle is not None:
        return bundle.detector(engine=engine, threads=threads)
    return detector.registry.load_detector(
        config.detector.name,
        weights=config.detector.weights,
        engine=engine,
        threads=threads,
        precision=config.engine.precision,
        size=config.detector.size,
    )


def flow_of(
    config: "PipelineConfig",
    engine: EngineName,
    bundle: Bundle | None,
    pictures: Preprocessing,
) -> FlowEstimator | None:
    """Load a config's flow; None where it names none.

    Args:
        config: of the frame path.
        engine: of a network.
        bundle: holds the graph of a network.
        pictures: the detector's, of whose sides the flow's input is a share.

    Raises:
        ConfigError: unknown flow, or passes of one that looks once.
        WeightsError: weights or graphs are missing or altered.
    """
    if config.flow.name == NO_FLOW:
        return None
    threads = config.engine.threads
    name = config.flow.name
    if bundle is not None and name in flow.registry.NETWORKS:
        once: FlowEstimator = bundle.flow(engine=engine, threads=threads)
    else:
        height, width = _flow_size(config.flow, pictures)
        once = flow.registry.load_flow(
            name,
            input_height=height,
            input_width=width,
            weights=config.flow.weights,
            engine=engine,
            threads=threads,
            precision=config.engine.precision,
        )
    return flow.registry.repeated(name, once, config.flow.passes)


def resolve_engine(
    config: "PipelineConfig", bundle: Bundle | None = None
) -> EngineName:
    """Say which engine a config runs on; `auto` is measured, or remembered.

    Args:
        config: of the frame path.
        bundle: that it runs, see `bundle_of`.

    Raises:
        ConfigError: the engine does not run the bundle's format.
        WeightsError: a graph is missing or altered.
    """
    if bundle is not None and config.engine.name != "auto":
        return bundle.engine_for(config.engine.name)
    if config.engine.name != "auto":
        return config.engine.name
    often = 1 / config.propagate.keyframe_interval
    if bundle is not None:
        if bundle.manifest.format == "savedmodel":
            return "tensorflow"
        uses = [
            GraphUse(bundle.folder / graph.file, 1.0 if role == "flow" else often)
            for role, graph in bundle.manifest.graphs.items()
        ]
        return fastest_engine(uses, threads=config.engine.threads)
    return fastest_engine(_uses(config, often), threads=config.engine.threads)


def _uses(config: "PipelineConfig", often: float) -> list[GraphUse]:
    """Give the graphs in the weights folders that a config runs.

    Args:
        config: of the frame path.
        often: how often the detector runs, a frame.
    """
    folder, record = _weights_of(config)
    size, precision = _other_size(config, record), config.engine.precision
    # The second half of another size needs no graph, see `detector.ssd_head`.
    roles = [graph_role("features", precision), *(["head"] if size is None else [])]
    uses = [
        GraphUse(detector.registry.graph_file(folder, record, role), often, size)
        for role in roles
    ]
    if config.flow.name in flow.registry.NETWORKS:
        height, width = _flow_size(config.flow, _pictures(config, record))
        flows = flow.registry.weights_folder(config.flow.name, config.flow.weights)
        file = flow.registry.graph_file(flows, height, width, precision)
        uses.append(GraphUse(file, 1.0))
    return uses


def _flow_size(choice: "FlowChoice", pictures: Preprocessing) -> tuple[int, int]:
    """Give rows and columns of the flow's input next to a detector's pictures."""
    share = choice.input_share
    if share is None:
        share = flow.registry.default_share(choice.name)
    return math.ceil(pictures.height * share), math.ceil(pictures.width * share)
