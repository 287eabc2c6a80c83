"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6."""

from typing import Any, Final, NamedTuple

import keras

from detector.backbones.table import Maps, Normalization
from detector.mobilenet import conv_block, depthwise_block, normalize

STEM_CHANNELS: Final = 32


class Stage(NamedTuple):
    """Blocks of one shape; only the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    growth: int
    channels: int


# Tan and Le, EfficientNet, arXiv 1905.11946, table 1, without the last 1x1 convolution;
# `efficientnet_lite_builder.py` of tensorflow/tpu for what Lite leaves out.
STAGES: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
MAP_STAGES: Final = (3, 5, 7)  # the last of strides 8, 16 and 32
STEP: Final = 8
"""Channels are a multiple of this, whatever the width."""


def rounded_channels(channels: int, width: float) -> int:
    """Give a layer's channels at a width: the nearest multiple of 8, never 10 % less.

    Source: `round_filters` of `efficientnet_model.py`, tensorflow/tpu.
    """
    wanted = channels * width
    nearest = max(STEP, int(wanted + STEP / 2) // STEP * STEP)
    return nearest + STEP if nearest < 0.9 * wanted else nearest


def efficientnet_lite0(image: Any, width: float, normalization: Normalization) -> Maps:
    """Wire EfficientNet-Lite0 onto an image; see `detector.backbones.table.Builder`.

    The stem keeps its 32 channels at any width, as in the released models.

    Source: Tan and Le, EfficientNet, arXiv 1905.11946, table 1.
    """
    x = conv_block(
        image,
        "stem",
        STEM_CHANNELS,
        kernel=3,
        stride=2,
        normalization=normalization,
    )
    maps = []
    for number, stage in enumerate(STAGES, start=1):
        channels = rounded_channels(stage.channels, width)
        for block in range(stage.blocks):
            name = f"stage_{number}_{block}"
            stride = stage.stride if block == 0 else 1
            x = _block(
                x, name, stage._replace(stride=stride, channels=channels), normalization
            )
        if number in MAP_STAGES:
            maps.append(x)
    fine, middle, coarse = maps
    return fine, middle, coarse


def _block(x: Any, name: str, stage: Stage, normalization: Normalization) -> Any:
    """Widen, look around, narrow; add the input where that has the same shape."""
    entry, bias = x, normalization == "none"
    if stage.growth > 1:
        x = conv_block(
            x,
            f"{name}_expand",
            entry.shape[-1] * stage.growth,
            kernel=1,
            stride=1,
            normalization=normalization,
        )
    x = depthwise_block(
        x,
        f"{name}_depthwise",
        kernel=stage.kernel,
        stride=stage.stride,
        normalization=normalization,
    )
    project = keras.layers.Conv2D(
        stage.channels, 1, use_bias=bias, name=f"{name}_project"
    )
    x = normalize(project(x), f"{name}_project", normalization)
    if stage.stride == 1 and entry.shape[-1] == stage.channels:
        x = keras.layers.Add(name=f"{name}_sum")([entry, x])
    return x
