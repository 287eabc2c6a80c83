"""Flow colours."""

import numpy as np
import pytest

from flow.draw import draw_flow, draw_wheel
from vod.errors import ShapeError


def test_zero_is_white_and_directions_have_their_hues():
    flow = np.array([[[0, 0], [2, 0], [-2, 0], [1, 0]]], np.float32)
    white, right, left, half = draw_flow(flow)[0].tolist()
    assert white == [255, 255, 255]
    assert right == [255, 0, 0]
    assert left == [0, 255, 255]
    assert half == [255, 128, 128]


def test_a_full_length_makes_pictures_comparable():
    flow = np.full((1, 1, 2), (1, 0), np.float32)
    assert draw_flow(flow, full_length=2)[0, 0].tolist() == [255, 128, 128]


def test_a_field_of_zeros_is_all_white():
    assert (draw_flow(np.zeros((2, 3, 2), np.float32)) == 255).all()


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\), received \(3, 4\)"):
        draw_flow(np.zeros((3, 4), np.float32))


def test_the_wheel_is_white_in_its_middle_and_corners():
    wheel = draw_wheel(33)
    assert wheel[16, 16].tolist() == [255, 255, 255]
    assert wheel[0, 0].tolist() == [255, 255, 255]
    assert wheel[16, 32].tolist() == [255, 0, 0]
