import cv2
import numpy as np

from propagate.refine.subjects import FollowConfig, subjects_of
from propagate.train_data import Clip
from propagate.transport_config import TransportConfig
from tests.builders import make_detections

SIDE, SPEED = 96, 2


def picture(index):
    rng = np.random.default_rng(0)
    ground = cv2.blur(rng.integers(0, 120, (SIDE, SIDE, 3), np.uint8), (3, 3))
    square = cv2.blur(rng.integers(100, 255, (32, 32, 3), np.uint8), (3, 3))
    left = 10 + SPEED * index
    ground[30:62, left : left + 32] = square
    return ground


def clip(rows, count=8):
    pictures = np.stack([picture(t) for t in range(count)])
    return Clip("square", pictures, [make_detections(*rows(t)) for t in range(count)])


def box(index):
    left = 10 + SPEED * index
    return (left, 30, left + 32, 62)


def follow(rows, **changes):
    config = FollowConfig(**{"every": 100, **changes})
    return subjects_of(clip(rows), config, TransportConfig())


def test_an_object_is_followed_and_its_box_carried():
    (found,) = follow(lambda t: [(box(t), 0.9, 3)])
    assert found.first == 0
    np.testing.assert_allclose(found.boxes, [box(t) for t in range(8)])
    np.testing.assert_allclose(found.carried, found.boxes, atol=3)
    assert (np.diff(found.doubts) > 0).all()


def test_an_object_ends_where_it_is_not_found_again():
    (found,) = follow(lambda t: [(box(t), 0.9, 3 if t < 4 else 5)])
    assert len(found.boxes) == 4


def test_of_two_alike_at_one_place_neither_is_followed():
    twice = lambda t: [(box(t), 0.9, 3), (np.add(box(t), 1), 0.8, 3)]  # noqa: E731
    assert follow(twice) == []


def test_weak_boxes_begin_no_object():
    assert follow(lambda t: [(box(t), 0.35, 3)]) == []


def test_an_object_is_followed_no_longer_than_asked():
    (found,) = follow(lambda t: [(box(t), 0.9, 3)], longest=3)
    assert len(found.boxes) == 4
