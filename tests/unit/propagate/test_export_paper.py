"""Graphs of the paper's system: what Keras computes, in the folder of its weights."""

from dataclasses import replace

from detector.fit_measure import MEASURED
from propagate.export_paper import main
from propagate.paper_detector import PaperDetector
from propagate.paper_models import SIDES, paper_models
from propagate.paper_networks import build_paper_networks
from tests.tiny_paper import PICTURES, check_same, found_by_keras, tiny_config
from tests.tiny_videos import HEIGHT, WIDTH
from vod.engine import load_graph
from vod.preprocess import Preprocessing
from vod.weights import read_record


def test_the_record_lists_every_graph(tiny_paper):
    record = read_record(tiny_paper, network="paper")
    assert {
        role: (graph.inputs, graph.outputs) for role, graph in record.graphs.items()
    } == SIDES
    names = {f"{role}.tflite" for role in SIDES} | {"weights.safetensors"}
    assert record.files.keys() == names
    # Measured 8e-6, of boxes in pixels.
    assert max(graph.max_abs_error for graph in record.graphs.values()) < 1e-3


def test_graphs_find_what_keras_finds(tiny_paper):
    graphs = {role: load_graph(tiny_paper / f"{role}.tflite") for role in SIDES}
    system = PaperDetector.of(read_record(tiny_paper).preprocessing, graphs)
    frames = system.frames(PICTURES, 3, MEASURED)
    for found, wanted in zip(frames, found_by_keras(tiny_paper, 3), strict=True):
        check_same(found, wanted)


def test_a_folder_without_a_system_is_one_sentence(tmp_path, caplog):
    assert main([str(tmp_path)]) == 1
    assert f"no weights in {tmp_path}" in caplog.text


def test_without_aggregation_there_is_no_next_key():
    networks = build_paper_networks(replace(tiny_config(), aggregation=None))
    models = paper_models(networks, Preprocessing(HEIGHT, WIDTH))
    assert models.keys() == SIDES.keys() - {"next_key"}
