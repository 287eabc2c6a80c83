"""What happens during training beside the steps: learning rate, checks, snapshots."""

import csv
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from vod.errors import ConfigError
from vod.training import BACKUP, StopOnDivergence

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """Length of the training and its learning rate: warm-up and half a cosine to 0.

    Attributes:
        steps: batches in all.
        steps_per_epoch: batches between two measurements, log lines and backups.
        warmup_steps: batches in which the rate rises linearly.
        peak: greatest learning rate. The paper's 0.01 makes a reproduction diverge.
        minutes: stop after this time, with the cosine drawn so that it ends there; None
            for no limit. Makes a run fit a time slot on a machine of unknown speed.
    """

    steps: int = 20000
    steps_per_epoch: int = 400
    warmup_steps: int = 400
    peak: float = 1e-3
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 1 or self.steps_per_epoch < 1 or self.warmup_steps < 0:
            raise ConfigError("steps and steps_per_epoch must be positive.")
        if not 0 < self.peak <= 0.1:
            raise ConfigError(f"peak must lie in (0, 0.1], received {self.peak}.")
        if self.minutes is not None and self.minutes <= 0:
            raise ConfigError(f"minutes must be positive, received {self.minutes}.")

    def rate(self, step: int, progress: float) -> float:
        """Give the learning rate at a step and a share of the whole in [0, 1]."""
        warm = min(1.0, (step + 1) / (self.warmup_steps + 1))
        return self.peak * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


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
        self._step = int(self.model.optimizer.iterations)
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
        rate = self._config.rate(self._step, self.progress())
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Count; end the training when its time is used."""
        self._step += 1
        if self.progress() >= 1:
            self.model.stop_training = True


class Resumable(Protocol):
    """Batches by number.

    Attributes:
        first_batch: number of the coming epoch's first batch.
    """

    first_batch: int


class FollowStep(keras.callbacks.Callback):
    """Let a resumed run draw the pairs that come next, not the first ones again."""

    def __init__(self, batches: Resumable) -> None:
        super().__init__()
        self._batches = batches

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' name)
        """Continue from the optimizer's step, which a resumed run has restored."""
        self._batches.first_batch = int(self.model.optimizer.iterations)


class EpochLog(keras.callbacks.Callback):
    """Write one CSV line after every epoch; the file is closed in between.

    Keras' own logger leaves its file open when a run is interrupted.
    """

    def __init__(self, path: Path, *, append: bool) -> None:
        super().__init__()
        self._path, self._append = path, append

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' name)
        """Begin a new file, unless a run is continued."""
        if not self._append:
            self._path.unlink(missing_ok=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the epoch's figures."""
        row = {"epoch": epoch + 1, **(logs or {})}
        new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Put the optimizer's moving average of the weights in place for a while."""
    raw = [np.asarray(v).copy() for v in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw, strict=True):
            variable.assign(value)


class Snapshot(keras.callbacks.Callback):
    """Measure the averaged weights after every epoch, and write them now and then."""

    def __init__(
        self,
        measure: Callable[[keras.Model], dict[str, float]],
        write: Callable[[keras.Model], None],
        *,
        minutes: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what to do.

        Args:
            measure: gives named figures, which join Keras' logs.
            write: stores a model that has the averaged weights.
            minutes: least time between two writings.
            clock: seconds.
        """
        super().__init__()
        self._measure, self._write = measure, write
        self._seconds, self._clock = 60 * minutes, clock
        self._written = clock()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, log, and perhaps write."""
        with averaged_weights(self.model):
            figures = self._measure(self.model)
            if self._clock() - self._written >= self._seconds:
                self._write(self.model)
                self._written = self._clock()
        if logs is not None:
            logs.update(figures, rate=float(self.model.optimizer.learning_rate))
        text = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        loss = (logs or {}).get("loss", math.nan)
        logger.info("epoch %d: loss %.4f, %s", epoch + 1, loss, text)


def run_callbacks(
    schedule: ScheduleConfig,
    out: Path,
    follow: FollowStep,
    snapshot: Snapshot,
    *,
    resume: bool,
) -> list[keras.callbacks.Callback]:
    """Give what both trainings of a flow network run beside their steps.

    Args:
        schedule: length and learning rate.
        out: gets log.csv and the backup that `--resume` continues from.
        follow: tells the batches where a resumed run stands.
        snapshot: measures and writes.
        resume: an interrupted run is continued.
    """
    backup = out / BACKUP
    return [
        keras.callbacks.BackupAndRestore(str(backup)),
        follow,
        StopOnDivergence(backup, rate="schedule.peak"),
        Schedule(schedule),
        snapshot,
        EpochLog(out / "log.csv", append=resume),
    ]


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
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
        use_ema=True,
        ema_momentum=average,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(variables)
    return optimizer
