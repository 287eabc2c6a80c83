"""A frame's small pictures are made when they are asked for, and once."""

import cv2
import numpy as np

from flow.dis import DisFlow
from propagate.view import View
from tests.builders import make_picture
from vod.preprocess import Preprocessing
from vod.types import Frame

PICTURES = Preprocessing(40, 60)


class CountingPicture:
    """A picture that counts who looks at it, and how."""

    height, width = 80, 120

    def __init__(self):
        self.asked = []

    def resized(self, height, width):
        self.asked.append(("colour", height, width))
        return np.zeros((height, width, 3), np.uint8)

    def grey(self, height, width):
        self.asked.append(("grey", height, width))
        return np.zeros((height, width), np.uint8)


class ColourFlow:
    """An estimator that wants colour."""

    takes_grey = False

    def prepare(self, resized):
        return resized


def test_each_picture_is_made_once_and_none_before_it_is_asked_for():
    picture = CountingPicture()
    view = View(Frame(0, 0.0, picture), PICTURES)
    assert (view.size, picture.asked) == ((80, 120), [])
    assert view.picture is view.picture
    flow = ColourFlow()
    assert view.for_flow(flow) is view.for_flow(flow)
    assert picture.asked == [("colour", 40, 60)]


def test_a_flow_that_needs_no_colour_looks_at_brightness_alone():
    picture = CountingPicture()
    view = View(Frame(0, 0.0, picture), PICTURES)
    flow = DisFlow("ultrafast", height=40, width=60)
    assert view.for_flow(flow).ndim == 2
    assert picture.asked == [("grey", 40, 60)]
    # Also where the detector's picture is there: neighbours must be weighed alike.
    other = View(Frame(1, 0.1, CountingPicture()), PICTURES)
    assert other.picture.any() == other.for_flow(flow).any()
    assert other.frame.picture.asked == [("colour", 40, 60), ("grey", 40, 60)]


def test_a_glimpse_of_an_array_or_of_a_picture_is_as_small_as_it_is_asked_for():
    rgb = make_picture(height=80, width=120)
    glimpse = View(Frame(0, 0.0, rgb), PICTURES).glimpse(10)
    expected = cv2.resize(rgb, (10, 10), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(glimpse, expected)
    picture = CountingPicture()
    assert View(Frame(0, 0.0, picture), PICTURES).glimpse(10).shape == (10, 10, 3)
    assert picture.asked == [("colour", 10, 10)]


def test_for_an_array_the_flow_takes_the_detectors_picture():
    view = View(Frame(0, 0.0, make_picture(height=80, width=120)), PICTURES)
    flow = DisFlow("ultrafast", height=40, width=60)
    np.testing.assert_array_equal(view.for_flow(flow), flow.prepare(view.picture))
