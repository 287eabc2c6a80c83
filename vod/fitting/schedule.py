"""Length of a training and its learning rate, step by step."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from vod.errors import ConfigError
from vod.training import steps_done, sync_state


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """Length of the training and its learning rate.

    The rate warms up and then follows half a cosine to 0, or the stated stages.

    Attributes:
        steps: batches in all.
        steps_per_epoch: batches between two measurements, log lines and backups.
        warmup_steps: batches in which the rate rises linearly.
        peak: greatest learning rate of the cosine. The paper's 0.01 makes a
            reproduction diverge.
        stages: (steps, rate) one after the other, in place of the cosine; their steps
            must add up to `steps`. `paper.yaml` states the paper's.
        minutes: stop after this time, with the curve drawn so that it ends there; None
            for no limit. Makes a run fit a time slot on a machine of unknown speed.
    """

    steps: int = 20000
    steps_per_epoch: int = 400
    warmup_steps: int = 400
    peak: float = 1e-3
    stages: tuple[tuple[int, float], ...] = ()
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 1 or self.steps_per_epoch < 1 or self.warmup_steps < 0:
            raise ConfigError("steps and steps_per_epoch must be positive.")
        if not 0 < self.peak <= 0.1:
            raise ConfigError(f"peak must lie in (0, 0.1], received {self.peak}.")
        for length, rate in self.stages:
            if length < 1 or not 0 < rate <= 0.1:
                raise ConfigError(
                    "stages must be [steps, rate] with positive steps and a rate in "
                    f"(0, 0.1], received [{length}, {rate}]."
                )
        total = sum(length for length, _ in self.stages)
        if self.stages and total != self.steps:
            raise ConfigError(
                f"the stages have {total} steps and the schedule {self.steps}: set "
                f"steps to {total}."
            )
        if self.minutes is not None and self.minutes <= 0:
            raise ConfigError(f"minutes must be positive, received {self.minutes}.")

    def rate(self, step: int, progress: float) -> float:
        """Give the learning rate at a step and a share of the whole in [0, 1]."""
        warm = min(1.0, (step + 1) / (self.warmup_steps + 1))
        if self.stages:
            return warm * self._stage_rate(min(progress, 1.0) * self.steps)
        return self.peak * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))

    def _stage_rate(self, step: float) -> float:
        end = 0
        for length, rate in self.stages:
            end += length
            if step < end:
                return rate
        return self.stages[-1][1]


class Schedule(keras.callbacks.Callback):
    """Set the learning rate before each batch; stop at the time limit."""

    def __init__(
        self, config: ScheduleConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._config, self._clock = config, clock
        self._start, self._start_share = 0.0, 0.0
        self._step = 0

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' name)
        """Continue from the optimizer's step, which a resumed run has restored."""
        self._step = steps_done(self.model)
        self._start = self._clock()
        self._start_share = self._step / self._config.steps

    def progress(self) -> float:
        """Give the share of the training that is done, by steps or by time."""
        share = self._step / self._config.steps
        if self._config.minutes is None:
            return share
        used = (self._clock() - self._start) / (60 * self._config.minutes)
        return max(share, self._start_share + (1 - self._start_share) * used)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set the rate of the coming batch."""
        sync_state(self.model)
        rate = self._config.rate(self._step, self.progress())
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Count; end the training when its time is used."""
        self._step += 1
        if self.progress() >= 1:
            self.model.stop_training = True
