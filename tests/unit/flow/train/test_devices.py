"""Precision and devices, for a while."""

import keras
import numpy as np
import pytest

from flow.lightflow import LightFlowConfig, build_lightflow
from flow.train.devices import computing, widen_predictions
from vod.errors import ConfigError


@pytest.mark.parametrize("linear", [True, False])
def test_mixed_precision_keeps_weights_and_flow_in_float32(linear):
    config = LightFlowConfig(width=0.05, linear_predictors=linear)
    with computing("mixed_bfloat16", "none", ()):
        model = build_lightflow(config)
        widen_predictions(model)
    assert keras.mixed_precision.dtype_policy().name == "float32"
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert model.get_layer("conv5a_pw").compute_dtype == "bfloat16"
    same = build_lightflow(config)
    same.set_weights(model.get_weights())
    pictures = [np.random.default_rng(i).uniform(-1, 1, (1, 64, 64, 3)) for i in (0, 1)]
    flow, exact = (np.asarray(network(pictures)) for network in (model, same))
    assert flow.dtype == np.float32
    # bfloat16 has 8 bits; over 30 layers some of them are lost.
    np.testing.assert_allclose(flow, exact, atol=0.1 * np.abs(exact).max())
    assert (flow.astype(np.float16) != flow).any()


def test_a_failed_run_leaves_the_precision_as_it_was():
    with pytest.raises(KeyboardInterrupt), computing("mixed_float16", "none", ()):
        raise KeyboardInterrupt
    assert keras.mixed_precision.dtype_policy().name == "float32"


def test_batches_must_be_split_equally(monkeypatch):
    monkeypatch.setattr(
        "vod.fitting.devices._mirrored",
        lambda: type("S", (), {"num_replicas_in_sync": 3}),
    )
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's strategy is replaced here")
    with (
        pytest.raises(ConfigError, match="8 pairs of 64 x 96 cannot be split among 3"),
        computing("float32", "data_parallel", ((32, 32, 6), (64, 96, 8))),
    ):
        pass


def test_other_backends_cannot_distribute(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with (
        pytest.raises(ConfigError, match="needs the backend tensorflow or jax, not t"),
        computing("float32", "data_parallel", ()),
    ):
        pass
