import importlib.util
import types

import numpy as np
import pytest

from vod.errors import DependencyError, ShapeError, WeightsError
from vod.export import export_graph, largest_difference
from vod.export_onnx import export_onnx, onnx_function
from vod.export_openvino import export_openvino, openvino_function

EXPORTERS = {
    "litert": (export_graph, "net.tflite"),
    "onnx": (export_onnx, "net.onnx"),
    "openvino": (export_openvino, "net.xml"),
}


@pytest.fixture(scope="module")
def model():
    """Two pictures in, two maps out, in an order that no alphabet gives."""
    import keras

    keras.utils.set_random_seed(0)
    second = keras.Input((6, 8, 3), batch_size=1, name="second")
    first = keras.Input((6, 8, 3), batch_size=1, name="first")
    both = keras.layers.Concatenate()([second, first])
    wide = keras.layers.Conv2D(64, 3, padding="same", name="wide")(both)
    small = keras.layers.Conv2D(2, 1, strides=2, name="small")(second)
    made = keras.Model([second, first], [wide, small], name="net")
    for variable in made.weights:
        variable.assign(np.asarray(variable).astype(np.float16).astype(np.float32))
    return made


@pytest.fixture(scope="module")
def samples():
    random = np.random.default_rng(0)
    shape = (1, 6, 8, 3)
    return [[random.uniform(-1, 1, shape).astype(np.float32) for _ in range(2)]]


@pytest.mark.parametrize("float16", [False, True])
@pytest.mark.parametrize("name", EXPORTERS)
def test_every_format_computes_what_keras_computes(
    name, float16, model, samples, tmp_path
):
    pytest.importorskip({"litert": "ai_edge_litert"}.get(name, name))
    export, file = EXPORTERS[name]
    error = export(model, tmp_path / file, samples=samples, float16=float16)
    assert error < 1e-4
    names = {path.name for path in tmp_path.iterdir()}
    assert names == ({file, "net.bin"} if name == "openvino" else {file})


def test_onnx_keeps_names_order_and_static_shapes(model, samples, tmp_path):
    onnx = pytest.importorskip("onnx")
    export_onnx(model, tmp_path / "net.onnx", samples=samples)
    graph = onnx.load(tmp_path / "net.onnx").graph
    shapes = {
        entry.name: [d.dim_value for d in entry.type.tensor_type.shape.dim]
        for entry in (*graph.input, *graph.output)
    }
    assert shapes == {
        "second": [1, 6, 8, 3],
        "first": [1, 6, 8, 3],
        "wide": [1, 6, 8, 64],
        "small": [1, 3, 4, 2],
    }
    wide, small = onnx_function(tmp_path / "net.onnx")(*samples[0])
    assert (wide.shape, small.shape) == ((1, 6, 8, 64), (1, 3, 4, 2))


def test_openvino_keeps_names_and_order(model, samples, tmp_path):
    openvino = pytest.importorskip("openvino")
    export_openvino(model, tmp_path / "net.xml", samples=samples)
    read = openvino.Core().read_model(tmp_path / "net.xml")
    assert [port.any_name for port in read.inputs] == ["second", "first"]
    assert [port.any_name for port in read.outputs] == ["wide", "small"]
    assert [list(port.shape) for port in read.outputs] == [[1, 6, 8, 64], [1, 3, 4, 2]]
    outputs = openvino_function(tmp_path / "net.xml")(*samples[0])
    assert [output.shape[-1] for output in outputs] == [64, 2]


def test_half_constants_make_the_onnx_file_smaller(model, samples, tmp_path):
    pytest.importorskip("onnx")
    sizes = []
    for float16 in (False, True):
        path = tmp_path / f"{float16}.onnx"
        export_onnx(model, path, samples=samples, float16=float16)
        sizes.append(path.stat().st_size)
    saved = 3 * 3 * 6 * 64 * 2  # the wide kernel, two bytes a value
    assert sizes[0] - sizes[1] == pytest.approx(saved, rel=0.05)


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_model_of_any_size_is_refused(name, samples, tmp_path):
    pytest.importorskip({"litert": "ai_edge_litert"}.get(name, name))
    import keras

    image = keras.Input((None, None, 3), batch_size=1, name="image")
    free = keras.Model(image, keras.layers.Conv2D(1, 1)(image))
    export, file = EXPORTERS[name]
    with pytest.raises(ShapeError, match="needs static input shapes and a sample"):
        export(free, tmp_path / file, samples=samples)
    assert not list(tmp_path.iterdir())


def test_a_graph_that_computes_something_else_is_refused(model, samples):
    def wrong(*inputs):
        return [np.asarray(output) + 1 for output in model(list(inputs))]

    with pytest.raises(WeightsError, match=r"net\.x: output 0 differs from Keras"):
        largest_difference(model, wrong, samples, file="net.x")


def test_a_graph_of_nan_is_refused(model, samples):
    def empty(*inputs):
        return [np.full(output.shape, np.nan) for output in model(list(inputs))]

    with pytest.raises(WeightsError, match="differs from Keras by nan"):
        largest_difference(model, empty, samples, file="net.x")


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("onnx", "tf2onnx", "onnx"), ("openvino", "openvino", "openvino")],
)
def test_a_missing_package_names_the_extra(
    name, package, extra, model, samples, tmp_path, monkeypatch
):
    found = importlib.util.find_spec

    def find_spec(wanted):
        if wanted == package:
            return None
        return found(wanted) or types.SimpleNamespace()

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    export, file = EXPORTERS[name]
    with pytest.raises(DependencyError, match=rf"pip install 'vod\[{extra}\]'"):
        export(model, tmp_path / file, samples=samples)
