"""The flow protocol: preparing frames, zero flow, and a network as a function."""

import numpy as np
import pytest

from flow.estimator import NetworkFlow, ZeroFlow, shrink
from vod.errors import ShapeError


def test_shrinking_averages_two_by_two_pixels():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:2, :2, 0] = [[0, 100], [200, 100]]
    small = shrink(picture, 2, 2)
    assert small.shape == (2, 2, 3)
    assert small[0, 0].tolist() == [100, 0, 0]
    assert shrink(small, 2, 2) is small


def test_pictures_of_another_kind_are_refused():
    with pytest.raises(
        ShapeError, match=r"expects \(H, W, 3\) uint8, received \(4, 4\)"
    ):
        shrink(np.zeros((4, 4), np.uint8), 2, 2)
    with pytest.raises(ShapeError, match="float32"):
        shrink(np.zeros((4, 4, 3), np.float32), 2, 2)


def test_zero_flow_is_zero_on_any_grid():
    flow = ZeroFlow()
    frame = flow.prepare(np.zeros((8, 8, 3), np.uint8))
    field = flow(frame, frame).resized(5, 7)
    assert field.data.shape == (5, 7, 2)
    assert not field.data.any()


def test_a_network_gets_current_then_key_and_gives_cells_of_its_grid():
    seen = []

    def graph(current, key):
        seen.extend([current, key])
        return (np.full((1, 2, 4, 2), (8.0, 3.0), np.float32),)

    flow = NetworkFlow(graph, height=6, width=16)
    current = flow.prepare(np.zeros((12, 32, 3), np.uint8))
    key = flow.prepare(np.full((12, 32, 3), 255, np.uint8))
    field = flow(current, key)
    assert current.shape == (1, 6, 16, 3)
    assert current.dtype == np.uint8
    assert seen[0].dtype == seen[1].dtype == np.float32
    np.testing.assert_allclose(seen[0], -1, atol=1e-6)
    np.testing.assert_allclose(seen[1], 1, atol=1e-6)
    # 8 of 16 pixels are 2 of 4 cells; 3 of 6 rows are 1 of 2.
    np.testing.assert_allclose(field.data, np.broadcast_to((2, 1), (2, 4, 2)))
