import numpy as np
import pytest

from detector.registry import SHIPPED_WEIGHTS
from detector.ssd import build_head
from detector.ssd_config import SsdConfig, level_specs, resized
from detector.ssd_head import SsdHead
from vod.engine import load_graph


def random_maps(config, seed=0):
    """Predictions as wide as trained ones: codes to 5, logits from -20 to 20."""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(0, 4, (1, spec.height, spec.width, spec.channels)).astype(np.float32)
        for spec in level_specs(config)
    ]


def assert_alike(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        assert ours.shape == theirs.shape
    # Both compute in float32; boxes reach over 1000 pixels, where one step is 1.2e-4.
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (33, 48), (192, 344), (344, 192)])
def test_it_computes_what_keras_computes_at_any_size(tiny_config, size):
    config = resized(tiny_config, *size)
    assert config.trained_size == (64, 64)  # anchors stay as large as they were
    maps = random_maps(config)
    expected = [np.asarray(output) for output in build_head(config)(maps)]
    assert_alike(SsdHead(config)(*maps), expected)


def test_it_computes_what_the_shipped_graph_computes():
    graph = load_graph(SHIPPED_WEIGHTS / "ssd_mobilenet_v1" / "head.tflite")
    maps = random_maps(SsdConfig(), seed=1)
    assert_alike(SsdHead(SsdConfig())(*maps), graph(*maps))


def test_zero_maps_give_the_anchors_and_scores_of_one_half(tiny_config):
    maps = [np.zeros_like(array) for array in random_maps(tiny_config)]
    boxes, scores = SsdHead(tiny_config)(*maps)
    # first cell of the 4x4 grid: centre (8, 8), side 0.1 * 64
    np.testing.assert_allclose(boxes[0, 0], [4.8, 4.8, 11.2, 11.2], rtol=1e-5)
    assert np.unique(scores).tolist() == [0.5]


def test_logits_beyond_what_an_exponential_holds_give_scores_of_zero_and_one(
    tiny_config,
):
    maps = random_maps(tiny_config)
    for array in maps:
        array[...] = -1000
    maps[0][0, 0, 0, 4] = 1000
    boxes, scores = SsdHead(tiny_config)(*maps)
    assert scores[0, 0, 0] == 1
    assert scores.sum() == 1
    assert np.isfinite(boxes).all()


def test_later_calls_do_not_touch_earlier_outputs(tiny_config):
    head = SsdHead(tiny_config)
    outputs = head(*random_maps(tiny_config))
    copies = [output.copy() for output in outputs]
    head(*random_maps(tiny_config, seed=1))
    for output, copy in zip(outputs, copies, strict=True):
        np.testing.assert_array_equal(output, copy)
