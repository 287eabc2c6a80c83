"""SSD on any backbone as two Keras models, so that propagation fits in between."""

from pathlib import Path
from typing import Any, Final

import keras

from detector.backbones.table import build_backbone
from detector.box_coding_layer import BoxDecoder
from detector.mobilenet import conv_block
from detector.ssd_config import (
    BOX_VALUES,
    SsdConfig,
    level_specs,
    map_specs,
    scaled_channels,
    ssd_anchors,
)
from vod.weights import load_model_weights

# `multi_resolution_feature_maps` of the TensorFlow object-detection models: channels at
# width 1 of the 3x3 convolutions (stride 2) behind the backbone, the 1x1 having half.
EXTRA_CHANNELS: Final = (512, 256, 256, 128)


def build_features(config: SsdConfig, *, batch_size: int | None = None) -> keras.Model:
    """Build the first half: image to the maps at the seam.

    Input `image` `(B, input_height, input_width, 3)`, normalised; outputs as
    `map_specs(config)` says, in that order.
    """
    shape = (config.input_height, config.input_width, 3)
    image = keras.Input(shape, batch_size=batch_size, name="image")
    _, *maps = build_backbone(
        image, config.backbone, width=config.width, normalization=config.normalization
    )
    outputs = _predict(maps, config) if config.seam == "head" else maps
    return keras.Model(image, outputs, name="features")


def build_head(config: SsdConfig, *, batch_size: int | None = None) -> keras.Model:
    """Build the second half: the maps at the seam to boxes and scores.

    Outputs `boxes` `(B, N, 4)`, x1, y1, x2, y2 in detector-input pixels, and `scores`
    `(B, N, class_count)`, each in [0, 1] on its own (sigmoid).
    """
    inputs = head_inputs(config, batch_size=batch_size)
    raw = raw_rows(inputs, config)
    # Places are float32, whatever precision the network runs in.
    decode = BoxDecoder(ssd_anchors(config), name="boxes", dtype="float32")
    boxes = decode(raw[:, :, :BOX_VALUES])
    scores = keras.layers.Activation("sigmoid", name="scores")(raw[:, :, BOX_VALUES:])
    return keras.Model(inputs, [boxes, scores], name="head")


def head_inputs(config: SsdConfig, *, batch_size: int | None = None) -> list[Any]:
    """Give the inputs of a model that takes the maps at the seam."""
    return [
        keras.Input(
            (spec.height, spec.width, spec.channels),
            batch_size=batch_size,
            name=spec.name,
        )
        for spec in map_specs(config)
    ]


def raw_rows(maps: list[Any], config: SsdConfig) -> Any:
    """Wire the maps at the seam to `(B, N, 4 + class_count)`, see `flatten_levels`."""
    levels = maps if config.seam == "head" else _predict(maps, config)
    return flatten_levels(levels, config)


def join(features: keras.Model, head: keras.Model) -> keras.Model:
    """Give image to boxes and scores as one model, which owns the weights of both.

    Its variables have the same paths whichever the seam, so one weights file fits.
    """
    image = keras.Input(features.input_shape[1:], name="image")
    maps = features(image)
    return keras.Model(image, head(maps), name="detector")


def load_ssd(
    config: SsdConfig, weights: Path, *, batch_size: int | None = None
) -> tuple[keras.Model, keras.Model]:
    """Build both halves and fill them from a weights file of either seam.

    Raises:
        WeightsError: the file does not fit the config.
    """
    features = build_features(config, batch_size=batch_size)
    head = build_head(config, batch_size=batch_size)
    load_model_weights(join(features, head), weights)
    return features, head


def flatten_levels(levels: list[Any], config: SsdConfig) -> Any:
    """Lay the levels' maps out as `(B, N, 4 + class_count)`, one row an anchor."""
    values = BOX_VALUES + config.class_count
    rows = [
        keras.layers.Reshape(
            (spec.height * spec.width * spec.channels // values, values),
            name=f"{spec.name}_rows",
        )(level)
        for spec, level in zip(level_specs(config), levels, strict=True)
    ]
    return keras.layers.Concatenate(axis=1, name="rows")(rows)


def _predict(maps: list[Any], config: SsdConfig) -> list[Any]:
    """Wire the extra layers and one 1x1 predictor a level onto the backbone's maps."""
    levels = list(maps)
    for index, channels in enumerate(EXTRA_CHANNELS, start=2):
        x = conv_block(
            levels[-1],
            f"extra_{index}_1x1",
            scaled_channels(channels // 2, config.width),
            kernel=1,
            stride=1,
            normalization=config.normalization,
        )
        x = conv_block(
            x,
            f"extra_{index}_3x3",
            scaled_channels(channels, config.width),
            kernel=3,
            stride=2,
            normalization=config.normalization,
        )
        levels.append(x)
    return [
        keras.layers.Conv2D(spec.channels, 1, name=f"predictor_{i}")(level)
        for i, (spec, level) in enumerate(zip(level_specs(config), levels, strict=True))
    ]
