"""The box refiner: two crops in, a correction out.

The trunk is the detector's own first blocks, which know what objects look like; the
head compares the crop of the key frame (the template) with the current one. It is told
how far off the carried box may be, so that it changes little where flow is sure.

Source: regression from two crops as in Held et al., Learning to Track at 100 FPS with
Deep Regression Networks (GOTURN), ECCV 2016; with a template that stays the detector's,
and an expected error, in place of the frame before.
"""

from pathlib import Path
from typing import Any, Final

import keras
import safetensors.numpy
from keras import layers

from detector.mobilenet import BLOCKS, STEM_CHANNELS, conv_block, depthwise_block
from detector.ssd_config import scaled_channels
from propagate.refine.config import RefinerConfig
from vod.errors import WeightsError
from vod.weights import WEIGHTS_FILE, load_model_weights, read_record, verified_file

OUTPUTS: Final = 9
"""Four corrections, the logarithms of their typical errors, a logit of presence."""

FINE_BLOCK: Final = 5
"""MobileNet's last block on the stride-8 grid."""

GRID_STRIDE: Final = 16


def build_trunk(config: RefinerConfig, *, batch_size: int | None = None) -> Any:
    """Build crop `(B, side, side, 3)`, normalised, to features `(B, n, n, C)`.

    Its convolutions `Conv2d_...` have the names of the detector's.
    """
    crop = keras.Input((config.side, config.side, 3), batch_size, name="crop")
    x = conv_block(
        crop,
        "Conv2d_0",
        scaled_channels(STEM_CHANNELS, config.width),
        kernel=3,
        stride=2,
        normalization="none",
    )
    fine = x
    for index, (channels, stride) in enumerate(BLOCKS[: config.blocks], start=1):
        name = f"Conv2d_{index}"
        x = depthwise_block(x, f"{name}_depthwise", stride=stride, normalization="none")
        x = conv_block(
            x,
            f"{name}_pointwise",
            scaled_channels(channels, config.width),
            kernel=1,
            stride=1,
            normalization="none",
        )
        fine = x if index == FINE_BLOCK else fine
    parts = [
        layers.Conv2D(
            config.fine_channels, 3, 2, "same", activation="relu", name="fine"
        )(fine),
        layers.Conv2D(config.deep_channels, 1, activation="relu", name="deep")(x),
    ]
    return keras.Model(crop, layers.Concatenate(name="features")(parts), name="trunk")


def build_head(config: RefinerConfig, *, batch_size: int | None = None) -> Any:
    """Build the comparison.

    Inputs: `current` and `template`, features of the trunk, and `doubt` `(B, 1)`, the
    natural logarithm of the carried box's expected error (`propagate.refine.doubt`).
    Output: `(B, OUTPUTS)`.
    """
    cells = config.side // GRID_STRIDE
    shape = (cells, cells, config.fine_channels + config.deep_channels)
    current = keras.Input(shape, batch_size, name="current")
    template = keras.Input(shape, batch_size, name="template")
    doubt = keras.Input((1,), batch_size, name="doubt")
    x = layers.Concatenate(name="both")([current, template])
    x = layers.Conv2D(config.mixed_channels, 1, activation="relu", name="mix")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="spread")(x)
    x = layers.Conv2D(config.mixed_channels, 1, activation="relu", name="mix_2")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Concatenate(name="with_doubt")([x, doubt])
    x = layers.Dense(config.hidden, activation="relu", name="hidden")(x)
    x = layers.Concatenate(name="with_doubt_2")([x, doubt])
    x = layers.Dense(config.hidden // 2, activation="relu", name="hidden_2")(x)
    out = layers.Dense(OUTPUTS, name="correction")(x)
    return keras.Model([current, template, doubt], out, name="refiner_head")


def build_refiner(config: RefinerConfig) -> keras.Model:
    """Build `[current crop, template crop, doubt]` to `(B, OUTPUTS)`, for training.

    The trunk and the head are its layers, and own its variables.
    """
    shape = (config.side, config.side, 3)
    current = keras.Input(shape, name="current_crop")
    template = keras.Input(shape, name="template_crop")
    doubt = keras.Input((1,), name="doubt_in")
    trunk, head = build_trunk(config), build_head(config)
    out = head([trunk(current), trunk(template), doubt])
    return keras.Model([current, template, doubt], out, name="box_refiner")


def start_from_detector(model: keras.Model, folder: Path) -> None:
    """Give the trunk the first blocks of a detector on MobileNet V1.

    Args:
        model: from `build_refiner`.
        folder: weights folder of `ssd_mobilenet_v1`.

    Raises:
        WeightsError: the folder is damaged, or its MobileNet has another width.
    """
    record = read_record(folder, network="ssd_mobilenet_v1")
    values = safetensors.numpy.load_file(verified_file(folder, WEIGHTS_FILE, record))
    for variable in model.get_layer("trunk").weights:
        if not variable.path.startswith("Conv2d_"):
            continue
        found = values.get(variable.path)
        if found is None or found.shape != tuple(variable.shape):
            raise WeightsError(
                f"{folder} has no {variable.path} of shape {tuple(variable.shape)}: "
                "the refiner starts from MobileNet V1 of its own width, without "
                "BatchNorm."
            )
        variable.assign(found.astype("float32"))


def freeze_blocks(model: keras.Model, blocks: int) -> None:
    """Let the stem and so many blocks of the trunk stay as they are in training."""
    frozen = ("Conv2d_0", *(f"Conv2d_{block}_" for block in range(1, blocks + 1)))
    for layer in model.get_layer("trunk").layers:
        if layer.name.startswith(frozen):
            layer.trainable = False


def load_refiner(folder: Path, config: RefinerConfig) -> keras.Model:
    """Build the network and fill it from a weights folder.

    Raises:
        WeightsError: a file is missing or altered, or does not fit the config.
    """
    model = build_refiner(config)
    record = read_record(folder, network="box_refiner")
    load_model_weights(model, verified_file(folder, WEIGHTS_FILE, record))
    return model
