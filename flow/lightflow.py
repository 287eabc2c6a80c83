"""LightFlow: the tiny optical-flow network, as a functional Keras model.

Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles
(arXiv 1804.05830), Table 1 and sec. 3.1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from flow.inference import split_pictures
from vod.config import from_mapping
from vod.errors import ConfigError, WeightsError
from vod.weights import (
    WEIGHTS_FILE,
    load_model_weights,
    read_record,
    verified_file,
)

# Paper, Table 1. Every row is a 3x3 depthwise convolution, then a pointwise one.
#   name       stride  channels   output for 384x512   input
ENCODER: Final = (
    ("conv1", 2, 32),  # 192x256              images
    ("conv2", 2, 64),  #  96x128              conv1
    ("conv3", 2, 128),  # 48x64               conv2
    ("conv4a", 2, 256),  # 24x32              conv3
    ("conv4b", 1, 256),  # 24x32              conv4a
    ("conv5a", 2, 512),  # 12x16              conv4b
    ("conv5b", 1, 512),  # 12x16              conv5a
    ("conv6a", 2, 1024),  # 6x8               conv5b
    ("conv6b", 1, 1024),  # 6x8               conv6a
)
#   name      channels  skip that joins the up-sampled previous block
DECODER: Final = (
    ("conv7", 256, None),  #       6x8        conv6b
    ("conv8", 128, "conv5b"),  #  12x16       conv7 up2, conv5b
    ("conv9", 64, "conv4b"),  #   24x32       conv8 up2, conv4b
    ("conv10", 32, "conv3"),  #   48x64       conv9 up2, conv3
    ("conv11", 16, "conv2"),  #   96x128      conv10 up2, conv2
)
#   name       input, 2 channels each; the result is their mean on conv11's grid
PREDICTORS: Final = (
    ("conv12", "conv7"),
    ("conv13", "conv8"),
    ("conv14", "conv9"),
    ("conv15", "conv10"),
    ("conv16", "conv11"),
)

FLOW_UNIT_PX: Final = 20.0
"""Pixels in one unit of a predictor's output.

FlowNet's divisor: with pixels as the unit, training stalls at a greater error.
"""

OUTPUT_STRIDE: Final = 4
"""Input pixels a cell of the output, from conv2's two strides of 2."""


@dataclass(frozen=True, slots=True)
class LightFlowConfig:
    """Size and reading of the network.

    Attributes:
        width: multiplies every channel count but the predictors' two outputs.
        linear_predictors: give the predictors' pointwise convolutions a bias and
            nothing after it. False is the literal reading of the paper ("each
            convolution is followed by batch normalization and Leaky ReLU"), which
            shrinks negative flow by the slope.
        negative_slope: of every Leaky ReLU.
    """

    width: float = 1.0
    linear_predictors: bool = True
    negative_slope: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.width <= 4:
            raise ConfigError(f"width must lie in (0, 4], received {self.width}.")
        if not 0 <= self.negative_slope < 1:
            raise ConfigError(
                f"negative_slope must lie in [0, 1), received {self.negative_slope}."
            )

    def channels(self, full: int) -> int:
        """Give a layer's channel count from the paper's."""
        return max(1, round(full * self.width))


@keras.saving.register_keras_serializable(package="vod")
class NearestUpsampling(layers.Layer):
    """Enlarge a map twofold by repeating cells, cut to the size of a second map.

    Repeating is written as two concatenations, which LiteRT's XNNPACK runs in one piece
    with the convolutions; `UpSampling2D` becomes a TILE that it does not know.
    """

    def call(self, inputs: list[Any]) -> Any:
        """Take maps `(B, h, w, C)` and `(B, H, W, D)`, 2h >= H; give `(B, H, W, C)`."""
        small, target = inputs
        _, height, width, channels = small.shape
        if height is None or width is None:
            _, height, width, _ = ops.shape(small)
        wide = ops.concatenate([small, small], axis=3)
        wide = ops.reshape(wide, (-1, height, 2 * width, channels))
        tall = ops.concatenate([wide, wide], axis=2)
        tall = ops.reshape(tall, (-1, 2 * height, 2 * width, channels))
        rows, columns = target.shape[1:3]
        if rows is None or columns is None:
            _, rows, columns, _ = ops.shape(target)
        return tall[:, :rows, :columns, :]

    def compute_output_shape(self, input_shape: list[Any]) -> tuple[Any, ...]:
        """Give the target's size with the small map's channels."""
        small, target = input_shape
        return (small[0], *target[1:3], small[3])


@dataclass(frozen=True, slots=True)
class _Wiring:
    """How blocks are built: the config, and whether normalisation is folded away."""

    config: LightFlowConfig
    folded: bool

    def activated(self, tensor: Any, name: str) -> Any:
        if not self.folded:
            tensor = layers.BatchNormalization(name=f"{name}_bn")(tensor)
        slope = self.config.negative_slope
        return layers.LeakyReLU(negative_slope=slope, name=f"{name}_relu")(tensor)

    def depthwise(self, tensor: Any, name: str, stride: int = 1) -> Any:
        # No bias beside a normalisation, which would subtract it again.
        tensor = layers.DepthwiseConv2D(
            3, stride, "same", use_bias=self.folded, name=f"{name}_dw"
        )(tensor)
        return self.activated(tensor, f"{name}_dw")

    def separable(self, tensor: Any, name: str, channels: int, stride: int = 1) -> Any:
        tensor = self.depthwise(tensor, name, stride)
        convolution = layers.Conv2D(
            channels, 1, use_bias=self.folded, name=f"{name}_pw"
        )
        return self.activated(convolution(tensor), f"{name}_pw")

    def predictor(self, tensor: Any, name: str) -> Any:
        if not self.config.linear_predictors:
            return self.separable(tensor, name, 2)
        return layers.Conv2D(2, 1, name=f"{name}_pw")(self.depthwise(tensor, name))


def build_lightflow(
    config: LightFlowConfig,
    height: int | None = None,
    width: int | None = None,
    *,
    batch_size: int | None = None,
    folded: bool = False,
) -> keras.Model:
    """Wire the network.

    Args:
        config: its size.
        height: rows of the input images; None takes any.
        width: columns of the input images; None takes any.
        batch_size: pairs in a batch; None takes any. Exporting needs it.
        folded: give the convolutions biases in place of the normalisations, for
            inference; `fold_lightflow` fills such a model.

    Returns:
        A model from `[current, key]`, both `(B, height, width, 3)` RGB normalised to
        [-1, 1] as `(x - 127.5) / 127.5`, to `(B, ceil(height/4), ceil(width/4), 2)`
        backward flow, current to key, in pixels of the input image (u right, v down).
    """
    current = keras.Input((height, width, 3), batch_size, name="current")
    key = keras.Input((height, width, 3), batch_size, name="key")
    maps = {}
    wiring = _Wiring(config, folded)
    tensor = layers.Concatenate(name="images")([current, key])
    for name, stride, channels in ENCODER:
        count = config.channels(channels)
        tensor = maps[name] = wiring.separable(tensor, name, count, stride)
    for name, channels, skip in DECODER:
        if skip is not None:
            tensor = NearestUpsampling(name=f"{name}_up")([tensor, maps[skip]])
            tensor = layers.Concatenate(name=f"{name}_in")([tensor, maps[skip]])
        tensor = maps[name] = wiring.separable(tensor, name, config.channels(channels))
    # Enlarging by repetition is linear, so summing on the way up equals enlarging each
    # prediction to the finest grid and summing there, with less work.
    total = None
    for name, source in PREDICTORS:
        prediction = wiring.predictor(maps[source], name)
        if total is None:
            total = prediction
        else:
            total = NearestUpsampling(name=f"{name}_up")([total, prediction])
            total = layers.Add(name=f"{name}_sum")([total, prediction])
    flow = layers.Rescaling(FLOW_UNIT_PX / len(PREDICTORS), name="flow")(total)
    return keras.Model([current, key], flow, name="lightflow")


def fold_lightflow(
    model: keras.Model, config: LightFlowConfig, height: int, width: int
) -> keras.Model:
    """Give the same network without normalisation, for inference at batch 1.

    The folded values are rounded to float16, as graphs store them, so that every engine
    runs the same numbers.

    Args:
        model: from `build_lightflow(config)`, trained.
        config: of that model.
        height: rows of the input.
        width: columns of the input.
    """
    folded = build_lightflow(config, height, width, batch_size=1, folded=True)
    fold_into(model, folded)
    return folded


def fold_into(model: keras.Model, folded: keras.Model) -> None:
    """Fill a folded network from the normalised one of the same config.

    A normalisation with fixed statistics is a factor and an offset a channel, which the
    convolution before it can apply. Values are rounded to float16.

    Args:
        model: from `build_lightflow(config)`.
        folded: from `build_lightflow(config, ..., folded=True)`; is changed.
    """
    names = {layer.name for layer in model.layers}
    for layer in folded.layers:
        if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
            continue
        source = model.get_layer(layer.name)
        kernel = np.asarray(source.kernel)
        if f"{layer.name}_bn" in names:
            norm = model.get_layer(f"{layer.name}_bn")
            gamma, beta, mean, variance = map(np.asarray, norm.weights)
            factor = gamma / np.sqrt(variance + norm.epsilon)
            # A depthwise kernel is (3, 3, C, 1), a pointwise one (1, 1, D, C).
            depthwise = isinstance(layer, layers.DepthwiseConv2D)
            kernel = kernel * (factor[:, None] if depthwise else factor)
            bias = beta - mean * factor
        else:
            bias = np.asarray(source.bias)
        layer.kernel.assign(kernel.astype(np.float16).astype(np.float32))
        layer.bias.assign(bias.astype(np.float16).astype(np.float32))


def unfold_lightflow(folded: keras.Model, config: LightFlowConfig) -> keras.Model:
    """Give a folded model the normalised form that weights folders hold.

    The normalisations get statistics that make each of them add the bias and do nothing
    else, so `fold_lightflow` of the result is `folded` again. Training the folded form
    takes about half the time of the normalised one on a CPU.

    Args:
        folded: from `build_lightflow(config, ..., folded=True)`.
        config: of that model.
    """
    model = build_lightflow(config)
    names = {layer.name for layer in model.layers}
    for layer in model.layers:
        if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
            continue
        source = folded.get_layer(layer.name)
        layer.kernel.assign(source.kernel)
        if f"{layer.name}_bn" in names:
            norm = model.get_layer(f"{layer.name}_bn")
            norm.gamma.assign(np.ones(norm.gamma.shape))
            norm.beta.assign(source.bias)
            norm.moving_mean.assign(np.zeros(norm.moving_mean.shape))
            norm.moving_variance.assign(
                np.full(norm.moving_variance.shape, 1 - norm.epsilon)
            )
        else:
            layer.bias.assign(source.bias)
    return model


def load_lightflow(folder: Path, *, height: int, width: int) -> keras.Model:
    """Build LightFlow for inference at one input size, from a weights folder.

    Args:
        folder: with `weights.safetensors` and `record.json`.
        height: rows of the input.
        width: columns of the input.

    Returns:
        The model of batch 1 that graphs are exported from (see `fold_lightflow` and
        `split_pictures`).

    Raises:
        WeightsError: a file is missing or altered, or the record's config is wrong.
    """
    model, config = read_lightflow(folder)
    return split_pictures(fold_lightflow(model, config, height, width))


def read_lightflow(folder: Path) -> tuple[keras.Model, LightFlowConfig]:
    """Give the network of a weights folder as it was trained, and its size.

    Raises:
        WeightsError: a file is missing or altered, or the record's config is wrong.
    """
    record = read_record(folder, network="lightflow")
    try:
        config = from_mapping(LightFlowConfig, record.config, source=f"{folder} config")
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
    model = build_lightflow(config)
    load_model_weights(model, verified_file(folder, WEIGHTS_FILE, record))
    return model, config
