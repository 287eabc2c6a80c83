"""Losses, by hand and against a NumPy twin."""

import keras
import numpy as np
import pytest

from flow.lightflow import LightFlowConfig, build_lightflow
from flow.train.losses import (
    FLOWNET_WEIGHTS,
    end_point_error,
    flow_model,
    multi_scale_loss,
    training_loss,
    with_predictions,
)


def test_loss_is_the_end_point_error_in_units_of_20_pixels():
    truth = np.zeros((1, 1, 2, 2), np.float32)
    flow = np.array([[[[3, 4], [0, 15]]]], np.float32)
    assert float(end_point_error(truth, flow)) == pytest.approx(10.0, rel=1e-4)
    assert float(training_loss(truth, flow)) == pytest.approx(0.5, rel=1e-4)


def test_cells_count_as_much_as_their_weight():
    truth = np.array([[[[0, 0, 1], [0, 0, 0.5], [0, 0, 0]]]], np.float32)
    flow = np.array([[[[3, 4], [0, 20], [99, 99]]]], np.float32)
    # Errors 5 and 20, weights 1 and a half: 15 in all, divided by 1.5.
    assert float(end_point_error(truth, flow)) == pytest.approx(10.0, rel=1e-4)


def test_a_batch_without_known_flow_costs_nothing():
    truth = np.zeros((1, 2, 2, 3), np.float32)
    assert float(training_loss(truth, np.ones((1, 2, 2, 2), np.float32))) == 0


def test_unknown_flow_gives_no_gradient():
    truth = np.zeros((1, 2, 2, 3), np.float32)
    truth[..., 2] = 1
    truth[0, 0, 0] = 0
    flow = np.ones((1, 2, 2, 2), np.float32)
    other = flow.copy()
    other[0, 0, 0] = 50
    assert float(training_loss(truth, flow)) == float(training_loss(truth, other))


def halved(flow):
    """Mean over two by two cells; a last odd row or column stays alone."""
    height, width = (-(-side // 2) for side in flow.shape[1:3])
    means = np.empty((len(flow), height, width, 2))
    for y in range(height):
        for x in range(width):
            part = flow[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            means[:, y, x] = part.mean(axis=(1, 2))
    return means


@pytest.mark.parametrize("weighted", [False, True])
def test_each_prediction_is_compared_on_its_own_grid(weighted):
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 20, (2, 11, 6, 2)).astype(np.float32)
    sides = [(11, 6), (6, 3), (3, 2), (2, 1), (1, 1)]
    finest_first = [rng.normal(0, 1, (2, *s, 2)).astype(np.float32) for s in sides]
    expected, cells = 0.0, 0.0
    level = truth.astype(np.float64)
    for prediction, weight in zip(finest_first, FLOWNET_WEIGHTS[::-1], strict=True):
        share = weight * level.shape[1] * level.shape[2]
        error = np.linalg.norm(level / 20 - prediction, axis=-1).mean()
        expected, cells = expected + share * error, cells + share
        level = halved(level)
    if weighted:
        truth = np.concatenate([truth, np.ones_like(truth[..., :1])], axis=-1)
    loss = float(multi_scale_loss(truth, finest_first[::-1]))
    assert loss == pytest.approx(expected / cells, rel=1e-4)


@pytest.mark.parametrize("linear", [True, False])
def test_predictions_average_to_the_flow(linear):
    config = LightFlowConfig(width=0.1, linear_predictors=linear)
    model = build_lightflow(config)
    trained = with_predictions(model, FLOWNET_WEIGHTS)
    rng = np.random.default_rng(0)
    pictures = [rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32) for _ in "ab"]
    flow, *levels = (np.asarray(values) for values in trained(pictures))
    assert [level.shape[1] for level in levels] == [1, 2, 4, 8, 16]
    total = sum(
        np.kron(level, np.ones((1, 16 // s, 16 // s, 1)))
        for s, level in zip((1, 2, 4, 8, 16), levels, strict=True)
    )
    np.testing.assert_allclose(flow, total * 20 / 5, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(flow_model(trained)(pictures)), flow)
    assert flow_model(model) is model
    assert [w.path for w in trained.weights] == [w.path for w in model.weights]


def test_multi_scale_training_measures_the_flow_alone():
    model = with_predictions(build_lightflow(LightFlowConfig(width=0.05)), (1,) * 5)
    model.compile("sgd", metrics=[end_point_error], run_eagerly=True)
    pictures = np.zeros((1, 64, 64, 3), np.float32)
    truth = np.full((1, 16, 16, 2), (3, 4), np.float32)
    logs = model.test_on_batch((pictures, pictures), truth, return_dict=True)
    # A blank picture gives a random network's flow of almost nothing.
    assert logs["end_point_error"] == pytest.approx(5.0, abs=0.2)
    assert logs["loss"] == pytest.approx(5.0 / 20, abs=0.02)
    keras.backend.clear_session()
