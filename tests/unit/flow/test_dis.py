"""OpenCV's flows keep our convention: current to key, u right, v down."""

import cv2
import numpy as np
import pytest

from flow.dis import PRESETS, DisFlow, FarnebackFlow
from vod.errors import FlowError


def clouds(seed=0):
    coarse = np.random.default_rng(seed).uniform(0, 255, (20, 20, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (160, 160), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


METHODS = [
    *(lambda p=preset: DisFlow(p, height=96, width=128) for preset in PRESETS),
    lambda: FarnebackFlow(height=96, width=128),
]


@pytest.mark.parametrize("make", METHODS)
def test_content_that_lies_right_and_down_in_the_key_has_positive_flow(make):
    world = clouds()
    current = world[20:116, 20:148]
    key = world[18:114, 17:145]  # the same content, 3 right and 2 down
    flow = make()
    field = flow(flow.prepare(current), flow.prepare(key))
    assert field.data.shape == (96, 128, 2)
    assert field.data.dtype == np.float32
    middle = np.median(field.data[20:-20, 20:-20], axis=(0, 1))
    np.testing.assert_allclose(middle, (3, 2), atol=0.1)


def test_frames_are_shrunk_and_grey():
    flow = DisFlow("fast", height=48, width=64)
    assert flow.prepare(np.zeros((96, 128, 3), np.uint8)).shape == (48, 64)


def test_pictures_too_small_for_the_method_are_refused():
    with pytest.raises(FlowError, match="at least 16 pixels a side, received 15 x 64"):
        FarnebackFlow(height=15, width=64)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_smallest_accepted_picture_works(preset):
    flow = DisFlow(preset, height=16, width=16)
    frame = flow.prepare(clouds()[:32, :32])
    assert flow(frame, frame).data.shape == (16, 16, 2)
