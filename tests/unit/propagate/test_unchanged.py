"""Frames that show what the last one did: the same results, without the work."""

from dataclasses import replace

import numpy as np
import pytest

import propagate.offline
import propagate.pipeline
import propagate.stages
from flow.dis import DisFlow
from flow.registry import load_flow
from propagate.config import load_pipeline_config
from propagate.keyframes import Adaptive, FixedInterval
from propagate.offline import results_of
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.types import Frame

POLICIES = [FixedInterval(4), Adaptive(3)]


class CountingFlow(BrightestPixelFlow):
    """Counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, current, key):
        self.calls += 1
        return super().__call__(current, key)


def repeated(*columns):
    """Frames with a dot at these columns; where one repeats, the frame does."""
    return [dot_frame(i, column, 3) for i, column in enumerate(columns)]


FRAMES = repeated(1, 1, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5)


def values_of(results):
    return [
        (
            r.key_frame,
            r.is_cut,
            r.detections.boxes.tolist(),
            r.detections.scores.tolist(),
            *(getattr(r.tracked, n).tolist() for n in ("key_frames", "ages", "shifts")),
            r.tracked.confidences.tolist(),
        )
        for r in results
    ]


def never_same(monkeypatch):
    for module in (propagate.pipeline, propagate.offline, propagate.stages):
        monkeypatch.setattr(module, "is_same", lambda *_: False)


@pytest.mark.parametrize("travels", ["boxes", "maps"])
@pytest.mark.parametrize("mode", ["causal", "offline"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("flow", [BrightestPixelFlow, lambda: None])
def test_the_short_cut_changes_nothing(monkeypatch, policy, mode, travels, flow):
    if travels == "maps" and mode == "offline":
        pytest.skip("maps do not travel backwards")
    parts = replace(make_parts(4, flow()), keyframes=policy, mode=mode, travels=travels)
    config = load_pipeline_config(None)
    parts = replace(parts, calibration=config.propagate.calibration)
    quick = values_of(results_of(parts, FRAMES))
    never_same(monkeypatch)
    assert quick == values_of(results_of(parts, FRAMES))


@pytest.mark.parametrize("mode", ["causal", "offline"])
def test_nothing_is_run_for_frames_that_repeat(mode):
    flow = CountingFlow()
    parts = replace(make_parts(4, flow), mode=mode)
    results = list(results_of(parts, repeated(*[2] * 9)))
    assert sum(r.key_frame for r in results) == 3
    assert parts.detector.features.calls == 1
    assert flow.calls == 0


def test_a_repeated_key_frame_counts_as_fresh():
    parts = replace(make_parts(4, BrightestPixelFlow()), mode="offline")
    results = list(results_of(parts, repeated(*[2] * 5)))
    assert results[4].tracked.key_frames.tolist() == [4]
    assert results[4].tracked.ages.tolist() == [0]


@pytest.mark.parametrize("size", [150, 300])
@pytest.mark.parametrize("preset", ["ultrafast", "fast", "medium"])
def test_between_equal_pictures_opencv_finds_no_motion(preset, size):
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    flow = DisFlow(preset, height=size, width=size)
    prepared = flow.prepare(picture)
    assert not flow(prepared, prepared).data.any()


def test_between_equal_pictures_farneback_finds_less_than_a_tenth_of_a_pixel():
    # Not quite none, so there the short cut is nearer to the truth.
    picture = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    flow = load_flow("farneback", input_height=150, input_width=150)
    prepared = flow.prepare(picture)
    np.testing.assert_allclose(flow(prepared, prepared).data, 0, atol=0.1)


@pytest.mark.parametrize("mode", ["causal", "offline"])
def test_without_boxes_no_flow_is_estimated(mode):
    flow = CountingFlow()
    parts = replace(make_parts(4, flow), mode=mode)
    frames = [Frame(i, i / 25, np.full((8, 8, 3), i, np.uint8)) for i in range(9)]
    assert all(not len(r.detections) for r in results_of(parts, frames))
    assert flow.calls == 0


@pytest.mark.parametrize("mode", ["causal", "offline"])
def test_classes_that_nobody_asked_for_are_not_carried(mode):
    flow = CountingFlow()
    parts = replace(make_parts(4, flow), mode=mode, labels=np.array([7]))
    results = list(results_of(parts, repeated(1, 2, 3, 4, 5)))
    assert [len(r.detections) for r in results] == [0] * 5
    assert flow.calls == 0


def test_asking_for_all_classes_is_asking_for_none():
    parts = replace(make_parts(4, BrightestPixelFlow()), mode="offline")
    asked = replace(parts, labels=np.array([0]))
    assert values_of(results_of(asked, FRAMES)) == values_of(results_of(parts, FRAMES))
