"""Flows by name: each loads, runs, and says what is wrong when it cannot."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from flow.dis import DisFlow
from flow.estimator import ZeroFlow
from flow.export import export_lightflow
from flow.registry import (
    FLOWS,
    NETWORKS,
    SHIPPED_WEIGHTS,
    graph_role,
    load_flow,
)
from vod.errors import ConfigError, WeightsError
from vod.weights import read_record

SIZE = {"input_height": 32, "input_width": 50}


@pytest.fixture(scope="module")
def weights(narrow_weights):
    export_lightflow(narrow_weights, height=32, width=50)
    return narrow_weights


def frames():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (64, 100, 3), np.uint8) for _ in range(2)]


@pytest.mark.parametrize("name", [name for name in FLOWS if name not in NETWORKS])
def test_flows_without_weights_give_a_field(name):
    flow = load_flow(name, **SIZE)
    current, key = map(flow.prepare, frames())
    assert flow(current, key).resized(8, 13).data.shape == (8, 13, 2)


def test_names_mean_what_they_say():
    assert list(FLOWS) == [
        "lightflow",
        "lightflow-0.75",
        "lightflow-0.5",
        "dis",
        "dis-ultrafast",
        "dis-fast",
        "dis-medium",
        "farneback",
        "zero",
    ]
    assert isinstance(load_flow("dis", **SIZE), DisFlow)
    assert isinstance(load_flow("zero", **SIZE), ZeroFlow)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(
        ConfigError, match=r"unknown flow 'lihtflow'\. Did you mean 'lig"
    ):
        load_flow("lihtflow", **SIZE)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_both_engines_give_the_same_flow(weights):
    fields = []
    for engine in ("litert", "tensorflow"):
        flow = load_flow("lightflow", **SIZE, engine=engine, weights=weights)
        current, key = map(flow.prepare, frames())
        fields.append(flow(current, key).data)
    assert fields[0].shape == (8, 13, 2)
    assert np.abs(fields[0]).max() > 0.05
    # Both run the same folded float16 numbers in float32; sums differ in their order.
    np.testing.assert_allclose(fields[0], fields[1], atol=1e-4)


def test_a_size_without_graph_names_sizes_and_command(weights):
    with pytest.raises(
        WeightsError,
        match=r"no graph for flow input 40x40; it has 32x50\. Run: .*40x40",
    ):
        load_flow("lightflow", input_height=40, input_width=40, weights=weights)


def test_a_graph_of_another_size_than_its_name_is_refused(weights, tmp_path):
    folder = tmp_path / "w"
    shutil.copytree(weights, folder)
    record = folder / "record.json"
    text = record.read_text().replace('"flow_32x50":', '"flow_40x40":')
    record.write_text(text)
    with pytest.raises(WeightsError, match=r"takes \[\(1, 32, 50, 3\).*40, 40"):
        load_flow("lightflow", input_height=40, input_width=40, weights=folder)


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(WeightsError, match="no weights in"):
        load_flow("lightflow", **SIZE, weights=tmp_path)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_ships_its_weights(name):
    record = read_record(SHIPPED_WEIGHTS / name, network="lightflow")
    width = float(name.partition("-")[2] or 1)
    assert record.config["width"] == width
    assert (SHIPPED_WEIGHTS / name / "CARD.md").is_file()


def test_shipped_weights_run_at_the_detectors_size():
    record = read_record(SHIPPED_WEIGHTS / "lightflow", network="lightflow")
    assert graph_role(300, 300) in record.graphs
    flow = load_flow("lightflow", input_height=300, input_width=300)
    frame = flow.prepare(np.zeros((300, 300, 3), np.uint8))
    assert flow(frame, frame).data.shape == (75, 75, 2)


def test_running_a_graph_needs_neither_tensorflow_nor_keras():
    code = (
        "import sys, flow.registry, flow.evaluate, flow.export, flow.draw;"
        "import flow.datasets.pairs;"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_weights_for_a_flow_without_any_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"has no weights.* Choose lightflow"):
        load_flow("dis-fast", input_height=32, input_width=32, weights=tmp_path)
