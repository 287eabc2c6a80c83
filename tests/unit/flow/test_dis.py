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
    assert field.data.shape[0] / 96 == field.data.shape[1] / 128 == field.grain
    assert field.data.dtype == np.float32
    pixels = field.in_pixels(image_height=96, image_width=128)
    rim = round(20 * field.grain)
    middle = np.median(pixels[rim:-rim, rim:-rim], axis=(0, 1))
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


@pytest.mark.parametrize("preset", PRESETS)
def test_flow_of_the_finest_scale_is_opencvs_before_it_is_enlarged(preset):
    world = cv2.resize(clouds(), (340, 340), interpolation=cv2.INTER_CUBIC)
    pictures = world[20:320, 20:320], world[16:316, 14:314]
    flow = DisFlow(preset, height=300, width=300)
    found = flow(*(flow.prepare(picture) for picture in pictures))
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    method = cv2.DISOpticalFlow.create(PRESETS[preset])
    factor = 2 ** method.getFinestScale()
    assert found.data.shape == (300 // factor, 300 // factor, 2)
    assert found.grain == 1 / factor
    large = cv2.resize(found.data, (300, 300), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(large * factor, method.calc(*grey, None))


def test_sides_that_cannot_be_halved_keep_the_grid_of_pixels():
    flow = DisFlow("ultrafast", height=150, width=150)
    frame = flow.prepare(clouds()[:150, :150])
    field = flow(frame, frame)
    assert (field.data.shape, field.grain) == ((150, 150, 2), 1)
