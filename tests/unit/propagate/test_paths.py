"""Carried between two key frames at once, boxes go where each step takes them."""

import numpy as np
import pytest

from flow.field import FlowField
from propagate.paths import Path, carry_between
from propagate.tracked import Tracked
from propagate.transport_config import TransportConfig
from tests.builders import make_detections
from vod.types import Detections

FRAME = (40, 60)
CONFIG = TransportConfig()


def found(count, key_frame, seed=0):
    random = np.random.default_rng(seed)
    corner = random.uniform(5, 30, (count, 2))
    boxes = np.concatenate([corner, corner + random.uniform(4, 12, (count, 2))], 1)
    rows = [(tuple(box), 0.5, 0) for box in boxes]
    return Tracked.fresh(make_detections(*rows), key_frame)


def flows_of(count):
    random = np.random.default_rng(9)
    data = random.normal(0, 1, (count, 4, 6, 2)).astype(np.float32)
    return [FlowField(one).resized(20, 30) for one in data]


def carry(first, last, flows, steps):
    return carry_between(
        first, last, flows, frame_size=FRAME, config=CONFIG, places=range(steps + 1)
    )


@pytest.mark.parametrize(("before", "after"), [(3, 2), (0, 2), (3, 0)])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_both_ways_at_once_are_step_by_step(before, after, steps):
    first, last, flows = found(before, 0), found(after, steps, 1), flows_of(steps)
    ahead, back = carry(first, last, flows, steps)
    options = {"frame_size": FRAME, "config": CONFIG}
    there, forward = first, []
    for flow in flows:
        there = there.carried(flow, **options)
        forward.append(there)
    there, backward = last, [last]
    for flow in flows[:0:-1]:
        there = there.carried(flow, **options, direction="backward")
        backward.insert(0, there)
    for path, expected in ((ahead, forward), (back, backward)):
        assert len(path) == steps
        for place, step in enumerate(expected):
            for found_there, alone in (
                (path.boxes[place], step.detections.boxes),
                (path.shifts[place], step.shifts),
                (path.confidences[place], step.confidences),
            ):
                assert found_there.dtype == np.float32
                np.testing.assert_allclose(found_there, alone, rtol=1e-5, atol=1e-4)
            assert (step.ages == path.ages[place]).all()


def test_without_flow_boxes_are_held_and_grow_older():
    first, last = found(2, 0), found(1, 3, 1)
    ahead, back = carry(first, last, [None] * 3, 3)
    assert ahead.ages.tolist() == [1, 2, 3]
    assert back.ages.tolist() == [2, 1, 0]
    for path, start in ((ahead, first), (back, last)):
        assert (path.boxes == start.detections.boxes).all()
        assert (path.shifts == 0).all()
        assert (path.confidences == 1).all()


def test_nothing_to_carry_needs_no_flow():
    none = Tracked.fresh(Detections.empty(), 0)
    ahead, back = carry(none, none, [None] * 4, 4)
    assert ahead.boxes.shape == back.boxes.shape == (4, 0, 4)


def test_steps_already_carried_make_the_same_path():
    first, flows = found(3, 0), flows_of(4)
    there, steps = first, []
    for flow in flows:
        there = there.carried(flow, frame_size=FRAME, config=CONFIG)
        steps.append(there)
    path = Path.of(first, steps)
    ahead = carry(first, found(1, 4), flows, 4)[0]
    assert path.ages.tolist() == ahead.ages.tolist()
    for name in ("boxes", "shifts", "confidences"):
        np.testing.assert_allclose(
            getattr(path, name), getattr(ahead, name), rtol=1e-5, atol=1e-4
        )


def test_between_two_places_boxes_move_evenly():
    first, last = found(2, 0), found(3, 7, 1)
    flows, places = flows_of(3), [0, 3, 6, 7]
    options = {"frame_size": FRAME, "config": CONFIG}
    ahead, back = carry_between(first, last, flows, **options, places=places)
    there, knots = first, [first]
    for flow in flows:
        there = there.carried(flow, **options)
        knots.append(there)
    one, other = knots[0].detections.boxes, knots[1].detections.boxes
    expected = [one + (other - one) / 3, one + 2 * (other - one) / 3, other]
    np.testing.assert_allclose(ahead.boxes[:3], expected, rtol=1e-5, atol=1e-4)
    third = (2 * knots[1].shifts + knots[2].shifts) / 3  # of frame 4, between 3 and 6
    np.testing.assert_allclose(ahead.shifts[3], third, rtol=1e-5)
    assert ahead.ages.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert back.ages.tolist() == [6, 5, 4, 3, 2, 1, 0]


def test_the_last_ones_boxes_come_back_to_the_first_key_frame_where_frames_need_it():
    first, last, flows = found(0, 0), found(2, 4, 1), flows_of(2)
    options = {"frame_size": FRAME, "config": CONFIG}
    back = carry_between(first, last, flows, **options, places=[0, 2, 4])[1]
    middle = last.carried(flows[1], **options, direction="backward")
    start = middle.carried(flows[0], **options, direction="backward")
    expected = [
        (start.detections.boxes + middle.detections.boxes) / 2,
        middle.detections.boxes,
        (middle.detections.boxes + last.detections.boxes) / 2,
        last.detections.boxes,
    ]
    np.testing.assert_allclose(back.boxes, expected, rtol=1e-5, atol=1e-4)
    assert (back.boxes[-1] == last.detections.boxes).all()


def test_where_some_flows_are_unknown_boxes_wait():
    first, last, flows = found(2, 0), found(0, 4, 1), [None, flows_of(1)[0]]
    options = {"frame_size": FRAME, "config": CONFIG}
    ahead = carry_between(first, last, flows, **options, places=[0, 2, 4])[0]
    assert (ahead.boxes[:2] == first.detections.boxes).all()
    assert (ahead.boxes[3] != first.detections.boxes).any()
