import numpy as np
import pytest

from flow.inference import split_pictures
from flow.lightflow import LightFlowConfig, build_lightflow, fold_lightflow

CONFIG = LightFlowConfig(width=0.1)


@pytest.mark.parametrize("size", [(32, 48), (37, 38)])
def test_pictures_seen_apart_give_the_same_flow(size):
    trained = build_lightflow(CONFIG)
    random = np.random.default_rng(0)
    trained.set_weights(
        [np.abs(random.normal(0.5, 0.4, w.shape)) for w in trained.get_weights()]
    )
    folded = fold_lightflow(trained, CONFIG, *size)
    split = split_pictures(folded)
    pair = [random.uniform(-1, 1, (1, *size, 3)).astype(np.float32) for _ in "ab"]
    expected = np.asarray(folded(pair, training=False))
    np.testing.assert_allclose(
        np.asarray(split(pair, training=False)), expected, rtol=1e-5
    )
    swapped = np.asarray(split(pair[::-1], training=False))
    assert np.abs(swapped - expected).max() > 1e-3 * np.abs(expected).max()


def test_names_stay_as_they_were():
    folded = fold_lightflow(build_lightflow(CONFIG), CONFIG, 32, 32)
    split = split_pictures(folded)
    assert [tensor.name for tensor in split.inputs] == ["current", "key"]
    assert split.output_names == folded.output_names == ["flow"]
    assert split.name == folded.name
    assert split.count_params() == folded.count_params()
