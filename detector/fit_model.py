"""The model that training fits: a detector's networks, ending in its losses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import ops

from detector.fit_config import StepConfig
from detector.head_losses import head_losses
from detector.network import build_halves, copy_weights, join
from detector.network_config import DetectorConfig
from detector.two_stage_loss_config import TwoStageLossConfig
from vod.fitting.optimizer import averaging_adamw, averaging_sgd

INPUTS: Final = ("image", "boxes", "labels")


@dataclass(frozen=True, eq=False, slots=True)
class FitNetworks:
    """A detector that learns.

    Attributes:
        features: image to the maps between the halves.
        losses: those maps and objects to losses by name, each `(B,)`.
        head: those maps to boxes and scores; `refresh` gives it what `losses` learnt.
    """

    features: keras.Model
    losses: keras.Model
    head: keras.Model

    @property
    def learning(self) -> tuple[keras.Model, keras.Model]:
        """The models that together hold every variable that training changes."""
        return self.features, self.losses

    def refresh(self) -> None:
        """Copy what was learnt to the head that detects."""
        copy_weights([self.losses], self.head)

    def detector(self) -> keras.Model:
        """Give image to boxes and scores."""
        return join(self.features, self.head)

    def learner(self) -> keras.Model:
        """Give image and objects to losses."""
        image = keras.Input(self.features.input_shape[1:], name="image")
        boxes, labels = (
            keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
            for tensor in self.losses.inputs[-2:]
        )
        losses = self.losses([*self.features(image), boxes, labels])
        return keras.Model([image, boxes, labels], losses, name="learner")


def build_networks(config: DetectorConfig, loss: TwoStageLossConfig) -> FitNetworks:
    """Build a detector that learns, with values at random."""
    features, head = build_halves(config)
    return FitNetworks(features, head_losses(config, loss), head)


@keras.saving.register_keras_serializable(package="vod")
class LossModel(keras.Model):
    """Trains a network that ends in losses; backend-neutral.

    Takes a mapping of the network's inputs by name; there are no targets. Logs every
    loss under its name, and their weighted sum.

    Args:
        network: a model from `inputs`, in this order, to a dict of `(B,)`.
        weights: of every loss in the sum.
        inputs: names.
    """

    def __init__(
        self,
        network: keras.Model,
        weights: Mapping[str, float],
        inputs: Sequence[str] = INPUTS,
    ) -> None:
        # Boxes keep their places, whatever precision the network runs in.
        super().__init__(autocast=False)
        self.network = network
        self._names, self._shares = tuple(inputs), dict(weights)
        self._means = {name: keras.metrics.Mean(name=name) for name in weights}

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Give the losses of a batch."""
        return self.network([inputs[name] for name in self._names], training=training)

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002 (Keras' names)
        y: Any = None,  # noqa: ARG002
        y_pred: Any = None,
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,  # noqa: ARG002
    ) -> Any:
        """Add the losses up, each by its weight."""
        total: Any = 0.0
        for name, weight in self._shares.items():
            mean = ops.mean(ops.cast(y_pred[name], "float32"))
            self._means[name].update_state(mean)
            total = total + weight * mean
        return total


def freeze(
    model: keras.Model, config: StepConfig, *, started: Collection[str] | None = None
) -> None:
    """Let layers of a model, and of the models in it, stay as they are.

    Args:
        model: that will train.
        config: what is frozen.
        started: paths of variables that hold trained values: a BatchNorm without them
            learns, whatever the config says. None: all of them do.
    """
    known = None if started is None else {path.split("/")[0] for path in started}
    prefixes = frozen_prefixes(config.frozen_blocks)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        normalises = isinstance(layer, keras.layers.BatchNormalization) and (
            known is None or layer.name in known
        )
        if layer.name.startswith(prefixes) or (
            config.frozen_normalization and normalises
        ):
            layer.trainable = False


def frozen_prefixes(blocks: int) -> tuple[str, ...]:
    """Give how names of MobileNet's layers up to a block begin; none for 0 blocks."""
    if not blocks:
        return ()
    return ("Conv2d_0", *(f"Conv2d_{block}_" for block in range(1, blocks + 1)))


def compile_fit(model: LossModel, config: StepConfig, *, rate: float) -> None:
    """Compile a model, which has run once, with the optimizer of a config."""
    build = averaging_sgd if config.optimizer == "sgd" else averaging_adamw
    optimizer: Any = build(
        model.trainable_variables,
        rate=rate,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    if config.precision == "mixed_float16":
        optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
    # XLA's convolutions are several times slower than TensorFlow's own on a CPU.
    compiler = keras.backend.backend() == "jax"
    model.compile(optimizer, jit_compile=compiler, auto_scale_loss=False)


def blank_inputs(network: keras.Model, names: Sequence[str] = INPUTS) -> dict[str, Any]:
    """Give zeros for every input of a network: Keras wants a model that has run."""
    return {
        name: ops.zeros([size or 1 for size in tensor.shape], dtype=tensor.dtype)
        for name, tensor in zip(names, network.inputs, strict=True)
    }
