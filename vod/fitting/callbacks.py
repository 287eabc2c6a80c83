"""What happens during training beside the steps: logs, checks, snapshots, backups."""

import csv
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import keras

from vod.fitting.schedule import Schedule, ScheduleConfig
from vod.training import BACKUP, StopOnDivergence, steps_done, to_numpy

logger = logging.getLogger(__name__)


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
        self._batches.first_batch = steps_done(self.model)


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
    raw = [to_numpy(v) for v in model.trainable_variables]
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
        self._measure, self.write = measure, write
        self._seconds, self._clock = 60 * minutes, clock
        self._written = clock()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, log, and perhaps write."""
        with averaged_weights(self.model):
            figures = self._measure(self.model)
            if self._clock() - self._written >= self._seconds:
                self.write(self.model)
                self._written = self._clock()
        if logs is not None:
            logs.update(
                figures,
                rate=float(to_numpy(self.model.optimizer.learning_rate)),
            )
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
    describe: Callable[[int], str] | None = None,
    more: Sequence[keras.callbacks.Callback] = (),
) -> list[keras.callbacks.Callback]:
    """Give what every training of ours runs beside their steps.

    Args:
        schedule: length and learning rate.
        out: gets log.csv and the backup that `--resume` continues from.
        follow: tells the batches where a resumed run stands.
        snapshot: measures and writes.
        resume: an interrupted run is continued.
        describe: tells which batch a number names, for a run that diverges.
        more: further callbacks, which see the snapshot's figures.
    """
    backup = out / BACKUP
    rate = "schedule.stages" if schedule.stages else "schedule.peak"
    return [
        # Before the backup, which must not get weights that are no numbers.
        StopOnDivergence(backup, rate=rate, describe=describe),
        # Two copies: a run killed while it writes one is continued from the other.
        keras.callbacks.BackupAndRestore(str(backup), double_checkpoint=True),
        follow,
        Schedule(schedule),
        snapshot,
        EpochLog(out / "log.csv", append=resume),
        *more,
    ]
