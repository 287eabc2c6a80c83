"""TensorBoard during training, without TensorFlow.

Event files are written with the `tensorboard` package's own record writer, so they are
the same under every backend, and no package beside it is needed. Where it is missing,
training goes on without them: `log.csv` has every epoch's figures.
"""

import importlib
import importlib.util
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import keras

from vod.training import steps_done, sync_state, to_numpy
from vod.types import ByteArray

EVENTS: Final = "events"
"""Folder, in a run's, that `tensorboard --logdir` is told."""

STEPS_BETWEEN: Final = 20
"""Steps between two values of what is watched step by step."""


class EventFile:
    """One file of scalars and pictures for TensorBoard."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        # Digits after the point keep the files of a run resumed at once apart.
        name = f"events.out.tfevents.{now:.6f}.{socket.gethostname()}"
        module = importlib.import_module
        self._events = module("tensorboard.compat.proto.event_pb2")
        self._summaries = module("tensorboard.compat.proto.summary_pb2")
        records = module("tensorboard.summary.writer.record_writer")
        self._stream = (folder / name).open("wb")
        self._writer = records.RecordWriter(self._stream)
        self._write(wall_time=now, file_version="brain.Event:2")

    @staticmethod
    def available() -> bool:
        """Say whether the tensorboard package is there."""
        return importlib.util.find_spec("tensorboard") is not None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add one value a name."""
        kind = self._summaries.Summary
        parts = [kind.Value(tag=k, simple_value=float(v)) for k, v in values.items()]
        self._write(step=step, wall_time=time.time(), summary=kind(value=parts))

    def picture(self, step: int, name: str, rgb: ByteArray) -> None:
        """Add one `(H, W, 3)` uint8 picture."""
        kind = self._summaries.Summary
        png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
        height, width = rgb.shape[:2]
        image = kind.Image(
            height=height, width=width, colorspace=3, encoded_image_string=png
        )
        summary = kind(value=[kind.Value(tag=name, image=image)])
        self._write(step=step, wall_time=time.time(), summary=summary)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _write(self, **fields: Any) -> None:
        self._writer.write(self._events.Event(**fields).SerializeToString())
        # A run that is killed leaves all that it has told.
        self._stream.flush()


class Board(keras.callbacks.Callback):
    """Tell TensorBoard how training goes.

    Step by step, at times: learning rate, length of the gradient before clipping, loss
    (its mean in the epoch so far). After every epoch: all figures, and pictures.

    Use it as a context: leaving it closes the file, whatever has happened.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Callable[[keras.Model], Mapping[str, ByteArray]],
        *,
        every: int = STEPS_BETWEEN,
    ) -> None:
        """Open the file.

        Args:
            folder: gets it.
            pictures: gives named pictures of what a model does.
            every: steps between two values.
        """
        super().__init__()
        self._file, self._pictures, self._every = EventFile(folder), pictures, every
        self._step = 0

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' name)
        """Continue from the optimizer's step, which a resumed run has restored."""
        self._step = steps_done(self.model)

    def on_train_batch_end(
        self,
        batch: int,  # noqa: ARG002 (Keras' name)
        logs: dict[str, Any] | None = None,
    ) -> None:
        """Tell, at times, what the step did."""
        self._step += 1
        if self._step % self._every:
            return
        sync_state(self.model)
        optimizer = self.model.optimizer
        # Mixed precision wraps the optimizer.
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        values = {
            "step/learning_rate": float(to_numpy(optimizer.learning_rate)),
            "step/gradient_norm": float(to_numpy(optimizer.gradient_norm)),
        }
        if logs and "loss" in logs:
            values["step/loss"] = float(logs["loss"])
        self._file.scalars(self._step, values)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Tell the epoch's figures, and show pictures."""
        figures = {f"epoch/{k}": float(v) for k, v in (logs or {}).items()}
        self._file.scalars(self._step, figures)
        for name, rgb in self._pictures(self.model).items():
            self._file.picture(self._step, name, rgb)
