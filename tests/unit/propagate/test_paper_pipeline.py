"""The frame path of the paper's system, with graphs small enough to follow by hand."""

from dataclasses import replace

import numpy as np
import pytest

from propagate.keyframes import Adaptive, FixedInterval
from propagate.offline import results_of
from propagate.paper_detector import PaperDetector
from tests.toy_pipeline import SIDE, dot_frame, head, make_parts
from vod.types import Frame


class ToySystem:
    """The map is the red channel, the state counts key frames; remembers its calls.

    Everything moves a pixel to the right a frame: `small` is the dot's column.
    """

    def __init__(self):
        self.calls = []

    def first_key(self, image):
        self.calls.append("first")
        return _column(image), np.ones(1), image[..., :1]

    def next_key(self, image, _small, state):
        self.calls.append("next")
        return _column(image), state + 1, image[..., :1]

    def between(self, image, small, score_map):
        self.calls.append("between")
        flow = np.zeros((1, SIDE, SIDE, 2), np.float32)
        flow[..., 0] = small - _column(image)
        return flow, np.roll(score_map, -int(flow[0, 0, 0, 0]), axis=2)


def _column(image):
    return image[0, ..., 0].max(axis=0).argmax()


def toy_parts(interval=3, *, aggregates=True):
    toy, parts = ToySystem(), make_parts(interval)
    system = PaperDetector(
        parts.detector.preprocessing,
        toy.first_key,
        toy.next_key if aggregates else None,
        toy.between,
        head,
    )
    return replace(parts, paper=system), toy


FRAMES = [dot_frame(index, index, 1) for index in range(5)]


def test_keys_are_aggregated_and_maps_travel_between_them():
    parts, toy = toy_parts()
    results = list(results_of(parts, FRAMES))
    assert toy.calls == ["first", "between", "between", "next", "between"]
    assert [result.key_frame for result in results] == [True, False, False, True, False]
    for number, result in enumerate(results):
        box = result.detections.boxes[0]
        left = max(number - 0.5, 0)  # cut off by the frame
        np.testing.assert_allclose(box, [left, 0.5, number + 1.5, 2.5])


def test_every_box_tells_its_key_frame_age_and_displacement():
    parts, _ = toy_parts()
    told = [result.tracked.provenance for result in results_of(parts, FRAMES)]
    assert [one.key_frames.tolist() for one in told] == [[0], [0], [0], [3], [3]]
    assert [one.ages.tolist() for one in told] == [[0], [1], [2], [0], [1]]
    moved = [float(one.displacements[0]) for one in told]
    np.testing.assert_allclose(moved, [0, 1, 2, 0, 1], atol=1e-5)
    assert all(one.confidences[0] == pytest.approx(1) for one in told)


def test_without_aggregation_every_key_stands_alone():
    parts, toy = toy_parts(2, aggregates=False)
    list(results_of(parts, FRAMES))
    assert toy.calls == ["first", "between", "first", "between", "first"]


def test_interval_one_makes_every_frame_a_key():
    parts, toy = toy_parts(1)
    assert all(result.key_frame for result in results_of(parts, FRAMES))
    assert toy.calls == ["first", "next", "next", "next", "next"]


def test_nothing_crosses_a_cut():
    parts, toy = toy_parts(10)
    rng = np.random.default_rng(0)
    other = rng.integers(0, 256, (2 * SIDE, SIDE, 3)).astype(np.uint8)
    frames = [*FRAMES[:2], Frame(2, 0.08, other), Frame(3, 0.12, other)]
    results = list(results_of(parts, frames))
    assert toy.calls == ["first", "between", "first", "between"]
    assert [result.is_cut for result in results] == [False, False, True, False]
    assert set(results[3].tracked.key_frames) <= {2}


def test_key_frames_may_come_where_the_picture_changes():
    parts, toy = toy_parts()
    parts = replace(parts, keyframes=Adaptive(2))
    still = [replace(FRAMES[0], index=index) for index in range(6)]
    list(results_of(parts, still))
    assert toy.calls[1:3] == ["between", "between"]
    parts, toy = toy_parts()
    list(results_of(replace(parts, keyframes=FixedInterval(2)), still))
    assert toy.calls[1:3] == ["between", "next"]
