import keras
import numpy as np
import pytest

from flow.lightflow import LightFlowConfig, build_lightflow, fold_into
from flow.narrowing import narrow_lightflow, take_statistics
from vod.errors import ConfigError


@pytest.fixture(scope="module")
def pair():
    # Large patches: fine noise would average out on the way to the deep maps.
    rng = np.random.default_rng(0)
    patches = [rng.uniform(-1, 1, (3, 8, 8, 3)).astype(np.float32) for _ in range(2)]
    return [p.repeat(16, axis=1).repeat(16, axis=2) for p in patches]


@pytest.fixture(scope="module")
def wide(pair):
    keras.utils.set_random_seed(1)
    model = build_lightflow(LightFlowConfig(width=0.2))
    take_statistics(model, *pair)
    return model


def test_statistics_of_a_batch_make_folded_maps_of_unit_variance(wide, pair):
    folded = build_lightflow(LightFlowConfig(width=0.2), folded=True)
    fold_into(wide, folded)
    before = folded.get_layer("conv6b_pw").output
    values = np.asarray(keras.Model(folded.inputs, before)(pair))
    np.testing.assert_allclose(values.std(axis=(0, 1, 2)), 1, atol=0.1)


def test_taking_statistics_leaves_the_momentum(wide):
    assert wide.get_layer("conv1_dw_bn").momentum == 0.99


def test_narrowing_to_the_same_width_changes_nothing_but_rounding(wide, pair):
    config = LightFlowConfig(width=0.2)
    same = narrow_lightflow(wide, config, config, *pair)
    expected = np.asarray(wide(pair))
    # Weights are rounded to float16 on the way.
    np.testing.assert_allclose(
        np.asarray(same(pair)), expected, atol=0.02 * np.abs(expected).max()
    )


def test_channels_that_do_nothing_are_left_out_first(wide, pair):
    config = LightFlowConfig(width=0.2)
    model = keras.models.clone_model(wide)
    model.set_weights(wide.get_weights())
    narrow = LightFlowConfig(width=0.1)
    for block, count in (("conv1", 32), ("conv6a", 1024), ("conv8", 128)):
        gone = np.arange(config.channels(count) - narrow.channels(count))
        norm = model.get_layer(f"{block}_pw_bn")
        for weight in (norm.gamma, norm.beta):
            values = np.asarray(weight).copy()
            values[gone] = 0
            weight.assign(values)
    small = narrow_lightflow(model, config, narrow, *pair)
    kernel = np.asarray(small.get_layer("conv6a_pw").kernel)
    assert kernel.shape[-1] == narrow.channels(1024)
    assert (np.abs(kernel).sum(axis=(0, 1, 2)) > 0).all()


def test_a_wider_network_cannot_start_from_a_narrower_one(wide, pair):
    with pytest.raises(ConfigError, match="must be narrower"):
        narrow_lightflow(
            wide, LightFlowConfig(width=0.2), LightFlowConfig(width=0.3), *pair
        )
