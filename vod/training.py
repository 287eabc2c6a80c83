"""What every training of ours watches over."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from vod.errors import ConfigError, TrainingError

BACKUP = "backup"
"""Folder, in a run's, of what `--resume` continues from; gone when the run is done."""


def refuse_interrupted(out: Path) -> None:
    """Make sure that a new run in `out` destroys no other; ask before anything is read.

    Raises:
        ConfigError: another run was interrupted there.
    """
    if (out / BACKUP).exists():
        raise ConfigError(
            f"{out / BACKUP} holds an interrupted run. Continue it with --resume, or "
            "choose another --out."
        )


def sync_state(model: keras.Model) -> None:
    """Let callbacks read and set variables in the middle of an epoch.

    Under JAX, Keras keeps the training's state outside of the variables during an
    epoch: what a callback assigns would be lost, without this. Nothing elsewhere.
    """
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def to_numpy(variable: Any) -> npt.NDArray[Any]:
    """Give a copy of a variable's values, on one device or many."""
    # `keras.ops.convert_to_numpy` makes NumPy warn, `int` refuses mirrored variables.
    return np.asarray(variable).copy()


def steps_done(model: keras.Model) -> int:
    """Give how many steps the optimizer has made."""
    return int(to_numpy(model.optimizer.iterations))


class StopOnDivergence(keras.callbacks.Callback):
    """Turn a loss that is no number into one error, and name what to go back to.

    Put it before the callback that writes the backup: weights that are no numbers then
    end the run before they replace good ones.

    Args:
        backup: folder of the last good checkpoint, which `--resume` continues from.
        rate: config key of the learning rate.
        describe: tells, from its number, which batch one is; None says nothing of it.
    """

    def __init__(
        self,
        backup: Path,
        *,
        rate: str,
        describe: Callable[[int], str] | None = None,
    ) -> None:
        super().__init__()
        self._backup, self._rate, self._describe = backup, rate, describe
        self._step = 0

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' name)
        """Start counting."""
        self._step = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Read once where a resumed run, restored by then, stands."""
        if self._step == 0:
            self._step = steps_done(self.model)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Look at the loss.

        Raises:
            TrainingError: it is NaN or infinite.
        """
        self._step += 1
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise self._error(f"the loss is {loss}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Look at the weights.

        Raises:
            TrainingError: a weight is NaN or infinite.
        """
        for variable in self.model.trainable_variables:
            if not np.isfinite(to_numpy(variable)).all():
                raise self._error(f"{variable.path} holds values that are no numbers")

    def _error(self, what: str) -> TrainingError:
        good = self._backup if self._backup.exists() else "none was written yet"
        batch = f", {self._describe(self._step - 1)}" if self._describe else ""
        return TrainingError(
            f"training diverged at step {self._step}{batch}: {what}. Last good "
            f"checkpoint: {good}. Lower {self._rate} and go on from it with --resume."
        )
