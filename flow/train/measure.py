"""What flow training is measured by."""

from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import keras
import numpy as np

from flow.datasets.pairs import FlowPair
from flow.train.data import Batch, normalise
from flow.train.losses import flow_model
from vod.types import FloatArray


class NumberedBatches(Protocol):
    """Batches that their number alone decides."""

    def batch(self, number: int) -> Batch:
        """Give the batch with this number."""


def predict(model: keras.Model, current: FloatArray, key: FloatArray) -> FloatArray:
    """Give the float32 flow of `(B, H, W, 3)` pictures in [-1, 1]."""
    flow: Any = flow_model(model)([current, key], training=False)
    return np.asarray(keras.ops.convert_to_numpy(flow), np.float32)


def measure_synthetic(
    model: keras.Model, batches: NumberedBatches, pairs: int
) -> dict[str, float]:
    """Give the end-point error over held-out pairs, in pixels of their pictures."""
    errors: list[float] = []
    number = 0
    while len(errors) < pairs:
        (current, key), truth = batches.batch(number)
        flow = predict(model, current, key)
        errors.extend(np.linalg.norm(flow - truth, axis=-1).mean(axis=(1, 2)))
        number += 1
    return {"val_epe": float(np.mean(errors[:pairs]))}


def measure_pairs(
    model: keras.Model, pairs: Sequence[FlowPair], *, name: str = "pairs_epe"
) -> dict[str, float]:
    """Give the full-resolution end-point error over measured pairs, under a name."""
    errors = []
    for pair in pairs:
        current, key, truth, valid = pair.load()
        flow = predict(model, normalise(current[None]), normalise(key[None]))[0]
        size = (truth.shape[1], truth.shape[0])
        full = cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR)
        errors.append(np.linalg.norm(full - truth, axis=-1)[valid].mean())
    return {name: float(np.mean(errors))}
