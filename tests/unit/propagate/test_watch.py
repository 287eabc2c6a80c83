"""Cuts and adaptive key frames in the frame path, with the toy detector and flow."""

from dataclasses import replace

import numpy as np
import pytest

from flow.field import FlowField
from propagate.keyframes import Adaptive
from propagate.offline import detect_offline
from propagate.pipeline import detect_video
from tests.toy_pipeline import SIDE, BrightestPixelFlow, make_parts
from vod.types import Frame

BOTH = pytest.mark.parametrize("run", [detect_video, detect_offline])


class NoFlowAcrossCuts(BrightestPixelFlow):
    """The toy flow; refuses two pictures of different scenes."""

    def prepare(self, resized):
        return resized.astype(np.int32)

    def __call__(self, current, key):
        assert current[0, 0, 2] == key[0, 0, 2], "flow across a cut"
        red = [np.where(picture[..., 0] == 255, 255, 0) for picture in (current, key)]
        return super().__call__(*red)


def scene_frame(index, scene, x, y=3):
    """A dot of full red on a blue and green pattern that each scene has its own of.

    The pattern's red stays below the toy detector's threshold.
    """
    rng = np.random.default_rng(scene)
    rgb = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    rgb[..., 0] //= 4
    rgb[0, 0] = [0, 0, scene]
    rgb[y, x] = [255, 0, 0]
    return Frame(index, index / 25, rgb)


def video(*scenes):
    """Frames of scenes of so many frames each; the dot moves right in each."""
    frames = []
    for scene, count in enumerate(scenes):
        frames += [
            scene_frame(len(frames) + i, scene, x=1 + i % 6) for i in range(count)
        ]
    return frames


def keys(results):
    return [result.frame.index for result in results if result.key_frame]


def test_a_cut_is_a_key_frame_and_the_interval_counts_from_there():
    results = list(detect_video(make_parts(4, NoFlowAcrossCuts()), video(6, 7)))
    assert keys(results) == [0, 4, 6, 10]
    assert [r.frame.index for r in results if r.is_cut] == [6]


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_offline_the_last_frame_before_a_cut_is_a_key_frame_too(stride):
    parts = replace(make_parts(4, NoFlowAcrossCuts()), flow_stride=stride)
    results = list(detect_offline(parts, video(6, 7)))
    assert [r.frame.index for r in results] == list(range(13))
    assert keys(results) == [0, 4, 5, 6, 10, 12]
    assert [r.frame.index for r in results if r.is_cut] == [6]


@BOTH
def test_nothing_is_carried_across_a_cut(run):
    for parts in (make_parts(10), make_parts(10, NoFlowAcrossCuts())):
        for result in run(parts, video(4, 5, 3)):
            scene_start = max(s for s in (0, 4, 9) if s <= result.frame.index)
            scene_end = min(e for e in (4, 9, 12) if e > result.frame.index)
            assert (result.tracked.key_frames >= scene_start).all()
            assert (result.tracked.key_frames < scene_end).all()


@BOTH
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_two_scenes_give_what_each_gives_alone(run, stride):
    parts = replace(make_parts(4, NoFlowAcrossCuts()), flow_stride=stride)
    frames = video(6, 7)
    together = list(run(parts, frames))
    apart = [*run(parts, frames[:6]), *run(parts, frames[6:])]
    for one, other in zip(together, apart, strict=True):
        assert one.key_frame == other.key_frame
        np.testing.assert_array_equal(one.detections.boxes, other.detections.boxes)
        np.testing.assert_array_equal(one.detections.scores, other.detections.scores)


@BOTH
def test_where_the_size_of_frames_changes_a_scene_begins(run):
    frames = video(6)
    frames[3:] = [
        replace(frame, picture=frame.rgb.repeat(2, 0).repeat(2, 1))
        for frame in frames[3:]
    ]
    results = list(run(make_parts(4), frames))
    assert [r.frame.index for r in results if r.is_cut] == [3]
    assert all((r.tracked.key_frames >= 3).all() for r in results[3:])


@BOTH
@pytest.mark.parametrize("scenes", [(1,), (2,), (1, 1), (1, 1, 1), (2, 1), (1, 2)])
def test_very_short_scenes_are_whole(run, scenes):
    for policy in (make_parts().keyframes, Adaptive(10)):
        parts = replace(make_parts(10, NoFlowAcrossCuts()), keyframes=policy)
        parts = replace(parts, flow_stride=3)
        results = list(run(parts, video(*scenes)))
        assert [r.frame.index for r in results] == list(range(sum(scenes)))
        starts = np.cumsum([0, *scenes[:-1]]).tolist()
        assert set(starts) <= set(keys(results))
        if run is detect_offline:
            assert keys(results) == list(range(sum(scenes)))


class NoisyFlow(BrightestPixelFlow):
    """The toy flow, at odds with itself where the picture's first pixel says so."""

    def prepare(self, resized):
        return resized

    def __call__(self, current, key):
        flow = super().__call__(current[..., 0], key[..., 0]).data
        level = current[0, 0, 2] / 255
        noise = np.random.default_rng(0).normal(0, 2 * level, flow.shape)
        return FlowField((flow + noise).astype(np.float32))


def calm_then_wild(count, wild):
    """A dot at rest; the flow is noise on some frames."""
    frames = []
    for index in range(count):
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        rgb[3, 3, 0] = 255
        rgb[0, 0, 2] = 255 if index in wild else 0
        rgb[0, 1, 2] = index % 2  # no frame repeats the one before
        frames.append(Frame(index, index / 25, rgb))
    return frames


@BOTH
def test_adaptive_looks_where_the_carried_boxes_are_in_doubt(run):
    parts = replace(make_parts(flow=NoisyFlow()), keyframes=Adaptive(10))
    wild = range(40, 60)
    found = keys(run(parts, calm_then_wild(100, wild)))
    assert sum(key in wild for key in found) >= 4  # the fixed interval: 2
    assert len(found) <= 13


@BOTH
def test_adaptive_may_be_ahead_of_the_budget_from_the_start(run):
    parts = replace(make_parts(flow=NoisyFlow()), keyframes=Adaptive(10))
    found = keys(run(parts, calm_then_wild(40, range(1, 20))))
    assert found[1] < 10


@BOTH
@pytest.mark.parametrize("with_flow", [True, False])
def test_adaptive_keeps_the_budget_on_a_long_video(run, with_flow):
    flow = NoisyFlow() if with_flow else None
    rng = np.random.default_rng(5)
    wild = {i for i in range(600) if rng.random() < (i // 100) / 6}
    parts = replace(make_parts(flow=flow), keyframes=Adaptive(10))
    found = keys(run(parts, calm_then_wild(600, wild)))
    assert len(found) == pytest.approx(60, abs=13)  # see `PULL`


def test_a_second_video_starts_like_the_first():
    parts = replace(make_parts(flow=NoisyFlow()), keyframes=Adaptive(5))
    frames = calm_then_wild(60, range(20, 40))
    assert keys(detect_video(parts, frames)) == keys(detect_video(parts, frames))


def test_the_interval_holds_where_maps_travel():
    parts = replace(make_parts(3, NoFlowAcrossCuts()), travels="maps")
    assert keys(detect_video(parts, video(5, 4))) == [0, 3, 5, 8]
