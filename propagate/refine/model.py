"""The refiner with its losses, for any backend of Keras."""

from typing import Any, Final

import keras
from keras import ops

LOWEST_LOG: Final = -5.0
"""Least logarithm of a correction's typical error: the detector itself jitters more."""

LIKELIHOOD: Final = 0.3
"""Weight of the likelihood beside the absolute error, which does not let go of hard
examples by calling them uncertain."""

ERROR: Final = 2.0
PRESENCE: Final = 0.3


def split_outputs(outputs: Any) -> tuple[Any, Any, Any]:
    """Give corrections `(B, 4)`, logs of their typical errors, presence logits."""
    return outputs[..., :4], outputs[..., 4:8], outputs[..., 8]


def refiner_loss(truth: Any, outputs: Any) -> Any:
    """Give the mean loss of a batch.

    Corrections are learnt by their absolute error and as Laplace distributions, where
    the object is there; presence by cross-entropy.

    Args:
        truth: `(B, 5)`: correction, and 1 where the crop shows the object, else 0.
        outputs: `(B, OUTPUTS)` of the network.

    Source: Kendall and Gal, What Uncertainties Do We Need, NeurIPS 2017, eq. 5, with
    Laplace's distribution in place of Gauss'.
    """
    codes, logs, logit = split_outputs(outputs)
    present = truth[:, 4]
    off = ops.abs(codes - truth[:, :4])
    logs = ops.clip(logs, LOWEST_LOG, 1.0)
    told = ops.sum(off * ops.exp(-logs) + logs, axis=-1)
    where = present * (LIKELIHOOD * told + ERROR * ops.sum(off, axis=-1))
    seen = ops.softplus(logit) - present * logit
    return ops.mean(where) + PRESENCE * ops.mean(seen)


def correction_error(truth: Any, outputs: Any) -> Any:
    """Give the mean absolute error of corrections, in sides, where objects are."""
    off = ops.mean(ops.abs(outputs[:, :4] - truth[:, :4]), axis=-1)
    return ops.sum(off * truth[:, 4]) / ops.maximum(ops.sum(truth[:, 4]), 1.0)


def compiled(
    network: keras.Model, optimizer: keras.optimizers.Optimizer
) -> keras.Model:
    """Compile a network of `build_refiner` for training."""
    network.compile(
        optimizer,
        loss=refiner_loss,
        metrics=[correction_error],
        # XLA's convolutions are several times slower than TensorFlow's own on a CPU.
        jit_compile=keras.backend.backend() == "jax",
    )
    return network
