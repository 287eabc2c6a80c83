import numpy as np
import pytest

from propagate.followers import (
    FOLLOWERS,
    Holding,
    KalmanFollower,
    MedianFlowFollower,
    MilFollower,
)
from tests.builders import make_detections
from vod.types import Detections, Frame

SIDE = 96
RNG = np.random.default_rng(7)
TEXTURE = RNG.integers(0, 256, (12, 12, 3), np.uint8).repeat(4, 0).repeat(4, 1)


def picture(left, top, scale=1.0):
    """A textured square of 48 pixels on grey."""
    rgb = np.full((SIDE * 2, SIDE * 2, 3), 90, np.uint8)
    side = round(48 * scale)
    steps = np.arange(side) * 48 // side
    rgb[top : top + side, left : left + side] = TEXTURE[steps][:, steps]
    return Frame(0, 0.0, rgb)


def square(left, top, side=48, score=0.9, label=0):
    return make_detections(((left, top, left + side, top + side), score, label))


@pytest.mark.parametrize("name", FOLLOWERS)
def test_a_frame_without_objects_has_nothing_to_follow(name):
    follower = FOLLOWERS[name]()
    follower.restart(picture(20, 20), Detections.empty())
    assert follower.follow(picture(22, 20)).shape == (0, 4)
    follower.restart(picture(20, 20), square(20, 20))
    assert follower.follow(picture(20, 20)).shape == (1, 4)


def test_holding_leaves_boxes_where_they_are():
    follower = Holding()
    follower.restart(picture(20, 20), square(20, 20))
    np.testing.assert_array_equal(follower.follow(picture(40, 20)), [[20, 20, 68, 68]])


def advance(follower, count):
    for _ in range(count):
        boxes = follower.follow(picture(0, 0))
    return boxes


def test_a_first_detection_has_no_velocity():
    follower = KalmanFollower()
    follower.restart(picture(0, 0), square(20, 20))
    np.testing.assert_allclose(advance(follower, 9), [[20, 20, 68, 68]], atol=1e-4)


def test_a_second_detection_gives_the_velocity():
    follower = KalmanFollower()
    follower.restart(picture(0, 0), square(20, 20))
    advance(follower, 4)
    follower.restart(picture(0, 0), square(30, 20))  # 2 pixels a frame
    np.testing.assert_allclose(advance(follower, 5), [[40, 20, 88, 68]], atol=2.5)
    advance(follower, 4)  # the key frame itself is the tenth
    follower.restart(picture(0, 0), square(50, 20))
    np.testing.assert_allclose(advance(follower, 5), [[60, 20, 108, 68]], atol=1.5)


def test_velocity_stays_with_its_class():
    follower = KalmanFollower()
    follower.restart(picture(0, 0), square(20, 20, label=0))
    advance(follower, 4)
    follower.restart(picture(0, 0), square(30, 20, label=1))
    np.testing.assert_allclose(advance(follower, 5), [[30, 20, 78, 68]], atol=1e-4)


def test_velocity_is_not_read_from_another_object_far_away():
    follower = KalmanFollower()
    follower.restart(picture(0, 0), square(20, 20))
    advance(follower, 4)
    follower.restart(picture(0, 0), square(66, 20))  # IoU 2 / 94
    np.testing.assert_allclose(advance(follower, 5), [[66, 20, 114, 68]], atol=1e-4)


def test_two_objects_keep_their_own_velocities():
    follower = KalmanFollower()
    both = make_detections(((0, 0, 20, 20), 0.9, 0), ((100, 0, 120, 20), 0.8, 0))
    follower.restart(picture(0, 0), both)
    advance(follower, 4)
    swapped = make_detections(((105, 0, 125, 20), 0.9, 0), ((-5, 0, 15, 20), 0.8, 0))
    follower.restart(picture(0, 0), swapped)
    boxes = advance(follower, 5)
    assert boxes[0, 0] > 107
    assert boxes[1, 0] < -7


def test_a_box_that_shrinks_for_ever_keeps_a_pixel():
    follower = KalmanFollower()
    follower.restart(picture(0, 0), square(20, 20, side=60))
    advance(follower, 1)
    follower.restart(picture(0, 0), square(30, 30, side=40))
    sides = advance(follower, 60)[0]
    assert sides[2] - sides[0] >= 1
    assert sides[3] - sides[1] >= 1


def test_points_tell_where_a_box_has_moved():
    follower = MedianFlowFollower()
    follower.restart(picture(40, 40), square(40, 40))
    for step in range(1, 4):
        boxes = follower.follow(picture(40 + 3 * step, 40 - 2 * step))
    np.testing.assert_allclose(boxes, [[49, 34, 97, 82]], atol=1.0)


def test_points_tell_that_a_box_has_grown():
    follower = MedianFlowFollower()
    follower.restart(picture(40, 40), square(40, 40))
    boxes = follower.follow(picture(38, 38, scale=52 / 48))
    np.testing.assert_allclose(boxes, [[38, 38, 90, 90]], atol=1.5)


def test_without_texture_a_box_stays():
    plain = Frame(0, 0.0, np.full((SIDE, SIDE, 3), 90, np.uint8))
    follower = MedianFlowFollower()
    follower.restart(plain, square(20, 20))
    np.testing.assert_allclose(follower.follow(plain), [[20, 20, 68, 68]], atol=1e-3)


def test_mil_follows_a_square():
    follower = MilFollower()
    follower.restart(picture(40, 40), square(40, 40))
    for step in range(1, 4):
        boxes = follower.follow(picture(40 + 4 * step, 40))
    np.testing.assert_allclose(boxes, [[52, 40, 100, 88]], atol=6)


def test_mil_follows_the_best_and_holds_the_rest():
    follower = MilFollower(most=1)
    found = make_detections(((0, 0, 48, 48), 0.5, 0), ((40, 40, 88, 88), 0.9, 0))
    follower.restart(picture(40, 40), found)
    boxes = follower.follow(picture(52, 40))
    assert boxes[0].tolist() == [0, 0, 48, 48]
    assert boxes[1, 0] > 44


def test_mil_leaves_what_is_too_small_for_it():
    follower = MilFollower()
    follower.restart(picture(40, 40), square(40, 40, side=4))
    np.testing.assert_array_equal(follower.follow(picture(50, 40)), [[40, 40, 44, 44]])


@pytest.mark.parametrize("name", FOLLOWERS)
def test_boxes_given_out_are_not_changed_later(name):
    follower = FOLLOWERS[name]()
    found = square(40, 40)
    follower.restart(picture(40, 40), found)
    first = follower.follow(picture(43, 40))
    copy = first.copy()
    follower.follow(picture(46, 40))
    np.testing.assert_array_equal(first, copy)
    assert found.boxes.tolist() == [[40, 40, 88, 88]]
