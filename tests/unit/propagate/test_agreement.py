"""Agreement of carried boxes with the detector's own, worked by hand."""

import numpy as np
import pytest

from propagate.agreement import agreement
from propagate.train_data import Clip
from propagate.transport_config import TransportConfig
from tests.builders import make_detections

SIDE, LENGTH, BOX = 64, 12, 20


class RightwardsFlow:
    """Half a pixel of the network's input (one of the detector's) right a frame."""

    def __init__(self, pixels=0.5):
        self.pixels, self.batches = pixels, []

    def __call__(self, pair, *, training):
        assert not training
        current, earlier = pair
        assert current.shape == earlier.shape
        assert current.shape[1:] == (SIDE // 2, SIDE // 2, 3)
        self.batches.append(len(current))
        return np.full((len(current), 8, 8, 2), [-self.pixels, 0], np.float32)


def clip(length=LENGTH, score=0.9, label=lambda _: 0, speed=1):
    found = [
        make_detections(
            ((10 + speed * t, 20, 10 + speed * t + BOX, 40), score, label(t))
        )
        for t in range(length)
    ]
    return Clip("clip", np.zeros((length, SIDE, SIDE, 3), np.uint8), found)


def measured(*clips, flow=None):
    return agreement(flow or RightwardsFlow(), clips, transport=TransportConfig())


def test_boxes_carried_by_the_true_flow_always_hit():
    figures = measured(clip())
    assert set(figures) == {"carried_5", "held_5", "carried_10", "held_10"}
    assert figures["carried_5"] == figures["carried_10"] == 1
    # 5 of 20 pixels aside: IoU 15 / 25; 10 aside: 10 / 30.
    assert figures["held_5"] == 1
    assert figures["held_10"] == 0


def test_boxes_carried_the_wrong_way_miss():
    figures = measured(clip(), flow=RightwardsFlow(-0.5))
    assert figures["carried_5"] == figures["carried_10"] == 0


def test_a_box_of_another_class_is_no_hit():
    # Key frames 0 and 6; class 1 from frame 11 on, which is 5 after frame 6.
    figures = measured(clip(label=lambda t: int(t >= 11)))
    assert figures["carried_5"] == pytest.approx(2 / 3)  # of 0-5, 3-8, 6-11
    assert figures["carried_10"] == 1


def test_uncertain_boxes_are_not_asked_about():
    assert set(measured(clip(score=0.3)).values()) == {0}


def test_a_clip_without_two_ages_counts_where_it_can():
    figures = measured(clip(length=7))
    assert figures["carried_5"] == 1
    assert figures["carried_10"] == 0


def test_no_clips_give_zeros():
    assert set(measured().values()) == {0}


def test_every_clip_counts_by_its_boxes():
    # Key frames 0, 3, 6 of the first clip, 0 of the second, whose box stands still.
    standing = clip(length=6, speed=0)
    figures = measured(clip(), standing)
    assert figures["held_5"] == 1
    # 5 pixels off: 15 / 25 is a hit as well.
    assert figures["carried_5"] == 1
    fast = clip(length=6, speed=3)  # 15 pixels in 5 frames, of which 5 are carried
    assert measured(clip(), fast)["carried_5"] == pytest.approx(3 / 4)


def test_flow_is_asked_for_in_batches():
    flow = RightwardsFlow()
    measured(clip(length=40, speed=0), flow=flow)
    assert flow.batches == [32, 7]
