import importlib.util

import keras
import numpy as np
import pytest

from vod import engine as engine_module
from vod.engine import ENGINES, LiteRtGraph, load_graph, require_engine
from vod.engine_openvino import require_bfloat16
from vod.errors import ConfigError, DependencyError, ShapeError, WeightsError
from vod.export import export_graph
from vod.onnx_conversion import PACKAGES

NEEDED = {
    name: (engine.package, *(PACKAGES if engine.convert else ()))
    for name, engine in ENGINES.items()
}

RUNTIMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            not all(importlib.util.find_spec(package) for package in NEEDED[name]),
            reason=f"{name} is not installed: {ENGINES[name].install}",
        ),
    )
    for name in ("litert", "openvino", "onnxruntime")
]


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory):
    """A graph of a (1, 2, 3) and a (1, 4) input that gives 2 a + 1 and -b."""
    first = keras.Input((2, 3), batch_size=1, name="first")
    second = keras.Input((4,), batch_size=1, name="second")
    outputs = [keras.layers.Rescaling(2.0, 1.0)(first), keras.ops.negative(second)]
    path = tmp_path_factory.mktemp("graph") / "tiny.tflite"
    sample = [np.ones((1, 2, 3), np.float32), np.ones((1, 4), np.float32)]
    export_graph(keras.Model([first, second], outputs), path, samples=[sample])
    return path


@pytest.fixture(scope="module")
def load(graph_file, tmp_path_factory):
    """Load the graph on an engine; one folder caches what is converted."""
    cache = tmp_path_factory.mktemp("cache")

    def load_on(name, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VOD_CACHE", str(cache))
            return load_graph(graph_file, engine=name, **options)

    return load_on


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(1, 2, 3), (1, 4)]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_graph_tells_its_shapes_in_its_own_order(load, name):
    graph = load(name)
    assert graph.input_shapes == [(1, 2, 3), (1, 4)]
    assert graph.output_shapes == [(1, 2, 3), (1, 4)]
    assert graph.inputs.dtypes == [np.float32, np.float32]
    assert graph.path.stem.startswith("tiny")


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_graph_computes_what_its_model_states(load, name):
    first, second = arrays()
    doubled, negated = load(name, threads=1)(first, second)
    np.testing.assert_allclose(doubled, 2 * first + 1, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(negated, -second, rtol=1e-6)
    assert doubled.dtype == np.float32


CONVOLUTIONS = [name for name in RUNTIMES if name.values[0] != "onnxruntime"]


def convolutions(size, *, flatten=False):
    """Two convolutions that halve, then each cell's values or all in a row."""
    keras.utils.set_random_seed(0)
    picture = keras.Input((*size, 3), batch_size=1)
    values = picture
    for channels in (4, 2):
        values = keras.layers.Conv2D(channels, 3, strides=2, padding="same")(values)
    return keras.Model(picture, keras.layers.Flatten()(values) if flatten else values)


def exported(model, path):
    shape = tuple(model.inputs[0].shape)
    ones = [np.ones(shape, np.float32)]
    return export_graph(model, path, samples=[ones], float16=False)


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("size", [(6, 10), (13, 7), (16, 24)])
def test_convolutions_run_at_any_size_as_if_they_were_made_for_it(tmp_path, name, size):
    path = tmp_path / "convolutions.tflite"
    exported(convolutions((8, 12)), path)
    graph = load_graph(path, engine=name, input_size=size)
    picture = np.random.default_rng(0).normal(size=(1, *size, 3)).astype(np.float32)
    expected = np.asarray(convolutions(size)(picture))
    assert graph.input_shapes == [picture.shape]
    assert graph.output_shapes == [expected.shape]
    np.testing.assert_allclose(graph(picture)[0], expected, atol=1e-5)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_graph_of_one_size_is_not_run_at_another(tmp_path, graph_file, name):
    path = tmp_path / "flat.tflite"
    exported(convolutions((8, 12), flatten=True), path)
    for file in (path, graph_file):
        with pytest.raises(WeightsError, match=rf"{file.name} is not .* at 16x24\."):
            load_graph(file, engine=name, input_size=(16, 24))


@pytest.mark.parametrize("name", RUNTIMES[2:])
def test_an_engine_of_static_graphs_says_which_one_is_not(graph_file, name):
    with pytest.raises(ConfigError, match=r"exported for only: choose --engine litert"):
        load_graph(graph_file, engine=name, input_size=(16, 24))


def test_half_precision_computes_the_same_less_exactly(load):
    pytest.importorskip("openvino", reason="openvino is not installed")
    first, second = arrays()
    try:
        doubled, negated = load("openvino-bf16", threads=1)(first, second)
    except DependencyError as error:
        pytest.skip(str(error))
    np.testing.assert_allclose(doubled, 2 * first + 1, atol=0.02 * np.abs(first).max())
    np.testing.assert_allclose(negated, -second, rtol=0.01)
    assert doubled.dtype == np.float32


def test_a_processor_without_half_precision_is_told_what_to_choose():
    class Core:
        def get_property(self, *names):  # noqa: ARG002 (as OpenVINO calls it)
            return ["FP32", "INT8"]

    with pytest.raises(DependencyError, match="choose --engine openvino"):
        require_bfloat16(Core())


@pytest.mark.parametrize("name", RUNTIMES)
def test_later_calls_do_not_touch_earlier_outputs(load, name):
    graph = load(name)
    outputs = graph(*arrays(0))
    copies = [output.copy() for output in outputs]
    graph(*arrays(1))
    for output, copy in zip(outputs, copies, strict=True):
        np.testing.assert_array_equal(output, copy)


@pytest.mark.parametrize("name", RUNTIMES)
def test_views_and_other_float_types_are_taken(load, name):
    first, second = arrays()
    graph = load(name)
    mirrored = graph(first[:, ::-1], second.astype(np.float64))[0]
    np.testing.assert_array_equal(mirrored, graph(first, second)[0][:, ::-1])


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_call_leaves_its_inputs_as_they_are(load, name):
    inputs = arrays()
    load(name)(*inputs)
    for given, expected in zip(inputs, arrays(), strict=True):
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize(
    "shapes",
    [[(1, 2, 3)], [(1, 2, 3), (1, 5)], [(1, 4), (1, 2, 3)], [(2, 3), (1, 4)], []],
)
def test_inputs_of_other_shapes_are_refused(load, name, shapes):
    with pytest.raises(ShapeError, match=r"tiny.* takes inputs \[\(1, 2, 3\), "):
        load(name)(*(np.zeros(shape, np.float32) for shape in shapes))


@pytest.mark.parametrize("name", RUNTIMES)
def test_pixels_are_not_taken_for_normalised_values(load, name):
    with pytest.raises(ShapeError, match=r"tiny.* takes float32 values, received uin"):
        load(name)(np.zeros((1, 2, 3), np.uint8), np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x00" * 4096])
def test_a_file_that_is_not_a_graph_is_refused(tmp_path, monkeypatch, name, content):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "cache"))
    path = tmp_path / f"bad{ENGINES[name].suffixes[-1]}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.\w+ is not a "):
        load_graph(path, engine=name)


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(WeightsError, match=r"absent\.tflite is missing"):
        load_graph(tmp_path / "absent.tflite", engine=name)


def test_a_litert_graph_can_be_loaded_by_itself(graph_file, tmp_path):
    assert LiteRtGraph(graph_file).path == graph_file
    with pytest.raises(WeightsError, match=r"absent\.tflite is not a runnable"):
        LiteRtGraph(tmp_path / "absent.tflite")


def test_a_file_of_a_format_that_the_engine_does_not_run_is_refused(tmp_path):
    path = tmp_path / "graph.onnx"
    path.touch()
    with pytest.raises(WeightsError, match=r"litert', which runs \.tflite; export it"):
        load_graph(path)


def test_the_reference_engine_runs_no_files(graph_file):
    with pytest.raises(ConfigError, match=r"runs Keras models, not files like tiny"):
        load_graph(graph_file, engine="tensorflow")


def test_an_unknown_engine_is_told_the_nearest(graph_file):
    with pytest.raises(ConfigError, match="Did you mean 'openvino'"):
        load_graph(graph_file, engine="openvin")


@pytest.mark.parametrize(
    ("name", "command"),
    [("openvino", r"vod\[openvino\]"), ("onnxruntime", r"vod\[onnx\]")],
)
def test_an_engine_that_is_not_installed_names_the_command(monkeypatch, name, command):
    monkeypatch.setattr(engine_module.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(
        DependencyError, match=f"'{name}' is not installed: .*{command}"
    ):
        require_engine(name)
