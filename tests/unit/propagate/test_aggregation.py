"""The flow-guided GRU against equation 6, one cell at a time."""

import numpy as np
import pytest

from propagate.aggregation import (
    AggregationConfig,
    aggregated,
    build_aggregation,
    first_state,
)
from propagate.warp import warp
from vod.complexity import count_multiply_adds
from vod.errors import ConfigError
from vod.export import export_graph

GRID = {"height": 5, "width": 6}


def build(config: AggregationConfig, channels: int = 4, **options):
    model = build_aggregation(config, **GRID, channels=channels, **options)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return model


def inputs(config: AggregationConfig, batch: int = 1, channels: int = 4):
    rng = np.random.default_rng(1)
    shape = (batch, GRID["height"], GRID["width"])
    return [
        rng.normal(size=(*shape, channels)).astype(np.float32),
        rng.normal(size=(*shape, channels * config.layers)).astype(np.float32),
        rng.uniform(-1.5, 1.5, (*shape, 2)).astype(np.float32),
    ]


def convolved(tensor: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """3x3 convolution with zeros around, one cell and tap at a time."""
    height, width, _ = tensor.shape
    out = np.zeros((height, width, kernel.shape[-1]))
    for y, x, i, j in np.ndindex(height, width, 3, 3):
        row, column = y + i - 1, x + j - 1
        if 0 <= row < height and 0 <= column < width:
            out[y, x] += tensor[row, column] @ kernel[i, j]
    return out


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def looped(model, config: AggregationConfig, features, state, flow) -> np.ndarray:
    """Equation 6 for one video, layer by layer."""
    state = warp(
        state.astype(np.float64), flow.astype(np.float64), border=config.border
    )
    news = []
    for n, old in enumerate(np.split(state, config.layers, axis=-1), start=1):
        kernel, bias = map(np.asarray, model.get_layer(f"gru_{n}_w").weights)
        wz, wr, wh = np.split(kernel, 3, axis=-1)
        bz, br, bh = np.split(bias, 3)
        uz, ur = np.split(np.asarray(model.get_layer(f"gru_{n}_u").kernel), 2, axis=-1)
        uh = np.asarray(model.get_layer(f"gru_{n}_uh").kernel)
        z = sigmoid(convolved(features, wz) + convolved(old, uz) + bz)
        r = sigmoid(convolved(features, wr) + convolved(old, ur) + br)
        inner = convolved(features, wh) + convolved(r * old, uh) + bh
        new = np.maximum(inner, 0) if config.candidate == "relu" else np.tanh(inner)
        features = (1 - z) * old + z * new
        news.append(features)
    return np.concatenate(news, axis=-1)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("candidate", ["relu", "tanh"])
def test_the_state_is_that_of_equation_6(layers, candidate):
    config = AggregationConfig(layers=layers, candidate=candidate)
    model, arrays = build(config), inputs(config, batch=2)
    found = np.asarray(model(arrays))
    for index in range(2):
        expected = looped(model, config, *(array[index] for array in arrays))
        np.testing.assert_allclose(found[index], expected, atol=1e-5)


def test_the_state_outside_the_picture_is_as_the_border_says():
    config = AggregationConfig(border="zeros")
    model, arrays = build(config), inputs(config)
    arrays[2][:] = 100
    expected = looped(model, config, *(array[0] for array in arrays))
    np.testing.assert_allclose(np.asarray(model(arrays))[0], expected, atol=1e-5)


def test_a_shut_update_gate_keeps_the_state_where_the_flow_points():
    config = AggregationConfig()
    model = build(config)
    kernel, bias = (np.zeros(w.shape) for w in model.get_layer("gru_1_w").weights)
    bias[:4] = -50  # bz
    model.get_layer("gru_1_w").set_weights([kernel, bias])
    model.get_layer("gru_1_u").set_weights([np.zeros((3, 3, 4, 8))])
    features, state, flow = inputs(config)
    flow[:] = [1, 0]
    found = np.asarray(model([features, state, flow]))
    np.testing.assert_allclose(found[:, :, :-1], state[:, :, 1:], atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_first_key_frame_keeps_its_features(layers):
    config = AggregationConfig(layers=layers)
    features = inputs(config)[0]
    state = first_state(build(config), config, features)
    assert tuple(state.shape) == (1, 5, 6, 4 * layers)
    np.testing.assert_array_equal(np.asarray(aggregated(state, config)), features)


def test_the_first_key_frame_may_start_from_a_state_of_zero():
    config = AggregationConfig(layers=2, first="zeros")
    model, features = build(config), inputs(config)[0]
    expected = looped(
        model, config, features[0], np.zeros((5, 6, 8)), np.zeros((5, 6, 2))
    )
    state = np.asarray(first_state(model, config, features))
    np.testing.assert_allclose(state[0], expected, atol=1e-5)
    np.testing.assert_array_equal(aggregated(state, config), state[..., 4:])


@pytest.mark.parametrize(("channels", "layers"), [(128, 1), (256, 1), (128, 3)])
def test_the_papers_sizes_have_six_kernels_a_layer(channels, layers):
    config = AggregationConfig(layers=layers)
    model = build_aggregation(config, height=14, width=25, channels=channels)
    kernels = layers * 6 * 9 * channels**2  # 0.885 M for 128 channels
    assert model.count_params() == kernels + layers * 3 * channels
    assert count_multiply_adds(model) == 14 * 25 * kernels


def test_compiled_equals_eager_and_gradients_reach_every_input():
    import tensorflow as tf

    config = AggregationConfig(layers=2)
    model = build(config)
    arrays = [tf.constant(array) for array in inputs(config)]
    compiled = tf.function(model)(arrays)
    np.testing.assert_allclose(compiled, np.asarray(model(arrays)), atol=1e-5)
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        loss = tf.reduce_mean(tf.square(model(arrays)))
    assert all(np.abs(g).max() > 0 for g in tape.gradient(loss, arrays))


def test_weights_saved_and_loaded_give_the_same_state(tmp_path):
    config = AggregationConfig(layers=2)
    model, arrays = build(config), inputs(config)
    again = build_aggregation(config, **GRID, channels=4)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(arrays), again(arrays))
    error = export_graph(
        build(config, batch_size=1),
        tmp_path / "gru.tflite",
        samples=[arrays],
        float16=False,
    )
    assert error < 1e-4


def test_no_layer_at_all_is_refused():
    with pytest.raises(ConfigError, match="layers must be at least 1, received 0"):
        AggregationConfig(layers=0)
