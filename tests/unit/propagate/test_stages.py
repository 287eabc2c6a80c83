"""Single stages of a frame."""

import numpy as np

from flow.field import FlowField
from propagate.stages import flow_between, is_same, warp_maps
from propagate.view import View
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts


def test_maps_of_several_grids_share_one_flow():
    ramp = np.arange(4, dtype=np.float32)
    fine = np.broadcast_to(ramp[None, None, :, None], (1, 4, 4, 1)).copy()
    coarse = fine[:, ::2, ::2] + 0.5
    flow = FlowField(np.full((4, 4, 2), [1, 0], np.float32))
    moved_fine, moved_coarse = warp_maps((fine, coarse), flow, border="edge")
    assert moved_fine[0, 0, :, 0].tolist() == [1, 2, 3, 3]
    # One cell of the fine grid is half a cell of the coarse one.
    assert moved_coarse[0, 0, :, 0].tolist() == [1.5, 2.5]
    assert moved_fine.dtype == np.float32


def test_pictures_are_the_same_only_to_the_last_byte():
    one = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    other = one.copy()
    assert is_same(one, other)
    other[211, 7, 2] ^= 1
    assert not is_same(one, other)
    assert not is_same(one, one[:299])


def view_of(frame):
    return View(frame, make_parts().detector.preprocessing)


class CountingFlow(BrightestPixelFlow):
    """Counts the pictures that it prepares."""

    def __init__(self):
        self.prepared = 0

    def prepare(self, resized):
        self.prepared += 1
        return super().prepare(resized)


def test_a_picture_is_prepared_once_and_only_where_a_flow_needs_it():
    parts = make_parts(flow=CountingFlow())
    one, other, last = (view_of(dot_frame(i, i, 2)) for i in range(3))
    assert parts.flow.prepared == 0
    assert flow_between(parts, other, one).data.shape[2] == 2
    assert parts.flow.prepared == 2
    flow_between(parts, last, other)
    assert parts.flow.prepared == 3


def test_without_an_estimator_there_is_no_flow():
    view = view_of(dot_frame(0, 1, 2))
    assert flow_between(make_parts(), view, view) is None
