"""Detections on their way, with where they come from."""

from dataclasses import replace

import numpy as np
import pytest

from flow.field import FlowField
from propagate.tracked import Tracked
from propagate.transport_config import TransportConfig
from tests.builders import make_detections
from vod.types import Detections

FRAME = (40, 60)


def tracked(*rows, key_frame=7):
    return Tracked.fresh(make_detections(*rows), key_frame)


TWO = (((10, 10, 30, 20), 0.9, 1), ((0, 0, 8, 8), 0.6, 0))


def provenance(found):
    return (
        found.key_frames.tolist(),
        found.ages.tolist(),
        found.shifts.tolist(),
        found.confidences.tolist(),
    )


def test_a_key_frames_detections_have_come_no_way():
    found = tracked(*TWO)
    assert len(found) == 2
    assert provenance(found) == ([7, 7], [0, 0], [0, 0], [1, 1])


def test_boxes_grow_older_and_farther_step_by_step():
    flow = FlowField(np.full((20, 30, 2), [-1.5, 2.0], np.float32))  # 3, 4 pixels
    found = tracked(*TWO)
    for _ in range(2):
        found = found.carried(flow, frame_size=FRAME, config=TransportConfig())
    expected = [[16, 2, 36, 12], [6, -8, 14, 0]]
    np.testing.assert_allclose(found.detections.boxes, expected, atol=1e-3)
    keys, ages, shifts, confidences = provenance(found)
    assert (keys, ages) == ([7, 7], [2, 2])
    np.testing.assert_allclose(shifts, [10, 10], rtol=1e-4)
    np.testing.assert_allclose(confidences, [1, 1], rtol=1e-4)
    assert found.detections.scores.tolist() == pytest.approx([0.9, 0.6])


def test_confidence_is_the_product_over_the_steps():
    # One of four columns of samples sees another motion: 3/4 agree, twice.
    data = np.zeros((20, 30, 2), np.float32)
    data[:, :8] = [8, 0]
    config = TransportConfig(samples=4, core=1.0, scale=False)
    found = tracked(((10, 10, 42, 20), 0.9, 0))
    for _ in range(2):
        found = found.carried(
            FlowField(data), frame_size=FRAME, config=config, direction="backward"
        )
    assert found.confidences[0] == pytest.approx(0.75**2, abs=0.02)


def test_held_boxes_grow_older_where_they_are():
    found = tracked(*TWO).held().held()
    assert provenance(found) == ([7, 7], [2, 2], [0, 0], [1, 1])
    assert found.detections.boxes.tolist() == [[10, 10, 30, 20], [0, 0, 8, 8]]


@pytest.mark.parametrize("keep", [np.array([1]), np.array([False, True])])
def test_rows_are_selected_whole(keep):
    both = tracked(*TWO)
    both = replace(both, key_frames=np.array([7, 9]), ages=np.array([0, 1]))
    found = both.select(keep)
    assert found.detections.scores.tolist() == pytest.approx([0.6])
    assert provenance(found) == ([9], [1], [0], [1])


def test_new_scores_change_nothing_else():
    found = tracked(*TWO).with_scores(np.array([0.1, 0.2]))
    assert found.detections.scores.dtype == np.float32
    assert found.ranked().detections.labels.tolist() == [0, 1]
    assert found.detections.labels.tolist() == [1, 0]


def test_equal_scores_keep_their_order():
    rows = [((0, 0, 1, 1), 0.5, label) for label in range(4)]
    assert tracked(*rows).ranked().detections.labels.tolist() == [0, 1, 2, 3]


def shown(*rows, threshold=0.5, limit=10):
    found = tracked(*rows)
    return found.shown(frame_size=FRAME, threshold=threshold, limit=limit).detections


def test_what_is_shown_is_cut_at_the_frames_border():
    boxes = shown(((-5, -5, 70, 45), 0.9, 0)).boxes
    assert boxes.tolist() == [[0, 0, 60, 40]]


def test_a_box_that_has_left_the_frame_is_not_shown():
    # 10 pixels wide: 2 of them inside are just enough, 1.9 are not.
    at = [(-8, 0, 2, 10), (-8.1, 0, 1.9, 10), (60, 0, 70, 10), (0, -30, 10, -20)]
    found = shown(*((box, 0.9, label) for label, box in enumerate(at)))
    assert found.labels.tolist() == [0]


def test_a_box_without_area_is_not_shown():
    assert len(shown(((5, 5, 5, 9), 0.9, 0))) == 0


def test_weak_boxes_are_not_shown_and_the_best_come_first():
    rows = [((0, 0, 9, 9), score, 0) for score in (0.4, 0.5, 0.9, 0.7)]
    assert shown(*rows).scores.tolist() == pytest.approx([0.9, 0.7, 0.5])
    assert shown(*rows, limit=2).scores.tolist() == pytest.approx([0.9, 0.7])


def test_nothing_followed_is_nothing_shown():
    none = Tracked.fresh(Detections.empty(), 3)
    flow = FlowField(np.ones((2, 2, 2), np.float32))
    moved = none.carried(flow, frame_size=FRAME, config=TransportConfig())
    assert len(moved.shown(frame_size=FRAME, threshold=0, limit=5)) == 0
