"""What training minimises, and what it is measured by."""

from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops

from flow.datasets import read_pairs
from flow.lightflow import FLOW_UNIT_PX
from flow.train_data import SyntheticBatches, normalise


def end_point_error(truth: Any, flow: Any) -> Any:
    """Give the mean end-point error of `(B, H, W, 2)` flow, in its unit."""
    squared = ops.sum(ops.square(truth - flow), axis=-1)
    # The root's slope is infinite at 0, where static scenes are.
    return ops.mean(ops.sqrt(squared + 1e-6))


def training_loss(truth: Any, flow: Any) -> Any:
    """Give the mean end-point error in the predictors' unit of 20 pixels."""
    return end_point_error(truth, flow) / FLOW_UNIT_PX


def measure_synthetic(
    model: keras.Model, batches: SyntheticBatches, pairs: int
) -> dict[str, float]:
    """Give the end-point error over held-out pairs, in pixels of their pictures."""
    errors: list[float] = []
    number = 0
    while len(errors) < pairs:
        (current, key), truth = batches.batch(number)
        flow = np.asarray(model([current, key], training=False))
        errors.extend(np.linalg.norm(flow - truth, axis=-1).mean(axis=(1, 2)))
        number += 1
    return {"val_epe": float(np.mean(errors[:pairs]))}


def measure_pairs(model: keras.Model, folder: Path) -> dict[str, float]:
    """Give the full-resolution end-point error over a folder of real pairs."""
    errors = []
    for pair in read_pairs(folder):
        current, key, truth, valid = pair.load()
        inputs = [normalise(current[None]), normalise(key[None])]
        flow = np.asarray(model(inputs, training=False))[0]
        size = (truth.shape[1], truth.shape[0])
        full = cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR)
        errors.append(np.linalg.norm(full - truth, axis=-1)[valid].mean())
    return {"pairs_epe": float(np.mean(errors))}
