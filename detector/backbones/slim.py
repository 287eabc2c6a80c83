"""Read MobileNet V1 out of a checkpoint of TensorFlow's slim: the ImageNet ones.

Needs TensorFlow, for the checkpoint's format alone.
"""

from pathlib import Path
from typing import Final

import keras
import numpy as np

from detector.backbones.initial import put
from detector.mobilenet import BLOCKS, STEM_CHANNELS, mobilenet_v1
from detector.ssd_config import MIN_CHANNELS
from vod.errors import WeightsError
from vod.preprocess import Preprocessing
from vod.types import FloatArray
from vod.weights import WEIGHTS_FILE, WeightsRecord, save_model_weights, write_record

# `nets/mobilenet_v1.py` of tensorflow/models/research/slim.
SCOPE: Final = "MobilenetV1/"
AVERAGE: Final = "/ExponentialMovingAverage"
STATISTICS: Final = ("gamma", "beta", "moving_mean", "moving_variance")
SIDE: Final = 224  # most of the published ones were trained at this


def slim_names() -> dict[str, str]:
    """Map our variables' paths to the checkpoint's names, 135 of them."""
    kernels = {"Conv2d_0": "weights"}
    for block in range(1, len(BLOCKS) + 1):
        kernels[f"Conv2d_{block}_depthwise"] = "depthwise_weights"
        kernels[f"Conv2d_{block}_pointwise"] = "weights"
    names = {}
    for layer, kernel in kernels.items():
        names[f"{layer}/kernel"] = f"{SCOPE}{layer}/{kernel}"
        for part in STATISTICS:
            names[f"{layer}_BatchNorm/{part}"] = f"{SCOPE}{layer}/BatchNorm/{part}"
    return names


def read_slim(checkpoint: Path) -> dict[str, FloatArray]:
    """Read the values of MobileNet V1 by our paths.

    Where the checkpoint keeps a moving average of a value, that is taken, as slim's
    evaluation does. Classifier and optimizer are left.

    Args:
        checkpoint: its prefix, `.../mobilenet_v1_1.0_224.ckpt`.

    Raises:
        WeightsError: it is no checkpoint, or not of this network.
    """
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(checkpoint))
    except (tf.errors.OpError, ValueError) as error:
        raise WeightsError(
            f"{checkpoint} is not the prefix of a TensorFlow checkpoint: expected "
            f"{checkpoint.name}.index beside it."
        ) from error
    held = reader.get_variable_to_shape_map()
    values = {}
    for path, name in slim_names().items():
        averaged = name + AVERAGE
        if name not in held:
            raise WeightsError(
                f"{checkpoint} is not a MobileNet V1 of slim: it has no {name}."
            )
        chosen = averaged if averaged in held else name
        values[path] = np.asarray(reader.get_tensor(chosen), np.float32)
    return values


def width_of(values: dict[str, FloatArray], checkpoint: Path) -> float:
    """Give the width of a MobileNet V1 by the channels of its last layer.

    Raises:
        WeightsError: its stem is thinner than ours can be.
    """
    width = values["Conv2d_13_pointwise/kernel"].shape[-1] / BLOCKS[-1][0]
    stem = values["Conv2d_0/kernel"].shape[-1]
    if stem < MIN_CHANNELS:
        raise WeightsError(
            f"{checkpoint} has width {width:g} and {stem} channels in its first layer, "
            f"but our layers have {MIN_CHANNELS} at least: use width "
            f"{MIN_CHANNELS / STEM_CHANNELS:g} or more."
        )
    return float(width)


def convert_slim(checkpoint: Path, out: Path) -> WeightsRecord:
    """Write a weights folder of the backbone `mobilenet_v1`, with its BatchNorm.

    Training starts from it by `detector.backbones.initial.initialise_backbone`.

    Args:
        checkpoint: its prefix.
        out: the folder to write; made when absent.

    Raises:
        WeightsError: see `read_slim` and `width_of`; nothing is written.
    """
    values = read_slim(checkpoint)
    width = width_of(values, checkpoint)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    maps = mobilenet_v1(image, width=width, normalization="batch")
    model = keras.Model(image, list(maps), name="mobilenet_v1")
    put(values, model, paths=[v.path for v in model.weights], source=checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    save_model_weights(model, out / WEIGHTS_FILE, dtype="float32")
    record = WeightsRecord(
        network="mobilenet_v1",
        preprocessing=Preprocessing(SIDE, SIDE),
        origin=f"slim checkpoint {checkpoint.name} of MobileNet V1, width {width:g}",
        licence="Apache-2.0",
        config={"width": width, "normalization": "batch"},
    )
    return write_record(out, record)
