"""The paper's detector in three models, with room in between for what it adds.

Key frames run image to shared map, aggregation on it, and shared map to the two maps
of the head. Those two are what propagation warps; every frame runs only the rest.
"""

from typing import Any

import keras

from detector.feature_network import build_feature_network, shared_map
from detector.features import FeatureSpec
from detector.light_head import RegionBoxes, RegionScores, light_head, regions_map
from detector.rpn import Proposals, rpn_map, rpn_predictions
from detector.two_stage_config import TwoStageConfig, map_specs, shared_spec


def build_features(
    config: TwoStageConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build image to the head's two maps: both key-frame parts in one, for one frame.

    Its variables have the paths of the two parts.
    """
    shape = (config.input_height, config.input_width, 3)
    image = keras.Input(shape, batch_size=batch_size, name="image")
    shared = shared_map(image, config)
    outputs = [rpn_map(shared, config), regions_map(shared, config)]
    return keras.Model(image, outputs, name="features")


def build_head_maps(
    config: TwoStageConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build shared map to the head's two maps, in the order of `map_specs(config)`."""
    shared = _input(shared_spec(config), batch_size)
    outputs = [rpn_map(shared, config), regions_map(shared, config)]
    return keras.Model(shared, outputs, name="head_maps")


def build_head(config: TwoStageConfig, *, batch_size: int | None = None) -> keras.Model:
    """Build the head's two maps to boxes and scores: what every frame runs.

    Outputs `boxes` `(B, proposals, 4)`, x1, y1, x2, y2 in detector-input pixels, and
    `scores` `(B, proposals, class_count)`; padded rows have score 0.
    """
    rpn, regions = (_input(spec, batch_size) for spec in map_specs(config))
    # Places are float32, whatever precision the networks run in.
    exact: Any = {"dtype": "float32"}
    choose = Proposals(config, name="proposals", **exact)
    proposals, mask = choose(list(rpn_predictions(rpn, config)))
    logits, codes = light_head(regions, proposals, config)
    size = {"input_height": config.input_height, "input_width": config.input_width}
    boxes = RegionBoxes(**size, name="boxes", **exact)([codes, proposals])
    scores = RegionScores(name="scores", **exact)([logits, mask])
    return keras.Model([rpn, regions], [boxes, scores], name="head")


def build_two_stage(
    config: TwoStageConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build image to boxes and scores, the single-frame detector, of the three parts.

    The parts are its layers `features`, `head_maps` and `head`.
    """
    shape = (config.input_height, config.input_width, 3)
    image = keras.Input(shape, batch_size=batch_size, name="image")
    features = build_feature_network(config, batch_size=batch_size)
    maps = build_head_maps(config, batch_size=batch_size)
    head = build_head(config, batch_size=batch_size)
    return keras.Model(image, head(maps(features(image))), name="two_stage")


def _input(spec: FeatureSpec, batch_size: int | None) -> Any:
    shape = (spec.height, spec.width, spec.channels)
    return keras.Input(shape, batch_size=batch_size, name=spec.name)
