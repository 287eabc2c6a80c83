"""The paper's system as parts of a frame's path: what it is run with, and loaded from.

A weights folder of `propagate.train_paper` holds the whole system, flow included. Most
settings of other detectors mean nothing to it; those that a user states are refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.detector import Detector
from detector.two_stage_config import TwoStageConfig, map_specs
from propagate.paper_detector import NETWORK, PaperDetector
from vod.config import from_mapping
from vod.engine import Graph, load_graph, tensorflow_graph
from vod.engine_choice import GraphUse, fastest_engine
from vod.errors import ConfigError, WeightsError
from vod.types import ByteArray, FloatArray
from vod.weights import WeightsRecord, read_record, verified_file

if TYPE_CHECKING:
    from propagate.config import PipelineConfig

FIXED: Final[Mapping[str, str]] = {
    "flow": "it has a flow of its own",
    "detector.size": "its pictures have one size",
    "detector.pixels": "its pictures have one size",
    "engine.precision": "its graphs are float32",
    "engine.bundle": "it runs the graphs in its weights folder",
    "propagate.mode": "it uses past frames only",
    "propagate.travels": "its maps travel",
    "propagate.refine": "no boxes are carried",
    "propagate.calibration": "no boxes are carried",
    "propagate.flow_stride": "every frame between key frames has its flow",
    "propagate.border": "its own config says what lies outside a map",
    "propagate.adapter": "nothing corrects its maps",
}
"""Settings that the system does not leave open, and why."""


def paper_settings(config: "PipelineConfig") -> "PipelineConfig":
    """Say what a config means for the paper's system, whose name is its detector's.

    Raises:
        ConfigError: a setting is neither the default nor what the system does.
    """
    usual = type(config)()
    settled = replace(
        config,
        detector=replace(config.detector, size=None, pixels=None),
        flow=replace(usual.flow, name=NETWORK),
        propagate=replace(
            usual.propagate,
            keyframe_interval=config.propagate.keyframe_interval,
            keyframes=config.propagate.keyframes,
            budget=config.propagate.budget,
            mode="causal",
            travels="maps",
            transport=config.propagate.transport,
            refine=replace(usual.propagate.refine, every=0),
        ),
        engine=replace(config.engine, precision="fp32", bundle=None),
    )
    for key, why in FIXED.items():
        value = attrgetter(key)
        if value(config) not in (value(usual), value(settled)):
            raise ConfigError(
                f"{key} cannot be set for the paper's system, as {why}: leave it out."
            )
    return settled


def load_system(config: "PipelineConfig") -> tuple[Detector, PaperDetector]:
    """Load the system that a config names: its head as a detector, and the whole.

    Raises:
        ConfigError: no weights folder is named.
        DependencyError: the engine is not installed.
        WeightsError: weights or graphs are missing or altered.
    """
    folder = config.detector.weights
    if folder is None:
        raise ConfigError(
            "no weights of the paper's system are shipped: name a weights folder, "
            "--detector DIR."
        )
    record = read_record(folder, network=NETWORK)
    if config.engine.name == "tensorflow":
        graphs = _keras_graphs(folder, threads=config.engine.threads)
    else:
        graphs = _exported_graphs(folder, record, config)
    system = PaperDetector.of(record.preprocessing, graphs)

    def features(image: FloatArray | ByteArray) -> tuple[FloatArray, ...]:
        _, _, *maps = system.first_key(image)
        return tuple(maps)

    def boxes_and_scores(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = system.head(*maps)
        return boxes, scores

    detector = Detector(
        name=NETWORK,
        classes=record.classes,
        preprocessing=record.preprocessing,
        maps=map_specs(_detector_config(folder, record)),
        features=features,
        head=boxes_and_scores,
    )
    return detector, system


def _detector_config(folder: Path, record: WeightsRecord) -> TwoStageConfig:
    try:
        return from_mapping(
            TwoStageConfig, record.config.get("detector", {}), source=f"{folder} config"
        )
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error


def _exported_graphs(
    folder: Path, record: WeightsRecord, config: "PipelineConfig"
) -> dict[str, Graph]:
    often = 1 / config.propagate.keyframe_interval
    uses = {"first_key": 0.0, "next_key": often, "between": 1 - often, "head": 1.0}
    if record.config.get("aggregation") is None:
        uses["first_key"] = uses.pop("next_key")
    files = {}
    for role in uses:
        if role not in record.graphs:
            raise WeightsError(
                f"{folder} has no exported graph '{role}'. Run: python -m "
                f"propagate.export_paper {folder}"
            )
        files[role] = verified_file(folder, record.graphs[role].file, record)
    engine, threads = config.engine.name, config.engine.threads
    if engine == "auto":
        costs = [GraphUse(path, uses[role]) for role, path in files.items()]
        engine = fastest_engine(costs, threads=threads)
    return {
        role: load_graph(path, engine=engine, threads=threads)
        for role, path in files.items()
    }


def _keras_graphs(folder: Path, *, threads: int) -> dict[str, Graph]:
    from propagate.paper_models import paper_models
    from propagate.paper_networks import load_paper

    networks, record = load_paper(folder)
    return {
        role: tensorflow_graph(model, threads=threads)
        for role, model in paper_models(networks, record.preprocessing).items()
    }
