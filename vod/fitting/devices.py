"""Precision and number of devices of a training, for the backends of Keras."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import keras

from vod.errors import ConfigError

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]


@contextmanager
def computing(
    precision: Precision, distribution: str, batches: Mapping[str, int]
) -> Iterator[None]:
    """Build and train models in a precision and on one or all devices, for a while.

    Args:
        precision: of the computation; weights are float32.
        distribution: `none` or `data_parallel`.
        batches: what there is in a batch, by words for it, to be split among the
            devices: `{"8 pairs of 64 x 96": 8}`.

    Raises:
        ConfigError: a batch cannot be split equally, or the backend cannot distribute.
    """
    before = keras.mixed_precision.dtype_policy()
    with ExitStack() as stack:
        if distribution == "data_parallel":
            stack.enter_context(_parallel(batches))
        keras.mixed_precision.set_dtype_policy(precision)
        stack.callback(keras.mixed_precision.set_dtype_policy, before)
        yield


@contextmanager
def _parallel(batches: Mapping[str, int]) -> Iterator[None]:
    backend = keras.backend.backend()
    if backend == "jax":
        devices = keras.distribution.list_devices()
        _check_split(batches, len(devices))
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
        _check_split(batches, strategy.num_replicas_in_sync)
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


def _check_split(batches: Mapping[str, int], devices: int) -> None:
    for words, count in batches.items():
        if count % devices:
            raise ConfigError(
                f"a batch of {words} cannot be split among {devices} devices. Make it "
                f"a multiple of {devices}."
            )
