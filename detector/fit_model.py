"""The model that training fits: a detector's networks, ending in its losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import ops

from detector.feature_network import build_feature_network
from detector.fit_config import StepConfig
from detector.two_stage import build_head, build_head_maps
from detector.two_stage_config import TwoStageConfig
from detector.two_stage_loss_config import TwoStageLossConfig
from detector.two_stage_losses import head_losses
from vod.errors import ConfigError
from vod.fitting.optimizer import averaging_adamw, averaging_sgd

INPUTS: Final = ("image", "boxes", "labels")


@dataclass(frozen=True, eq=False, slots=True)
class FitNetworks:
    """A detector that learns.

    Attributes:
        features: image to shared map.
        head_maps: shared map to the head's maps.
        losses: those maps and objects to losses by name, each `(B,)`.
        head: those maps to boxes and scores; `refresh` gives it what `losses` learnt.
    """

    features: keras.Model
    head_maps: keras.Model
    losses: keras.Model
    head: keras.Model

    def refresh(self) -> None:
        """Copy what was learnt to the head that detects."""
        copy_by_path(self.losses, self.head)

    def detector(self) -> keras.Model:
        """Give image to boxes and scores; it owns the weights of a weights folder."""
        image = keras.Input(self.features.input_shape[1:], name="image")
        maps = self.head_maps(self.features(image))
        return keras.Model(image, self.head(maps), name="detector")

    def learner(self) -> keras.Model:
        """Give image and objects to losses."""
        image = keras.Input(self.features.input_shape[1:], name="image")
        boxes, labels = (
            keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
            for tensor in self.losses.inputs[-2:]
        )
        maps = self.head_maps(self.features(image))
        losses = self.losses([*maps, boxes, labels])
        return keras.Model([image, boxes, labels], losses, name="learner")


def build_networks(config: TwoStageConfig, loss: TwoStageLossConfig) -> FitNetworks:
    """Build a detector that learns, with values at random."""
    return FitNetworks(
        features=build_feature_network(config),
        head_maps=build_head_maps(config),
        losses=head_losses(config, loss),
        head=build_head(config),
    )


def copy_by_path(source: keras.Model, target: keras.Model) -> None:
    """Fill a model from another whose variables have the same paths.

    Raises:
        ConfigError: one is missing there, or has another shape.
    """
    values = {variable.path: variable for variable in source.weights}
    for variable in target.weights:
        value = values.get(variable.path)
        if value is None or value.shape != variable.shape:
            found = None if value is None else tuple(value.shape)
            raise ConfigError(
                f"the weights do not fit the config: {variable.path} must have shape "
                f"{tuple(variable.shape)}, received {found}."
            )
        variable.assign(value)


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


def freeze(model: keras.Model, config: StepConfig) -> None:
    """Let layers of a model, and of the models in it, stay as they are."""
    prefixes = frozen_prefixes(config.frozen_blocks)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        normalises = isinstance(layer, keras.layers.BatchNormalization)
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
        name: ops.zeros((1, *tensor.shape[1:]), dtype=tensor.dtype)
        for name, tensor in zip(names, network.inputs, strict=True)
    }
