"""Flow colours, arrows and the wheel."""

import numpy as np
import pytest

from flow.draw import arrow_spacing, draw_arrows, draw_flow, draw_wheel, stamp_wheel
from vod.errors import ShapeError

GREY = np.full((48, 60, 3), 128, np.uint8)


def steady(u, v, shape=(48, 60)):
    return np.broadcast_to(np.float32((u, v)), (*shape, 2)).copy()


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


def test_what_is_no_number_has_no_colour_and_infinity_has_its_direction():
    flow = np.array([[[np.nan, np.nan], [np.inf, 0]]], np.float32)
    assert draw_flow(flow, full_length=1).tolist() == [[[255] * 3, [255, 0, 0]]]
    assert np.isnan(flow[0, 0]).all()


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\), received \(3, 4\)"):
        draw_flow(np.zeros((3, 4), np.float32))
    with pytest.raises(ShapeError, match=r"share a size, received \(2, 3\)"):
        draw_arrows(GREY, steady(1, 0, (2, 3)))


def test_the_wheel_is_white_in_its_middle_and_corners():
    wheel = draw_wheel(33)
    assert wheel[16, 16].tolist() == [255, 255, 255]
    assert wheel[0, 0].tolist() == [255, 255, 255]
    assert wheel[16, 32].tolist() == [255, 0, 0]


def test_arrows_lead_from_the_grid_along_the_flow():
    spacing = arrow_spacing(48, 60)
    assert spacing == 10
    flow = np.full((48, 60, 2), np.nan, np.float32)
    flow[5, 25] = (8, 0)  # the only arrow: third of the first row
    picture = draw_arrows(GREY, flow)
    assert picture[5, 26:33].min() > 200  # white up to the tip
    changed = np.argwhere((picture != GREY).any(axis=-1))
    assert changed[:, 1].min() >= 22
    assert changed[:, 1].max() <= 36
    assert (GREY == 128).all()


def test_arrows_are_drawn_longer_when_asked():
    flow = np.full((48, 60, 2), np.nan, np.float32)
    flow[25, 5] = (0, -4)
    short, long = (draw_arrows(GREY, flow, enlarged=factor) for factor in (1, 4))
    assert short[10, 5].tolist() == [128, 128, 128]
    assert long[10, 5].min() > 200


def test_what_does_not_move_is_a_dot_and_a_wild_vector_no_error():
    dots = draw_arrows(GREY, steady(0, 0))
    assert dots[5, 5].min() > 200
    assert dots[10, 10].tolist() == [128, 128, 128]
    assert draw_arrows(GREY, steady(1e9, -1e9)).shape == GREY.shape


def test_the_legend_lies_in_the_lower_right_corner_only():
    picture = np.zeros((120, 160, 3), np.uint8)
    stamp_wheel(picture, 12.5)
    assert picture[:60].max() == 0
    assert picture[:, :80].max() == 0
    corner = picture[-60:, -60:]
    assert (corner == 255).all(axis=-1).any()
    assert ((corner.max(axis=-1) == 255) & (corner.min(axis=-1) == 0)).any()


def test_a_picture_without_room_has_no_legend():
    picture = np.zeros((20, 20, 3), np.uint8)
    stamp_wheel(picture, 1.0)
    assert not picture.any()
