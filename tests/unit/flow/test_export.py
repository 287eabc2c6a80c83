"""Exporting LightFlow from a weights folder."""

import json
import shutil

import numpy as np
import pytest

from flow.export import main, parse_size
from flow.lightflow import load_lightflow
from vod.engine import LiteRtGraph
from vod.errors import ConfigError, WeightsError
from vod.weights import read_record


@pytest.fixture
def weights(narrow_weights, tmp_path):
    return shutil.copytree(narrow_weights, tmp_path / "weights")


def test_graphs_are_added_to_the_record_and_run(weights):
    assert main([str(weights), "--size", "32x48"]) == 0
    assert main([str(weights), "--size", "38x38"]) == 0
    record = read_record(weights, network="lightflow")
    assert list(record.graphs) == ["flow_32x48", "flow_38x38"]
    graph = record.graphs["flow_38x38"]
    assert graph.inputs == ("current", "key")
    # The same folded float16 numbers: only the order of sums differs.
    assert 0 <= graph.max_abs_error < 1e-3
    assert {"weights.safetensors", "flow_32x48.tflite", graph.file} == set(record.files)
    shapes = LiteRtGraph(weights / graph.file).input_shapes
    assert shapes == [(1, 38, 38, 3), (1, 38, 38, 3)]


def test_the_first_input_of_the_graph_is_the_current_picture(weights):
    main([str(weights), "--size", "32x32"])
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8) for _ in "ab"]
    current, key = ((p.astype(np.float32) - 127.5) / 127.5 for p in pixels)
    model = load_lightflow(weights, height=32, width=32)
    expected = np.asarray(model([current, key], training=False))
    (flow,) = LiteRtGraph(weights / "flow_32x32.tflite")(*pixels)
    np.testing.assert_allclose(flow, expected, atol=1e-3)
    assert (
        np.abs(expected - np.asarray(model([key, current], training=False))).max() > 0.1
    )


@pytest.mark.parametrize("text", ["150", "150x", "0x4", "axb", "-1x4"])
def test_sizes_that_do_not_read_so_are_refused(text):
    with pytest.raises(ConfigError, match=f"like 150x150; received '{text}'"):
        parse_size(text)


def test_a_wrong_size_or_folder_ends_with_one_line(weights, tmp_path, caplog):
    assert main([str(weights), "--size", "big"]) == 1
    assert "a size is HEIGHTxWIDTH" in caplog.text
    assert main([str(tmp_path), "--size", "32x32"]) == 1
    assert "no weights in" in caplog.text


def test_a_record_with_a_wrong_config_is_named(weights):
    path = weights / "record.json"
    values = json.loads(path.read_text())
    values["config"]["wide"] = 1
    path.write_text(json.dumps(values))
    with pytest.raises(WeightsError, match=r"is wrong: .*unknown key 'wide'"):
        load_lightflow(weights, height=32, width=32)
