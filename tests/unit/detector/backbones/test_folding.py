import keras
import numpy as np

from detector.backbones.folding import folded
from detector.backbones.initial import put
from detector.mobilenet import BATCH_NORM, mobilenet_v1


def model(normalization):
    image = keras.Input((64, 64, 3))
    maps = mobilenet_v1(image, width=0.5, normalization=normalization)
    return keras.Model(image, list(maps))


def test_a_pair_of_hand_worked_values():
    values = {
        "a/kernel": np.array([[[[2.0, 3.0]]]], np.float32),
        "a_BatchNorm/gamma": np.array([2.0, 1.0], np.float32),
        "a_BatchNorm/beta": np.array([1.0, 5.0], np.float32),
        "a_BatchNorm/moving_mean": np.array([3.0, 0.0], np.float32),
        "a_BatchNorm/moving_variance": np.array([3.0, 0.0], np.float32),
    }
    got = folded(values, epsilon=1.0)
    assert got.keys() == {"a/kernel", "a/bias"}
    # g = 2 / sqrt(4) = 1 and 1 / sqrt(1) = 1
    assert got["a/kernel"].ravel().tolist() == [2, 3]
    assert got["a/bias"].tolist() == [-2, 5]


def test_a_folded_mobilenet_computes_what_the_one_with_batch_norm_does():
    whole, thin = model("batch"), model("none")
    rng = np.random.default_rng(0)
    for variable in whole.weights:
        low, high = (0.5, 1.5) if "variance" in variable.path else (-0.4, 0.6)
        variable.assign(rng.uniform(low, high, variable.shape))
    values = {v.path: np.asarray(v) for v in whole.weights}
    put(values, thin, paths=[v.path for v in thin.weights], source="test")
    image = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    for ours, theirs in zip(thin(image), whole(image), strict=True):
        assert np.asarray(theirs).std() > 0.1
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-3)
    assert BATCH_NORM["epsilon"] == 1e-3
