from importlib.util import find_spec

import numpy as np
import pytest

from detector.registry import SHIPPED_WEIGHTS
from propagate.detector_choice import DetectorChoice
from propagate.speed import rivals
from propagate.speed.rivals import RIVALS, onnx_graph, rival_detector
from tests.toy_pipeline import make_parts
from vod.errors import WeightsError

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxruntime"))), reason="needs the extra onnx"
)


def write_doubling(path):
    """Write a network whose boxes are twice its picture and whose scores are half."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = [1, 4, 4, 3]
    factors = {"two": 2.0, "half": 0.5}
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["image", "two"], ["boxes"]),
            helper.make_node("Mul", ["image", "half"], ["scores"]),
        ],
        "doubling",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in ("boxes", "scores")
        ],
        [
            numpy_helper.from_array(np.array(value, np.float32), name)
            for name, value in factors.items()
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_runs_the_whole_network(rival, tmp_path, monkeypatch):
    path = write_doubling(tmp_path / "doubling.onnx")
    monkeypatch.setattr(rivals, "onnx_graph", lambda *_: path)
    toy = make_parts().detector
    detector = rival_detector(rival, toy, DetectorChoice(), threads=1)
    picture = np.random.default_rng(0).random((1, 4, 4, 3), np.float32)
    boxes, scores = detector.head(*detector.features(picture))
    np.testing.assert_allclose(boxes, 2 * picture, rtol=1e-6)
    np.testing.assert_allclose(scores, picture / 2, rtol=1e-6)
    assert detector.preprocessing == toy.preprocessing
    assert not detector.preprocessing.as_pixels


def test_a_graph_is_built_once_for_one_size_and_one_set_of_weights(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path))
    built = []

    class Pool:
        def __init__(self, _):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def apply(self, function, arguments):
            assert function is rivals.export
            built.append(arguments[:3])
            arguments[3].write_bytes(b"graph")

    monkeypatch.setattr(rivals.multiprocessing, "get_context", lambda _: PoolOf(Pool))
    toy = make_parts().detector
    first = onnx_graph(toy, DetectorChoice())
    assert onnx_graph(toy, DetectorChoice()) == first
    assert built == [(SHIPPED_WEIGHTS / "ssd_mobilenet_v1", 8, 8)]
    assert first.parent == tmp_path / "benchmark"


class PoolOf:
    def __init__(self, pool):
        self.Pool = pool


def test_a_graph_that_opencv_cannot_read_is_named(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(WeightsError, match=r"cannot read .*broken\.onnx"):
        RIVALS["opencv-dnn"](path, 1)
