"""A flow on pictures of any size."""

import shutil

import numpy as np
import pytest

from flow.evaluation.runner import FlowChoice, FlowRunner, enlarge, network_facts
from flow.field import FlowField
from tests.shifted_pairs import shifted_pictures
from vod.errors import ConfigError, FlowError, WeightsError
from vod.weights import read_record


def test_enlarging_scales_values_and_interpolates():
    field = FlowField(np.array([[[0, 1], [1, 1]]], np.float32))
    full = enlarge(field, 2, 4)
    np.testing.assert_allclose(full[0, :, 0], [0, 0.5, 1.5, 2])
    np.testing.assert_allclose(full[..., 1], 2)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_flow_is_in_pixels_of_the_pictures_at_any_scale(scale):
    current, key = shifted_pictures(4, -2)
    flow = FlowRunner(FlowChoice("dis", scale=scale))(current, key)
    assert flow.shape == (96, 128, 2)
    inside = flow[20:-20, 20:-20]
    np.testing.assert_allclose(np.median(inside, axis=(0, 1)), (4, -2), atol=0.2)


def test_the_input_is_the_pictures_size_by_the_scale_and_never_empty():
    assert FlowChoice("zero", scale=0.5).input_size(97, 128) == (48, 64)
    assert FlowChoice("zero", scale=0.01).input_size(9, 9) == (1, 1)


def test_every_size_is_loaded_once():
    runner = FlowRunner(FlowChoice("dis-fast"))
    assert runner.estimator(32, 40) is runner.estimator(32, 40)
    assert runner.estimator(32, 40) is not runner.estimator(40, 32)


def test_what_cannot_be_chosen_is_refused():
    with pytest.raises(ConfigError, match=r"unknown flow 'dos'. Did you mean 'dis'"):
        FlowChoice("dos")
    with pytest.raises(ConfigError, match=r"--scale must lie in \(0, 4\], received 0"):
        FlowChoice("zero", scale=0)
    with pytest.raises(ConfigError, match="received nan"):
        FlowChoice("zero", scale=float("nan"))
    with pytest.raises(ConfigError, match="--threads must be 1 or more, received 0"):
        FlowChoice("zero", threads=0)


def test_pictures_of_two_sizes_are_refused():
    first, second = shifted_pictures(0, 0)
    with pytest.raises(FlowError, match=r"of one size, received \(96, 128\) and \(90"):
        FlowRunner(FlowChoice("zero"))(first, second[:90])


def test_missing_weights_are_told_before_any_picture_is_read(tmp_path):
    with pytest.raises(WeightsError, match="no weights in"):
        FlowRunner(FlowChoice("lightflow", weights=tmp_path))


def test_weights_for_a_flow_without_any_are_refused(tmp_path):
    runner = FlowRunner(FlowChoice("dis", weights=tmp_path))
    with pytest.raises(ConfigError, match="has no weights"):
        runner.estimator(32, 32)


def test_a_graph_that_is_missing_is_built_and_gives_what_keras_gives(
    narrow_weights, caplog
):
    caplog.set_level("INFO", "flow")
    current, key = shifted_pictures(3, 1)
    built = FlowRunner(FlowChoice("lightflow", narrow_weights))(current, key)
    assert "has no graph for flow input 96x128: building one" in caplog.text
    keras = FlowChoice("lightflow", narrow_weights, engine="tensorflow")
    # Both compute in float32 and differ in the order of sums (measured 1e-5 px).
    np.testing.assert_allclose(built, FlowRunner(keras)(current, key), atol=1e-3)
    assert not list(narrow_weights.glob("*.tflite"))


def test_a_graph_that_cannot_be_built_is_told_with_the_folder_and_the_reason(
    narrow_weights, tmp_path
):
    folder = shutil.copytree(narrow_weights, tmp_path / "broken")
    with (folder / "weights.safetensors").open("ab") as stream:
        stream.write(b"x")
    runner = FlowRunner(FlowChoice("lightflow", folder))
    with pytest.raises(WeightsError, match=r"broken can be built for 32x32: .*sha256"):
        runner.estimator(32, 32)


def test_arithmetic_is_counted_at_the_size_asked_for(narrow_weights):
    small, large = (network_facts(narrow_weights, side, side) for side in (64, 128))
    assert large.gflops == pytest.approx(4 * small.gflops)
    assert large.parameters == small.parameters > 0
    record = read_record(narrow_weights)
    assert small.weights_sha256 == record.files["weights.safetensors"]
    assert small.origin == "a test"
