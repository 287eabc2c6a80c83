"""Learning rate, time limit, divergence and averaged weights."""

import keras
import numpy as np
import pytest

from flow.train_callbacks import (
    Schedule,
    ScheduleConfig,
    Snapshot,
    averaged_weights,
)
from vod.errors import ConfigError


def tiny_model(rate=0.1):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    optimizer = keras.optimizers.SGD(rate, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, loss="mse", jit_compile=False)
    return model


def fit(model, callbacks, epochs=1, value=0.0):
    x, y = np.ones((4, 1), np.float32), np.full((4, 1), value, np.float32)
    model.fit(x, y, batch_size=1, epochs=epochs, verbose=0, callbacks=callbacks)


def test_rate_rises_then_falls_along_a_half_cosine():
    config = ScheduleConfig(steps=100, warmup_steps=4, peak=1e-3)
    assert config.rate(0, 0.0) == pytest.approx(0.2e-3)
    assert config.rate(3, 0.0) == pytest.approx(0.8e-3)
    assert config.rate(50, 0.5) == pytest.approx(0.5e-3)
    assert config.rate(99, 1.0) == 0
    assert config.rate(99, 1.7) == 0


def test_the_schedule_sets_the_optimizers_rate():
    model = tiny_model()
    fit(model, [Schedule(ScheduleConfig(steps=4, warmup_steps=0, peak=0.1))])
    # The last batch begins at three quarters: (1 + cos 135 degrees) / 2.
    expected = 0.05 * (1 - 2**-0.5)
    assert float(model.optimizer.learning_rate) == pytest.approx(expected, rel=1e-5)


def test_training_stops_when_its_minutes_are_over():
    times = iter(np.arange(0.0, 1000.0, 10.0))
    schedule = Schedule(
        ScheduleConfig(steps=1000, minutes=1), clock=lambda: next(times)
    )
    model = tiny_model()
    fit(model, [schedule], epochs=50)
    # The clock is read at the start and twice a batch: 60 s last three batches. Keras
    # then ends the epoch of four or stops in it.
    assert 3 <= int(model.optimizer.iterations) <= 4


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps and steps_per_epoch must be positive"),
        ({"peak": 1.0}, "peak must lie in"),
        ({"minutes": 0.0}, "minutes must be positive"),
    ],
)
def test_impossible_schedules_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        ScheduleConfig(**values)
