"""Calm flows may span more frames, as far as motion stays within reach."""

import numpy as np
import pytest

from flow.field import FlowField
from propagate.reach import REACH, frames_within_reach
from propagate.stages import STILL


def uniform(u, v, shape=(75, 75)):
    return FlowField(np.full((*shape, 2), [u, v], np.float32))


@pytest.mark.parametrize(
    ("u", "span", "frames"),
    # Four cells of 75 are within reach; `u` cells in `span` frames.
    [
        (0.99, 1, 4),
        (1.9, 2, 4),
        (-3.9, 1, 1),
        (8.0, 1, 1),
        (0.39, 1, 10),
        (0.39, 2, 20),
    ],
)
def test_motion_over_the_next_span_stays_within_reach(u, span, frames):
    assert pytest.approx(4 / 75) == REACH
    assert frames_within_reach(uniform(u, 0), span) == frames
    assert frames_within_reach(uniform(0, u), span) == frames


def test_the_unit_is_the_share_of_each_side_on_any_grid():
    # 1.3 of 30 columns and 0 rows: .043 of .053 in one frame.
    assert frames_within_reach(uniform(1.3, 0, (40, 30)), 1) == 1
    assert frames_within_reach(uniform(1.3, 0, (40, 30)), 2) == 2
    assert frames_within_reach(uniform(0, 1.3, (80, 30)), 1) == 3


def test_a_small_object_counts_and_a_single_wrong_cell_hardly_does():
    flow = uniform(0, 0)
    flow.data[40:45, 20:25] = [3.9, 0]  # one part in 15 x 15
    assert frames_within_reach(flow, 1) == 1
    flow = uniform(0, 0)
    flow.data[40, 20] = [12.0, 0]  # 12 / 25 cells on average
    assert frames_within_reach(flow, 1) == 8


def test_nothing_known_is_one_frame_and_nothing_moving_is_many():
    assert frames_within_reach(None, 3) == 1
    assert frames_within_reach(STILL, 1) > 1000
