"""Precision and number of devices of a training, for the backends of Keras."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from flow.lightflow import PREDICTORS
from flow.train.config import Precision
from vod.errors import ConfigError


@contextmanager
def computing(
    precision: Precision, distribution: str, shapes: Sequence[tuple[int, int, int]]
) -> Iterator[None]:
    """Build and train models in a precision and on one or all devices, for a while.

    Args:
        precision: of the computation; weights are float32.
        distribution: `none` or `data_parallel`.
        shapes: of the batches, to be split among the devices.

    Raises:
        ConfigError: a batch cannot be split equally, or the backend cannot distribute.
    """
    before = keras.mixed_precision.dtype_policy()
    with ExitStack() as stack:
        if distribution == "data_parallel":
            stack.enter_context(_parallel(shapes))
        keras.mixed_precision.set_dtype_policy(precision)
        stack.callback(keras.mixed_precision.set_dtype_policy, before)
        yield


@contextmanager
def _parallel(shapes: Sequence[tuple[int, int, int]]) -> Iterator[None]:
    backend = keras.backend.backend()
    if backend == "jax":
        devices = keras.distribution.list_devices()
        _check_split(shapes, len(devices))
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        )
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    elif backend == "tensorflow":
        strategy = _mirrored()
        _check_split(shapes, strategy.num_replicas_in_sync)
        with strategy.scope():
            yield
    else:
        raise ConfigError(
            f"distribution data_parallel needs the backend tensorflow or jax, not "
            f"{backend}. Set distribution to none."
        )


def _mirrored() -> Any:
    """Give TensorFlow's strategy for all accelerators, or for all processors' parts."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _check_split(shapes: Sequence[tuple[int, int, int]], devices: int) -> None:
    for height, width, pairs in shapes:
        if pairs % devices:
            raise ConfigError(
                f"a batch of {pairs} pairs of {height} x {width} cannot be split among "
                f"{devices} devices. Make it a multiple of {devices}."
            )


def widen_predictions(model: keras.Model) -> None:
    """Let the flow itself be computed in float32 in a network of mixed precision.

    With 8 bits, a displacement of 20 pixels has steps of 1/8.
    """
    parts = ("pw", "pw_bn", "pw_relu", "up", "sum")
    made = {f"{name}_{part}" for name, _ in PREDICTORS for part in parts} | {"flow"}
    for layer in model.layers:
        if layer.name in made:
            layer.dtype_policy = "float32"
