"""The network that a training run begins with, compiled."""

from pathlib import Path
from typing import Any

import keras

from flow.lightflow import build_lightflow, fold_into, read_lightflow
from flow.narrowing import narrow_lightflow, take_statistics
from flow.train.config import FlowTrainConfig
from flow.train.devices import widen_predictions
from flow.train.losses import end_point_error, training_loss, with_predictions
from flow.train.measure import NumberedBatches
from vod.fitting.optimizer import averaging_adamw


def starting_weights(
    config: FlowTrainConfig, init: Path | None, batches: NumberedBatches
) -> list[Any]:
    """Give the values that training starts from, in the order of the network's.

    Call it before `flow.train.devices.computing`: they are computed in float32.

    Args:
        config: the run.
        init: weights folder of the same or a wider network; None draws them.
        batches: the first one shows a wider or folded network what pairs look like.

    Raises:
        ConfigError: `init` is of a network that this one cannot start from.
        WeightsError: `init` cannot be read.
    """
    model = build_lightflow(config.network)
    if init is not None:
        wide, network = read_lightflow(init)
        if network == config.network:
            model = wide
        else:
            (current, key), _ = batches.batch(0)
            model = narrow_lightflow(wide, network, config.network, current, key)
    elif config.folded:
        (current, key), _ = batches.batch(0)
        take_statistics(model, current, key)
    if config.folded:
        folded = build_lightflow(config.network, folded=True)
        fold_into(model, folded)
        model = folded
    values: list[Any] = model.get_weights()
    return values


def compiled_network(config: FlowTrainConfig, values: list[Any]) -> keras.Model:
    """Build the network for training.

    Args:
        config: the run.
        values: from `starting_weights`.
    """
    model = build_lightflow(config.network, folded=config.folded)
    model.set_weights(values)
    if config.precision != "float32":
        widen_predictions(model)
    if config.loss.kind == "multiscale":
        model = with_predictions(model, config.loss.weights)
    optimizer = averaging_adamw(
        model.trainable_variables,
        rate=config.schedule.peak,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    if config.precision == "mixed_float16":
        # float16 ends at 6e-8: small gradients are scaled up before and down after.
        optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
    # XLA's convolutions are several times slower than TensorFlow's own on a CPU.
    compiler = keras.backend.backend() == "jax"
    own_loss = config.loss.kind == "multiscale"
    model.compile(
        optimizer,
        loss=None if own_loss else training_loss,
        metrics=[end_point_error],
        jit_compile=compiler,
        auto_scale_loss=False,
    )
    return model
