"""What every training of ours watches over."""

import math
from pathlib import Path
from typing import Any

import keras

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


class StopOnDivergence(keras.callbacks.Callback):
    """Turn a loss that is no number into one error, and name what to go back to.

    Args:
        backup: folder of the last good checkpoint, which `--resume` continues from.
        rate: config key of the learning rate.
    """

    def __init__(self, backup: Path, *, rate: str) -> None:
        super().__init__()
        self._backup, self._rate = backup, rate

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Look at the loss.

        Raises:
            TrainingError: it is NaN or infinite.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            step = int(self.model.optimizer.iterations)
            good = self._backup if self._backup.exists() else "none was written yet"
            raise TrainingError(
                f"training diverged at step {step}: the loss is {loss}. Last good "
                f"checkpoint: {good}. Lower {self._rate} and go on from it with "
                "--resume."
            )
