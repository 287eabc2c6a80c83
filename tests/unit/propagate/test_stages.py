"""Single stages of a frame."""

import numpy as np

from flow.field import FlowField
from propagate.parts import FlowImage
from propagate.stages import flow_between, is_same, warp_maps
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


class CountingFlow(BrightestPixelFlow):
    """Counts the pictures that it prepares."""

    def __init__(self):
        self.prepared = 0

    def prepare(self, resized_rgb):
        self.prepared += 1
        return super().prepare(resized_rgb)


def test_a_picture_is_prepared_once_and_only_where_a_flow_needs_it():
    parts = make_parts(flow=CountingFlow())
    one, other, last = (FlowImage(dot_frame(i, i, 2).rgb) for i in range(3))
    assert parts.flow.prepared == 0
    assert flow_between(parts, other, one).data.shape[2] == 2
    assert parts.flow.prepared == 2
    flow_between(parts, last, other)
    assert parts.flow.prepared == 3


def test_without_an_estimator_there_is_no_flow():
    image = FlowImage(dot_frame(0, 1, 2).rgb)
    assert flow_between(make_parts(), image, image) is None
