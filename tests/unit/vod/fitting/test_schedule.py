"""Learning rate and time limit."""

import keras
import numpy as np
import pytest

from vod.errors import ConfigError
from vod.fitting.schedule import Schedule, ScheduleConfig


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


def test_every_step_is_made_at_its_own_rate():
    model = tiny_model()
    config = ScheduleConfig(steps=4, warmup_steps=0, stages=((2, 0.1), (2, 1e-9)))
    fit(model, [Schedule(config)])
    # Loss w^2: two steps at 0.1 take 20 % each, so w is 0.8, then 0.64 for good. `fit`
    # leaves its average: 0.8, 0.72, 0.68, 0.66. JAX forgets what a callback sets within
    # an epoch, unless its state is put back first; all four steps would be at 0.1.
    assert float(model.layers[0].kernel[0, 0]) == pytest.approx(0.66, rel=1e-5)


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


def test_stages_follow_one_another_and_warm_up():
    config = ScheduleConfig(
        steps=40, warmup_steps=1, stages=((10, 0.001), (20, 0.01), (10, 0.005))
    )
    assert config.rate(0, 0.0) == 0.0005
    assert [config.rate(s, s / 40) for s in (9, 10, 29, 30, 39, 40)] == [
        0.001,
        0.01,
        0.01,
        0.005,
        0.005,
        0.005,
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps and steps_per_epoch must be positive"),
        ({"peak": 1.0}, "peak must lie in"),
        ({"minutes": 0.0}, "minutes must be positive"),
        ({"stages": ((0, 0.1),)}, r"positive steps and a rate in .* received \[0, 0"),
        ({"steps": 5, "stages": ((4, 0.1),)}, "have 4 steps and the schedule 5"),
    ],
)
def test_impossible_schedules_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        ScheduleConfig(**values)
