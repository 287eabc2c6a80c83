"""Batches by number, so that a run that is continued draws what comes next."""

from typing import Any

import keras


class NumberedBatches(keras.utils.PyDataset):
    """Batches that are told by their number since the start of training.

    Attributes:
        steps: batches in an epoch.
        first_batch: number of this epoch's first batch; `fit` is told nothing of it.
    """

    def __init__(self, *, steps: int, workers: int, max_queue_size: int) -> None:
        super().__init__(workers=workers, max_queue_size=max_queue_size)
        self.steps, self.first_batch = steps, 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> Any:
        return self.batch(self.first_batch + index)

    def on_epoch_end(self) -> None:
        """Move on, so that no epoch repeats another."""
        self.first_batch += self.steps

    def batch(self, number: int) -> Any:
        """Give the batch with this number since the start of training."""
        raise NotImplementedError
