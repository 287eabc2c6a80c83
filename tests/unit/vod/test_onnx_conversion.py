import importlib.util

import keras
import numpy as np
import pytest

from vod import onnx_conversion
from vod.errors import DependencyError, WeightsError
from vod.export import export_graph
from vod.onnx_conversion import PACKAGES, cached_onnx, onnx_of


@pytest.fixture
def graph_file(tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "cache"))
    value = keras.Input((4,), batch_size=1, name="value")
    model = keras.Model(value, keras.layers.Rescaling(2.0)(value))
    path = tmp_path / "tiny.tflite"
    export_graph(model, path, samples=[[np.ones((1, 4), np.float32)]])
    return path


needs_onnx = pytest.mark.skipif(
    not all(importlib.util.find_spec(package) for package in PACKAGES),
    reason="needs the extra onnx",
)


@needs_onnx
def test_a_graph_is_converted_once_for_its_content(graph_file, monkeypatch):
    path = onnx_of(graph_file)
    assert path == cached_onnx(graph_file)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    monkeypatch.setattr(onnx_conversion, "_convert_apart", None)
    assert onnx_of(graph_file) == path
    graph_file.write_bytes(graph_file.read_bytes() + b"\0")
    assert cached_onnx(graph_file) != path


@needs_onnx
def test_a_graph_that_cannot_be_converted_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"not a graph")
    with pytest.raises(WeightsError, match=r"bad\.tflite is not a \.tflite graph that"):
        onnx_of(path)
    assert list((tmp_path / "cache" / "onnx").iterdir()) == []


def test_a_missing_graph_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"absent\.tflite cannot be read \(No such"):
        onnx_of(tmp_path / "absent.tflite")


def test_a_missing_package_names_the_command(graph_file, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DependencyError, match=r"needs onnx, .* pip install 'vod\[onnx"):
        onnx_of(graph_file)
