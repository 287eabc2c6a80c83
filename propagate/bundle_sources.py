"""The Keras models that a bundle's graphs are made of, with real inputs for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import detector.export_int8
import flow.export_int8
import flow.registry
from detector.detector import Detector
from detector.models import DetectorModels, load_models
from detector.registry import weights_folder
from propagate.bundle_graphs import GraphSource
from propagate.config import NO_FLOW, PipelineConfig
from propagate.manifest import BundleFlow
from vod.calibration_pictures import Neighbours
from vod.config import nearest
from vod.engine import tensorflow_graph
from vod.errors import ConfigError
from vod.sizes import Size
from vod.types import FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class BundleSources:
    """What a bundle is made of.

    Attributes:
        models: the detector's.
        flow: of the flow network; None without.
        graphs: by role: `features`, `head` and, with a flow, `flow`.
        folders: weights folders by room: `detector` and, with a flow, `flow`.
    """

    models: DetectorModels
    flow: BundleFlow | None
    graphs: dict[str, GraphSource]
    folders: dict[str, Path]


def bundle_sources(
    config: PipelineConfig, pairs: Sequence[Neighbours], *, size: Size | None
) -> BundleSources:
    """Build a config's networks for an input size; needs TensorFlow.

    Args:
        config: names the detector, and the flow if it is a network.
        pairs: real pictures.
        size: (rows, columns) of the detector's input; None is as its weights say.

    Raises:
        ConfigError: unknown detector or flow.
        VideoError: the flow is a network, and no two of the pictures are neighbours.
        WeightsError: weights are missing or altered.
    """
    if config.flow.name not in (NO_FLOW, *flow.registry.FLOWS):
        known = nearest(config.flow.name, list(flow.registry.FLOWS))
        raise ConfigError(f"unknown flow '{config.flow.name}'.{known}")
    folder = weights_folder(config.detector.name, config.detector.weights)
    models = load_models(folder, size=size)
    images = detector.export_int8.calibration_inputs(
        [pair.key for pair in pairs], models.preprocessing
    )
    maps = [[np.asarray(m) for m in models.features(image[0])] for image in images[:3]]
    graphs = {
        "features": GraphSource(
            models.features,
            images,
            models.preprocessing,
            detector.export_int8.float_layers_of(models.features),
        ),
        "head": GraphSource(models.head, maps, is_exact=True),
    }
    if config.flow.name not in flow.registry.NETWORKS:
        return BundleSources(models, None, graphs, {"detector": folder})
    described = _flow_of(config, models)
    flow_folder = flow.registry.weights_folder(described.name, config.flow.weights)
    graphs["flow"] = _flow_source(flow_folder, described, pairs)
    folders = {"detector": folder, "flow": flow_folder}
    return BundleSources(models, described, graphs, folders)


def _flow_of(config: PipelineConfig, models: DetectorModels) -> BundleFlow:
    name, share = config.flow.name, config.flow.input_share
    if share is None:
        share = flow.registry.default_share(name)
    height = math.ceil(models.preprocessing.height * share)
    width = math.ceil(models.preprocessing.width * share)
    return BundleFlow(name, flow.export_int8.flow_preprocessing(height, width))


def _flow_source(
    folder: Path, described: BundleFlow, pairs: Sequence[Neighbours]
) -> GraphSource:
    from flow.lightflow import load_lightflow

    pictures = described.preprocessing
    return GraphSource(
        load_lightflow(folder, height=pictures.height, width=pictures.width),
        flow.export_int8.calibration_inputs(pairs, pictures),
        pictures,
        flow.export_int8.FLOAT_LAYERS,
    )


def keras_detector(models: DetectorModels, *, threads: int) -> Detector:
    """Give the Keras models as a detector, the reference of every check."""
    head = tensorflow_graph(models.head, threads=threads)

    def boxes_and_scores(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = head(*maps)
        return boxes, scores

    return Detector(
        name=models.record.network,
        classes=models.record.classes,
        preprocessing=models.preprocessing,
        maps=models.maps,
        features=tensorflow_graph(models.features, threads=threads),
        head=boxes_and_scores,
    )
