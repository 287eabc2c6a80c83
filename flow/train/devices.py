"""Precision and number of devices of a training of flow."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import keras

from flow.lightflow import PREDICTORS
from vod.fitting import devices
from vod.fitting.devices import Precision


def computing(
    precision: Precision, distribution: str, shapes: Sequence[tuple[int, int, int]]
) -> AbstractContextManager[None]:
    """Train in a precision and on one or all devices; see `vod.fitting.devices`.

    Args:
        precision: of the computation; weights are float32.
        distribution: `none` or `data_parallel`.
        shapes: of the batches: height, width, pairs.

    Raises:
        ConfigError: a batch cannot be split equally, or the backend cannot distribute.
    """
    batches = {f"{n} pairs of {height} x {width}": n for height, width, n in shapes}
    return devices.computing(precision, distribution, batches)


def widen_predictions(model: keras.Model) -> None:
    """Let the flow itself be computed in float32 in a network of mixed precision.

    With 8 bits, a displacement of 20 pixels has steps of 1/8.
    """
    parts = ("pw", "pw_bn", "pw_relu", "up", "sum")
    made = {f"{name}_{part}" for name, _ in PREDICTORS for part in parts} | {"flow"}
    for layer in model.layers:
        if layer.name in made:
            layer.dtype_policy = "float32"
