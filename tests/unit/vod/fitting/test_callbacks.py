"""Averaged weights, snapshots."""

import keras
import numpy as np
import pytest

from vod.fitting.callbacks import Snapshot, averaged_weights


def tiny_model(rate=0.1):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    optimizer = keras.optimizers.SGD(rate, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, loss="mse", jit_compile=False)
    return model


def fit(model, callbacks, epochs=1, value=0.0):
    x, y = np.ones((4, 1), np.float32), np.full((4, 1), value, np.float32)
    model.fit(x, y, batch_size=1, epochs=epochs, verbose=0, callbacks=callbacks)


def test_averaged_weights_are_lent_and_given_back():
    model = tiny_model(rate=0.25)
    # Loss w^2: a step halves w. Keras' average starts at the first step's w, 0.5, and
    # then lies in the middle of itself and the next w, 0.25.
    x, y = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    model.train_on_batch(x, y)
    model.train_on_batch(x, y)
    raw = float(model.layers[0].kernel[0, 0])
    assert raw == 0.25
    with averaged_weights(model):
        assert float(model.layers[0].kernel[0, 0]) == pytest.approx(0.375)
    assert float(model.layers[0].kernel[0, 0]) == raw


def test_snapshots_measure_each_epoch_and_write_when_it_is_time():
    now = [0.0]
    seen, written = [], []

    def measure(model):
        seen.append(float(model.layers[0].kernel[0, 0]))
        now[0] += 40.0
        return {"val_epe": 1.5}

    snapshot = Snapshot(measure, written.append, minutes=1, clock=lambda: now[0])
    model = tiny_model()
    fit(model, [snapshot, history := keras.callbacks.History()], epochs=3)
    assert len(seen) == 3
    assert len(written) == 1
    assert history.history["val_epe"] == [1.5, 1.5, 1.5]
    assert "rate" in history.history
