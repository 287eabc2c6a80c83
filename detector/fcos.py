"""The anchor-free dense head: every cell tells what lies there and how far its sides.

Tian et al., FCOS, arXiv 1904.01355, on three levels and with separable convolutions.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from detector.backbones.table import build_backbone
from detector.box_coding_layer import LARGEST_GROWTH
from detector.fcos_config import level_strides
from detector.feature_network import enlarge
from detector.mobilenet import activate, conv_block
from detector.network_config import DetectorConfig, map_specs
from detector.ssd_config import scaled_channels
from vod.types import FloatArray

SIDES: Final = 4  # left, top, right, bottom


def build_features(
    config: DetectorConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build image to the pyramid's three maps, as `map_specs(config)` says."""
    shape = (config.input_height, config.input_width, 3)
    image = keras.Input(shape, batch_size=batch_size, name="image")
    fine, middle, coarse = build_backbone(
        image, config.backbone, width=config.width, normalization=config.normalization
    )
    maps = (fine, middle, coarse)
    if config.fcos.first_stride == 16:
        maps = (middle, coarse, _halve(coarse, config))
    return keras.Model(image, _pyramid(maps, config), name="features")


def build_head(config: DetectorConfig, *, batch_size: int | None = None) -> keras.Model:
    """Build the pyramid's maps to boxes and scores.

    Outputs `boxes` `(B, N, 4)`, x1, y1, x2, y2 in detector-input pixels, and `scores`
    `(B, N, class_count)` in [0, 1]: the geometric mean of class and centre-ness.
    """
    inputs = pyramid_inputs(config, batch_size=batch_size)
    logits, centreness, sides = fcos_predictions(inputs, config)
    # Places are float32, whatever precision the networks run in.
    exact: Any = {"dtype": "float32"}
    boxes = SideDecoder(*cells(config), name="boxes", **exact)(sides)
    scores = CentredScores(name="scores", **exact)([logits, centreness])
    return keras.Model(inputs, [boxes, scores], name="head")


def pyramid_inputs(
    config: DetectorConfig, *, batch_size: int | None = None
) -> list[Any]:
    """Give the inputs of a model that takes the pyramid's maps."""
    return [
        keras.Input(
            (spec.height, spec.width, spec.channels),
            batch_size=batch_size,
            name=spec.name,
        )
        for spec in map_specs(config)
    ]


def cells(config: DetectorConfig) -> tuple[FloatArray, FloatArray]:
    """Give the centre `(N, 2)` of every cell, x, y in input pixels, and its stride.

    Order: level, row, column, as the predictions' rows lie. Strides are `(N, 1)`, the
    nominal ones.
    """
    centres, strides = [], []
    for spec, stride in zip(map_specs(config), level_strides(config.fcos), strict=True):
        x = (np.arange(spec.width) + 0.5) * (config.input_width / spec.width)
        y = (np.arange(spec.height) + 0.5) * (config.input_height / spec.height)
        level = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        centres.append(level.astype(np.float32))
        strides.append(np.full((len(level), 1), stride, np.float32))
    return np.concatenate(centres), np.concatenate(strides)


def fcos_predictions(
    maps: Sequence[Any], config: DetectorConfig
) -> tuple[Any, Any, Any]:
    """Wire towers and predictors onto the pyramid's maps, the same ones on every level.

    Only BatchNorm's statistics and the scale of distances are a level's own.

    Returns:
        Class logits `(B, N, class_count)`, centre-ness logits `(B, N, 1)` and raw
        distances to the four sides `(B, N, 4)`, rows in the order of `cells`.
    """
    options = config.fcos
    rare = -math.log((1 - options.prior) / options.prior)
    classes = keras.layers.Conv2D(
        config.class_count,
        1,
        bias_initializer=keras.initializers.Constant(rare),
        name="class_logits",
    )
    centreness = keras.layers.Conv2D(1, 1, name="centreness")
    sides = keras.layers.Conv2D(SIDES, 1, name="sides")
    logits, centres, distances = [], [], []
    by_class, by_box = _tower(maps, "class", config), _tower(maps, "box", config)
    for stride, seen, placed in zip(
        level_strides(options), by_class, by_box, strict=True
    ):
        scale = keras.layers.DepthwiseConv2D(
            1, use_bias=False, depthwise_initializer="ones", name=f"scale_{stride}"
        )
        logits.append(_rows(classes(seen), f"class_rows_{stride}"))
        centres.append(_rows(centreness(placed), f"centreness_rows_{stride}"))
        distances.append(_rows(scale(sides(placed)), f"side_rows_{stride}"))
    return (
        keras.layers.Concatenate(axis=1, name="class_rows")(logits),
        keras.layers.Concatenate(axis=1, name="centreness_rows")(centres),
        keras.layers.Concatenate(axis=1, name="side_rows")(distances),
    )


def decode_sides(sides: Any, centres: Any, strides: Any) -> Any:
    """Give the `(..., 4)` boxes of raw distances: exp of these, in strides.

    Growth is bounded as in `detector.box_coding_layer.decode_codes`, so that an
    untrained network's exponential stays a number.

    Args:
        sides: `(..., 4)`, left, top, right, bottom of a cell's centre.
        centres: `(..., 2)` x, y in pixels.
        strides: `(..., 1)` pixels.
    """
    distances = ops.exp(ops.minimum(sides, math.log(LARGEST_GROWTH))) * strides
    return ops.concatenate(
        [centres - distances[..., :2], centres + distances[..., 2:]], axis=-1
    )


@keras.saving.register_keras_serializable(package="vod")
class SideDecoder(keras.layers.Layer):
    """Turn `(B, N, 4)` raw distances into `(B, N, 4)` boxes, see `decode_sides`.

    Args:
        centres: `(N, 2)`, see `cells`.
        strides: `(N, 1)`, see `cells`.
    """

    def __init__(self, centres: Any, strides: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.centres = np.asarray(centres, np.float32)
        self.strides = np.asarray(strides, np.float32)

    def call(self, sides: Any) -> Any:
        """Decode; see the class."""
        return decode_sides(sides, self.centres, self.strides)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        own = {"centres": self.centres.tolist(), "strides": self.strides.tolist()}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="vod")
class CentredScores(keras.layers.Layer):
    """Turn class logits `(B, N, C)` and centre-ness logits `(B, N, 1)` into scores.

    A score is the geometric mean of both probabilities, so that a cell at an object's
    rim, whose box is worse, loses against one at its centre.
    """

    def call(self, inputs: list[Any]) -> Any:
        """Give `(B, N, C)` in [0, 1]; see the class."""
        logits, centreness = inputs
        return ops.sqrt(ops.sigmoid(logits) * ops.sigmoid(centreness))


def _pyramid(maps: Sequence[Any], config: DetectorConfig) -> list[Any]:
    """Wire three maps of a backbone, finest first, to a pyramid of equal channels.

    Source: Lin et al., Feature Pyramid Networks, arXiv 1612.03144, sec. 3.
    """
    channels = scaled_channels(config.fcos.channels, config.width)
    strides = level_strides(config.fcos)
    merged: list[Any] = []
    for stride, fine in zip(strides[::-1], maps[::-1], strict=True):
        x = keras.layers.Conv2D(channels, 1, name=f"lateral_{stride}")(fine)
        if merged:
            coarse = enlarge(merged[0], x, f"top_down_{stride}")
            x = keras.layers.Add(name=f"sum_{stride}")([x, coarse])
        merged.insert(0, x)
    return [
        _separable(x, f"pyramid_{stride}", config)
        for stride, x in zip(strides, merged, strict=True)
    ]


def _separable(x: Any, name: str, config: DetectorConfig) -> Any:
    """Mix a map's neighbours, then its channels."""
    x = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    return conv_block(
        x,
        f"{name}_pointwise",
        x.shape[-1],
        kernel=1,
        stride=1,
        normalization=config.normalization,
    )


def _halve(coarse: Any, config: DetectorConfig) -> Any:
    """Wire the stride-64 map onto the stride-32 one."""
    return conv_block(
        coarse,
        "stride_64",
        scaled_channels(config.fcos.channels, config.width),
        kernel=3,
        stride=2,
        normalization=config.normalization,
    )


def _tower(maps: Sequence[Any], name: str, config: DetectorConfig) -> list[Any]:
    """Wire separable convolutions onto every level, with the same weights.

    BatchNorm is each level's own, as their statistics differ (Tan et al., EfficientDet,
    arXiv 1911.09070).
    """
    levels = list(maps)
    for depth in range(config.fcos.tower_depth):
        block = f"{name}_tower_{depth}"
        spatial = keras.layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, name=f"{block}_depthwise"
        )
        mix = keras.layers.Conv2D(
            levels[0].shape[-1],
            1,
            use_bias=config.normalization == "none",
            name=f"{block}_pointwise",
        )
        levels = [
            activate(mix(spatial(x)), f"{block}_{stride}", config.normalization)
            for stride, x in zip(level_strides(config.fcos), levels, strict=True)
        ]
    return levels


def _rows(x: Any, name: str) -> Any:
    _, height, width, values = x.shape
    return keras.layers.Reshape((height * width, values), name=name)(x)
