import keras
import numpy as np
import pytest

from vod.engine import LiteRtGraph
from vod.errors import ShapeError, WeightsError
from vod.export import export_graph


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


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(1, 2, 3), (1, 4)]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def test_a_graph_tells_its_shapes_in_its_own_order(graph_file):
    graph = LiteRtGraph(graph_file)
    assert graph.input_shapes == [(1, 2, 3), (1, 4)]
    assert graph.output_shapes == [(1, 2, 3), (1, 4)]
    assert graph.path == graph_file


def test_a_graph_computes_what_its_model_states(graph_file):
    first, second = arrays()
    doubled, negated = LiteRtGraph(graph_file, threads=1)(first, second)
    np.testing.assert_allclose(doubled, 2 * first + 1, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(negated, -second, rtol=1e-6)
    assert doubled.dtype == np.float32


def test_later_calls_do_not_touch_earlier_outputs(graph_file):
    graph = LiteRtGraph(graph_file)
    outputs = graph(*arrays(0))
    copies = [output.copy() for output in outputs]
    graph(*arrays(1))
    for output, copy in zip(outputs, copies, strict=True):
        np.testing.assert_array_equal(output, copy)


def test_views_and_other_float_types_are_taken(graph_file):
    first, second = arrays()
    graph = LiteRtGraph(graph_file)
    mirrored = graph(first[:, ::-1], second.astype(np.float64))[0]
    np.testing.assert_array_equal(mirrored, graph(first, second)[0][:, ::-1])


@pytest.mark.parametrize(
    "shapes",
    [[(1, 2, 3)], [(1, 2, 3), (1, 5)], [(1, 4), (1, 2, 3)], [(2, 3), (1, 4)], []],
)
def test_inputs_of_other_shapes_are_refused(graph_file, shapes):
    graph = LiteRtGraph(graph_file)
    with pytest.raises(ShapeError, match=r"tiny\.tflite takes inputs \[\(1, 2, 3\), "):
        graph(*(np.zeros(shape, np.float32) for shape in shapes))


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x00" * 4096])
def test_a_file_that_is_not_a_graph_is_refused(tmp_path, content):
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.tflite is not a runnable"):
        LiteRtGraph(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.tflite is not a runnable"):
        LiteRtGraph(tmp_path / "absent.tflite")
