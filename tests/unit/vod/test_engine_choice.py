import json

import keras
import numpy as np
import pytest

from vod import engine_choice
from vod.engine_choice import GraphUse, fastest_engine
from vod.export import export_graph


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory):
    value = keras.Input((4,), batch_size=1, name="value")
    path = tmp_path_factory.mktemp("graph") / "tiny.tflite"
    model = keras.Model(value, keras.layers.Rescaling(2.0)(value))
    export_graph(model, path, samples=[[np.ones((1, 4), np.float32)]])
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def costs(monkeypatch):
    """Pretend that everything is installed and costs this; count the measurements."""
    values = {"litert": 2.0, "openvino": 1.0, "onnxruntime": 3.0, "measured": 0}

    def measured(names, _uses, **_options):
        values["measured"] += 1
        return {name: values[name] for name in names}

    monkeypatch.setattr(engine_choice, "is_installed", lambda name: name in values)
    monkeypatch.setattr(engine_choice, "measured_costs", measured)
    return values


def test_the_cheapest_engine_is_measured_once_and_remembered(graph_file, cache, costs):
    uses = [GraphUse(graph_file, 1.0)]
    assert fastest_engine(uses, threads=2) == "openvino"
    costs["openvino"] = 9.0
    assert fastest_engine(uses, threads=2) == "openvino"
    assert costs["measured"] == 1
    (answer,) = (cache / "engines").iterdir()
    assert json.loads(answer.read_text())["ms_per_frame"] == {
        "litert": 2.0,
        "openvino": 1.0,
    }


@pytest.mark.usefixtures("cache")
def test_another_question_is_measured_again(graph_file, costs):
    fastest_engine([GraphUse(graph_file, 1.0)], threads=2)
    fastest_engine([GraphUse(graph_file, 1.0)], threads=1)
    fastest_engine([GraphUse(graph_file, 0.1)], threads=1)
    assert costs["measured"] == 3


@pytest.mark.usefixtures("cache")
def test_an_engine_that_would_have_to_convert_first_is_left_out(graph_file, costs):
    costs["onnxruntime"] = 0.1
    uses = [GraphUse(graph_file, 1.0)]
    assert fastest_engine(uses, threads=2) == "openvino"
    engine_choice.cached_onnx(graph_file).touch()
    assert fastest_engine(uses, threads=2) == "onnxruntime"


@pytest.mark.usefixtures("cache")
def test_at_another_size_only_engines_that_resize_are_asked(graph_file, costs):
    costs["onnxruntime"] = 0.1
    engine_choice.cached_onnx(graph_file).touch()
    uses = [GraphUse(graph_file, 1.0, input_size=(16, 24))]
    assert fastest_engine(uses, threads=2) == "openvino"
    costs["openvino"] = 9.0
    assert fastest_engine(uses, threads=2) == "openvino"
    uses = [GraphUse(graph_file, 1.0, input_size=(24, 16))]
    assert fastest_engine(uses, threads=2) == "litert"


@pytest.mark.usefixtures("cache")
def test_one_installed_engine_needs_no_measuring(graph_file, costs):
    del costs["openvino"]
    assert fastest_engine([GraphUse(graph_file, 1.0)], threads=2) == "litert"
    assert costs["measured"] == 0
    assert fastest_engine([], threads=2) == "litert"


@pytest.mark.parametrize("text", ["", "[]", '{"engine": "torch"}'])
def test_an_answer_that_cannot_be_used_is_measured_again(
    graph_file, cache, costs, text
):
    uses = [GraphUse(graph_file, 1.0)]
    fastest_engine(uses, threads=2)
    (answer,) = (cache / "engines").iterdir()
    answer.write_text(text)
    assert fastest_engine(uses, threads=2) == "openvino"
    assert costs["measured"] == 2


@pytest.mark.usefixtures("costs")
def test_without_a_cache_the_answer_is_not_kept(
    graph_file, tmp_path, monkeypatch, caplog
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "file"))
    assert fastest_engine([GraphUse(graph_file, 1.0)], threads=2) == "openvino"
    assert "cannot make the cache folder" in caplog.text


def test_costs_are_weighed_by_how_often_a_graph_runs(graph_file, monkeypatch):
    monkeypatch.setattr(engine_choice, "_milliseconds", lambda *_: 2.0)
    uses = [GraphUse(graph_file, 1.0), GraphUse(graph_file, 0.5)]
    costs = engine_choice.measured_costs(["litert"], uses, threads=1)
    assert costs == {"litert": 3.0}
