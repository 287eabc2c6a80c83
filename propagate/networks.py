"""Which graphs a config runs, on which engine, and the networks made of them."""

import math
from typing import TYPE_CHECKING, Final

import detector.registry
import flow.registry
from detector.detector import Detector
from flow.estimator import FlowEstimator
from propagate.bundle import Bundle, read_bundle
from propagate.bundle_cache import Wish, cached_bundle
from vod.engine import EngineName
from vod.engine_choice import GraphUse, fastest_engine
from vod.preprocess import Preprocessing
from vod.weights import graph_role, read_record

if TYPE_CHECKING:
    from propagate.config import FlowChoice, PipelineConfig

NO_FLOW: Final = "none"
"""Name of the flow that is no flow: key boxes stay where they are."""


def bundle_of(config: "PipelineConfig") -> Bundle | None:
    """Give the bundle that a config runs: stated, or made for its size and precision.

    None where Keras models are run, or the graphs in the weights folders.

    Raises:
        ConfigError: unknown detector.
        DependencyError: a bundle cannot be made without a package.
        WeightsError: a bundle or weights are missing or altered.
    """
    if config.engine.bundle is not None:
        return read_bundle(config.engine.bundle)
    if config.engine.name == "tensorflow" or _has_graphs(config):
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


def _has_graphs(config: "PipelineConfig") -> bool:
    """Say whether the weights folders hold graphs of this size and precision.

    They are taken to hold the detector's own size in fp32, and all that is wanted of
    the user's own flow weights; loading says what is missing.
    """
    precision = config.engine.precision
    folder = detector.registry.weights_folder(
        config.detector.name, config.detector.weights
    )
    record = read_record(folder)
    own = (record.preprocessing.height, record.preprocessing.width)
    if (config.detector.size or own) != own:
        return False
    if precision != "fp32":
        if config.engine.name == "onnxruntime":
            return False  # it cannot be given an int8 graph of LiteRT
        if graph_role("features", precision) not in record.graphs:
            return False
    elif config.flow.weights is not None:
        return True
    if config.flow.name not in flow.registry.NETWORKS:
        return True
    flows = flow.registry.weights_folder(config.flow.name, config.flow.weights)
    height, width = _flow_size(config.flow, record.preprocessing)
    role = flow.registry.graph_role(height, width, precision)
    return role in read_record(flows).graphs


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
    files = detector.registry.graph_files(
        config.detector.name, config.detector.weights, config.engine.precision
    )
    uses = [GraphUse(path, often) for path in files]
    if config.flow.name in flow.registry.NETWORKS:
        folder = detector.registry.weights_folder(
            config.detector.name, config.detector.weights
        )
        size = _flow_size(config.flow, read_record(folder).preprocessing)
        flows = flow.registry.weights_folder(config.flow.name, config.flow.weights)
        file = flow.registry.graph_file(flows, *size, config.engine.precision)
        uses.append(GraphUse(file, 1.0))
    return fastest_engine(uses, threads=config.engine.threads)


def _flow_size(choice: "FlowChoice", pictures: Preprocessing) -> tuple[int, int]:
    """Give rows and columns of the flow's input next to a detector's pictures."""
    share = choice.input_share
    if share is None:
        share = flow.registry.default_share(choice.name)
    return math.ceil(pictures.height * share), math.ceil(pictures.width * share)
