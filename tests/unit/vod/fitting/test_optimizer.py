"""The watched optimizer steps as AdamW, and its backups are AdamW's."""

import keras
import numpy as np
import pytest

from vod.errors import ConfigError
from vod.fitting.optimizer import WatchedAdamW, averaging_adamw


def variables():
    return [keras.Variable([1.0, -2.0], name="kernel"), keras.Variable(3.0, name="b")]


def test_steps_are_those_of_adamw_and_the_gradients_length_is_kept():
    ours, theirs = variables(), variables()
    watched = WatchedAdamW(0.1, weight_decay=0.1, global_clipnorm=1.0)
    plain = keras.optimizers.AdamW(0.1, weight_decay=0.1, global_clipnorm=1.0)
    for gradient in (2.0, 11.0):
        grads = [np.array([gradient, 10.0], np.float32), np.float32(-10.0)]
        grads = [keras.ops.convert_to_tensor(grad) for grad in grads]
        watched.apply(grads, ours)
        plain.apply(grads, theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    # 11^2 + 10^2 + 10^2 = 321
    assert float(watched.gradient_norm) == pytest.approx(321**0.5)


# Keras itself reads its variables so.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_backup_is_adamws_own():
    def built(kind):
        optimizer = kind(0.1, use_ema=True)
        optimizer.build(variables())
        return optimizer

    watched, plain = built(WatchedAdamW), built(keras.optimizers.AdamW)
    store, expected = {}, {}
    watched.save_own_variables(store)
    plain.save_own_variables(expected)
    assert store.keys() == expected.keys()
    store["0"] = np.int64(7)
    watched.load_own_variables(store)
    assert int(watched.iterations) == 7


def test_a_backup_of_another_optimizer_is_refused():
    watched = averaging_adamw(
        variables(), rate=0.1, weight_decay=0.1, clip_norm=1.0, average=0.9
    )
    with pytest.raises(ConfigError, match=r"has 1 variables, this run's 8\. Resume"):
        watched.load_own_variables({"0": 0})
