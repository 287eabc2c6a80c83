"""Optimizers that average weights and watch gradients."""

from typing import Any

import keras
from keras import ops

from vod.errors import ConfigError
from vod.training import to_numpy


class Watching(keras.optimizers.Optimizer):
    """Lets an optimizer remember the length of the last gradient, before clipping.

    Put it before the optimizer among the bases.

    Attributes:
        gradient_norm: variable with that length, over all weights together.
    """

    def build(self, variables: list[Any]) -> None:
        """Add the norm to the optimizer's state."""
        if self.built:
            return
        super().build(variables)
        self.gradient_norm = self.add_variable(
            shape=(),
            dtype="float32",
            initializer="zeros",
            # Over devices that train together; each has measured its own share.
            aggregation="mean",
            name="gradient_norm",
        )

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Measure the gradient, then make the step."""
        grads = list(grads)
        squares = [
            ops.sum(ops.square(ops.cast(grad, "float32")))
            for grad in grads
            if grad is not None
        ]
        if trainable_variables is not None and not self.built:
            self.build(trainable_variables)
        self.gradient_norm.assign(ops.sqrt(sum(squares)))
        return super().apply(grads, trainable_variables)

    def save_own_variables(self, store: Any) -> None:
        """Leave the norm out, so that backups are the plain optimizer's."""
        for index, variable in enumerate(self._lasting()):
            store[str(index)] = to_numpy(variable)

    def load_own_variables(self, store: Any) -> None:
        """Read a backup of the plain optimizer's.

        Raises:
            ConfigError: it is of another optimizer. Keras would only warn and go on
                with fresh moments and averages.
        """
        lasting = self._lasting()
        if len(store.keys()) != len(lasting):
            raise ConfigError(
                f"the backup's optimizer has {len(store.keys())} variables, this run's "
                f"{len(lasting)}. Resume with the config of the interrupted run."
            )
        for index, variable in enumerate(lasting):
            variable.assign(store[str(index)])

    def _lasting(self) -> list[Any]:
        return [v for v in self.variables if v is not self.gradient_norm]


@keras.saving.register_keras_serializable(package="vod")
class WatchedAdamW(Watching, keras.optimizers.AdamW):
    """AdamW that remembers the length of the last gradient; see `Watching`."""


@keras.saving.register_keras_serializable(package="vod")
class WatchedSgd(Watching, keras.optimizers.SGD):
    """SGD that remembers the length of the last gradient; see `Watching`."""


def averaging_adamw(
    variables: list[Any],
    *,
    rate: float,
    weight_decay: float,
    clip_norm: float,
    average: float,
) -> keras.optimizers.Optimizer:
    """Give AdamW that keeps a moving average of the weights, built for `variables`.

    Args:
        variables: to be trained.
        rate: first learning rate; `Schedule` sets it from then on.
        weight_decay: decoupled, of the convolutions' weights only.
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average.
    """
    optimizer = WatchedAdamW(
        rate,
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
        use_ema=True,
        ema_momentum=average,
    )
    return _built(optimizer, variables)


def averaging_sgd(
    variables: list[Any],
    *,
    rate: float,
    weight_decay: float,
    clip_norm: float,
    average: float,
    momentum: float = 0.9,
) -> keras.optimizers.Optimizer:
    """Give SGD with momentum that keeps a moving average; see `averaging_adamw`.

    Keras subtracts rate * weight_decay * weight beside the momentum, where Caffe and
    MXNet add weight_decay * weight to the gradient that enters it.
    """
    optimizer = WatchedSgd(
        rate,
        momentum=momentum,
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
        use_ema=True,
        ema_momentum=average,
    )
    return _built(optimizer, variables)


def _built(optimizer: Any, variables: list[Any]) -> keras.optimizers.Optimizer:
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(variables)
    return optimizer
