"""MobileNet V1, the backbone: any width, with or without BatchNorm."""

from typing import Any, Final

import keras

from detector.backbones.table import Maps, Normalization
from detector.ssd_config import scaled_channels

# Howard et al., MobileNets, arXiv 1704.04861, table 1: output channels at width 1 and
# stride of `Conv2d_0` and of the 13 depthwise-separable blocks.
STEM_CHANNELS: Final = 32
BLOCKS: Final[tuple[tuple[int, int], ...]] = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
MAP_BLOCKS: Final = (5, 11, 13)  # the last of strides 8, 16 and 32
# Epsilon as in slim and TensorFlow's SSD. Their momentum, 0.9997, is for 100,000s of
# steps: after 1,000 the statistics would still be three quarters what they began as.
BATCH_NORM: Final = {"momentum": 0.99, "epsilon": 1e-3}


def normalize(x: Any, name: str, normalization: Normalization) -> Any:
    """Apply BatchNorm, where there is one."""
    if normalization == "none":
        return x
    return keras.layers.BatchNormalization(name=f"{name}_BatchNorm", **BATCH_NORM)(x)


def activate(x: Any, name: str, normalization: Normalization) -> Any:
    """Apply what follows every convolution but the predictors: BatchNorm?, ReLU6."""
    x = normalize(x, name, normalization)
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x)


def conv_block(
    x: Any,
    name: str,
    channels: int,
    *,
    kernel: int,
    stride: int,
    normalization: Normalization,
) -> Any:
    """Apply a convolution and what follows it; without BatchNorm it has a bias.

    Padding is TensorFlow's SAME: at stride 2 an odd remainder goes to the right and
    the bottom, so a side of n becomes ceil(n / 2).
    """
    convolution = keras.layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding="same",
        use_bias=normalization == "none",
        name=name,
    )
    return activate(convolution(x), name, normalization)


def depthwise_block(
    x: Any, name: str, *, stride: int, normalization: Normalization, kernel: int = 3
) -> Any:
    """Apply a depthwise convolution and what follows it; see `conv_block`."""
    convolution = keras.layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="same",
        use_bias=normalization == "none",
        name=name,
    )
    return activate(convolution(x), name, normalization)


def mobilenet_v1(image: Any, *, width: float, normalization: Normalization) -> Maps:
    """Wire MobileNet V1 onto an image; layer names are those of TensorFlow's slim.

    Args:
        image: `(B, H, W, 3)`, normalised.
        width: multiplier of every layer's channels.
        normalization: `"batch"`, or `"none"` for convolutions with bias, as in
            checkpoints whose BatchNorm is folded.

    Returns:
        The maps of strides 8, 16 and 32 (`Conv2d_5_pointwise`, `Conv2d_11_pointwise`,
        `Conv2d_13_pointwise`), after ReLU6.

    Source: Howard et al., MobileNets, arXiv 1704.04861, table 1.
    """
    x = conv_block(
        image,
        "Conv2d_0",
        scaled_channels(STEM_CHANNELS, width),
        kernel=3,
        stride=2,
        normalization=normalization,
    )
    maps = {}
    for index, (channels, stride) in enumerate(BLOCKS, start=1):
        x = depthwise_block(
            x, f"Conv2d_{index}_depthwise", stride=stride, normalization=normalization
        )
        x = conv_block(
            x,
            f"Conv2d_{index}_pointwise",
            scaled_channels(channels, width),
            kernel=1,
            stride=1,
            normalization=normalization,
        )
        maps[index] = x
    fine, middle, coarse = (maps[block] for block in MAP_BLOCKS)
    return fine, middle, coarse
