"""LightFlow against the paper's table and the reference implementation's variables."""

from pathlib import Path

import keras
import numpy as np
import pytest

from flow.lightflow import (
    FLOW_UNIT_PX,
    LightFlowConfig,
    NearestUpsampling,
    build_lightflow,
    fold_lightflow,
)
from vod.complexity import count_multiply_adds
from vod.errors import ConfigError

SEED_VARIABLES = Path(__file__).with_name("lightflow_seed_variables.txt")
PREDICTORS = {f"conv{n}" for n in range(12, 17)}
NO_COUNTERPART = "none: linear predictors have a bias and no normalisation"


def seed_rows() -> list[tuple[str, tuple[int, ...]]]:
    lines = SEED_VARIABLES.read_text().splitlines()
    pairs = [line.split() for line in lines if not line.startswith("#")]
    return [(name, tuple(map(int, shape.split("x")))) for name, shape in pairs]


def our_name(seed_name: str, *, linear_predictors: bool) -> str:
    """Give the variable that does the work of one of the reference's.

    The reference has a bias before every BatchNorm. BatchNorm subtracts the mean and
    with it any bias, and adds its own beta, so beta does the work of both.
    """
    _, block, kind, *rest = seed_name.split("/")
    layer = block if kind == "depthwise_conv" else f"{block}_pw"
    if linear_predictors and layer.removesuffix("_pw") in PREDICTORS:
        if rest == ["biases"]:
            return f"{layer}/bias"
        if rest[0] == "bn":
            return NO_COUNTERPART
    if rest == ["biases"]:
        return f"{layer}_bn/beta"
    if rest[0] == "bn":
        return f"{layer}_bn/{rest[1]}"
    return f"{layer}/kernel"


@pytest.mark.parametrize("linear", [True, False])
def test_every_variable_of_the_reference_has_its_place_and_none_is_left(linear):
    model = build_lightflow(LightFlowConfig(linear_predictors=linear))
    ours = {v.path: tuple(v.shape) for v in model.weights}
    rows = seed_rows()
    assert len(rows) == 228
    used = set()
    for name, shape in rows:
        place = our_name(name, linear_predictors=linear)
        if place == NO_COUNTERPART:
            assert linear, name
            continue
        assert ours[place] == shape, f"{name} belongs to {place}"
        used.add(place)
    assert used == set(ours)


@pytest.mark.parametrize(
    ("width", "gflops", "parameters"),
    [(1.0, 0.823, 2560488), (0.75, 0.482, 1457764), (0.5, 0.232, 663456)],
)
def test_arithmetic_is_the_papers_at_384_x_512(width, gflops, parameters):
    # The paper: 0.82 / 0.48 / 0.23 GFLOPs and 2.6 / 1.4 / 0.7 M parameters.
    model = build_lightflow(LightFlowConfig(width=width), 384, 512)
    assert 2 * count_multiply_adds(model) / 1e9 == pytest.approx(gflops, abs=5e-4)
    assert model.count_params() == parameters


def test_blocks_have_the_papers_output_sizes_at_384_x_512():
    model = build_lightflow(LightFlowConfig(), 384, 512)
    sizes = {
        "conv1": (192, 256, 32),
        "conv2": (96, 128, 64),
        "conv3": (48, 64, 128),
        "conv4b": (24, 32, 256),
        "conv5b": (12, 16, 512),
        "conv6b": (6, 8, 1024),
        "conv7": (6, 8, 256),
        "conv8": (12, 16, 128),
        "conv9": (24, 32, 64),
        "conv10": (48, 64, 32),
        "conv11": (96, 128, 16),
        "conv12": (6, 8, 2),
        "conv16": (96, 128, 2),
    }
    for name, size in sizes.items():
        assert model.get_layer(f"{name}_pw").output.shape[1:] == size


@pytest.mark.parametrize(("height", "width"), [(112, 200), (150, 150), (64, 96)])
def test_static_and_dynamic_sizes_agree_where_maps_are_odd(height, width):
    config = LightFlowConfig(width=0.25)
    fixed = build_lightflow(config, height, width, batch_size=1)
    free = build_lightflow(config)
    for source, target in zip(fixed.weights, free.weights, strict=True):
        target.assign(source)
    rng = np.random.default_rng(0)
    pair = [rng.uniform(-1, 1, (1, height, width, 3)).astype(np.float32) for _ in "ab"]
    out = np.asarray(free(pair, training=False))
    assert out.shape == (1, -(-height // 4), -(-width // 4), 2)
    np.testing.assert_allclose(out, np.asarray(fixed(pair, training=False)), atol=1e-5)


def test_result_is_the_mean_of_five_enlarged_predictions_in_units_of_20_pixels():
    model = build_lightflow(LightFlowConfig(width=0.25), 64, 64)
    names = [f"conv{n}_pw" for n in range(12, 17)]
    taps = keras.Model(model.inputs, [model.get_layer(n).output for n in names])
    rng = np.random.default_rng(1)
    pair = [rng.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32) for _ in "ab"]
    mean = np.zeros((2, 16, 16, 2))
    for prediction in map(np.asarray, taps(pair, training=False)):
        times = 16 // prediction.shape[1]
        mean += prediction.repeat(times, 1).repeat(times, 2) / 5
    flow = np.asarray(model(pair, training=False))
    np.testing.assert_allclose(flow, FLOW_UNIT_PX * mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("linear", [True, False])
def test_folding_the_normalisations_away_changes_nothing_but_rounding(linear):
    config = LightFlowConfig(width=0.125, linear_predictors=linear)
    model = build_lightflow(config)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "_bn/" in variable.path:
            low = 0.5 if "variance" in variable.path or "gamma" in variable.path else -1
            variable.assign(rng.uniform(low, 1.5, variable.shape).astype(np.float32))
    folded = fold_lightflow(model, config, 40, 50)
    assert not any("_bn" in layer.name for layer in folded.layers)
    pair = [rng.uniform(-1, 1, (1, 40, 50, 3)).astype(np.float32) for _ in "ab"]
    expected = np.asarray(model(pair, training=False))
    # float16 keeps 11 bits; 38 layers add up their errors.
    tolerance = 0.01 * np.abs(expected).max()
    np.testing.assert_allclose(
        np.asarray(folded(pair, training=False)), expected, atol=tolerance
    )


def test_upsampling_repeats_cells_and_cuts_to_the_target():
    small = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    target = np.zeros((1, 3, 5, 7), np.float32)
    result = np.asarray(NearestUpsampling()([small, target]))[0, ..., 0]
    expected = [[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]]
    np.testing.assert_array_equal(result, expected)


def test_current_picture_comes_first():
    model = build_lightflow(LightFlowConfig(width=0.25), 64, 64)
    assert [tensor.name for tensor in model.inputs] == ["current", "key"]
    kernel = model.get_layer("conv1_dw").kernel
    values = np.copy(np.asarray(kernel))
    values[:, :, 3:] = 0
    kernel.assign(values)
    rng = np.random.default_rng(2)
    a, b, c = (rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32) for _ in "abc")
    first = np.asarray(model([a, b], training=False))
    np.testing.assert_array_equal(first, np.asarray(model([a, c], training=False)))
    assert np.abs(first - np.asarray(model([c, b], training=False))).max() > 0


def test_width_leaves_the_predictors_two_channels():
    model = build_lightflow(LightFlowConfig(width=0.5), 64, 64)
    assert model.output_shape == (None, 16, 16, 2)
    assert model.get_layer("conv16_dw").output.shape[-1] == 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0.0}, "width must lie in"),
        ({"negative_slope": 1.0}, "negative_slope must lie in"),
    ],
)
def test_impossible_networks_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        LightFlowConfig(**values)
