"""One training run: its numbers, and what watches over it."""

from dataclasses import dataclass, field
from typing import Any

import keras

from detector.distillation import LossConfig
from detector.train_augment import AugmentConfig
from detector.train_data import DetectorBatches
from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class DetectorTrainConfig:
    """One training run.

    Attributes:
        epochs: passes over all pictures.
        batch_size: pictures a step.
        learning_rate: greatest, after the warm-up; then half a cosine to zero.
        warmup_steps: steps in which the rate rises linearly.
        average: momentum of the moving average of the weights, which is what is kept.
        blend: share of the way from the teacher's weights to the trained ones that is
            kept. Training gains on what its pictures show and forgets a little of the
            rest; half of the way keeps both.
        clip_norm: greatest norm of a step's gradient.
        seed: of all chance.
        limit: most pictures, drawn at random, None for all; for trying things out.
        frozen_blocks: the stem and so many of MobileNet's 13 blocks stay as they are:
            they see edges and colours, and learning them takes the most time.
        augment: how pictures are changed.
        loss: what the parts of the loss weigh.
    """

    epochs: int = 6
    batch_size: int = 16
    learning_rate: float = 5e-5
    warmup_steps: int = 100
    average: float = 0.995
    blend: float = 0.5
    clip_norm: float = 1.0
    seed: int = 1
    limit: int | None = None
    frozen_blocks: int = 5
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or self.warmup_steps < 0:
            raise ConfigError("epochs and batch_size must be at least 1.")
        if not 0 < self.learning_rate <= 0.1:
            raise ConfigError(
                f"learning_rate must lie in (0, 0.1], received {self.learning_rate}."
            )
        if not 0 <= self.frozen_blocks <= 13:
            raise ConfigError(
                f"frozen_blocks must lie in 0 to 13, received {self.frozen_blocks}."
            )
        if not 0 < self.blend <= 1:
            raise ConfigError(f"blend must lie in (0, 1], received {self.blend}.")
        if not 0 < self.average < 1 or self.clip_norm <= 0:
            raise ConfigError("average must lie in (0, 1) and clip_norm be positive.")


class FollowEpoch(keras.callbacks.Callback):
    """Let a resumed run draw the epoch that comes next, not the first one again."""

    def __init__(self, batches: DetectorBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' name)
        """Ask the optimizer, which a resumed run has restored."""
        done = int(self.model.optimizer.iterations) // len(self._batches)
        self._batches.start_at(done)
