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
        first, last, flows, frame_size=FRAME, config=CONFIG, steps=steps
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
