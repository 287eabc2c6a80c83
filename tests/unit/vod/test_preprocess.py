import numpy as np
import pytest

from vod.errors import ConfigError
from vod.preprocess import Preprocessing


def test_pixels_0_and_255_become_minus_1_and_1():
    image = np.array([[[0, 255, 0]], [[255, 0, 255]]], np.uint8)
    prepared = Preprocessing(height=2, width=1)(image)
    assert prepared.shape == (1, 2, 1, 3)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared[0, :, 0], [[-1, 1, -1], [1, -1, 1]], atol=1e-6)


def test_mean_and_scale_are_in_pixel_values():
    image = np.full((1, 1, 3), 150, np.uint8)
    prepared = Preprocessing(height=1, width=1, mean=100, scale=25)(image)
    np.testing.assert_allclose(prepared, 2, atol=1e-6)


def test_the_frame_is_stretched_to_height_by_width():
    image = np.zeros((10, 20, 3), np.uint8)
    assert Preprocessing(height=6, width=8).resize(image).shape == (6, 8, 3)


def test_resizing_to_the_same_size_changes_nothing_and_shares_nothing():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    resized = Preprocessing(height=5, width=7).resize(image)
    np.testing.assert_array_equal(resized, image)
    assert not np.shares_memory(resized, image)


def test_colours_keep_their_order():
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 255
    resized = Preprocessing(height=8, width=8).resize(image)
    assert resized[3, 3].tolist() == [255, 0, 0]


def test_a_mirrored_view_is_taken_as_it_looks():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)[:, ::-1]
    prepared = Preprocessing(height=2, width=2, mean=0, scale=1)(image)
    np.testing.assert_allclose(prepared[0], image)


def test_boxes_return_to_frame_pixels_and_are_clipped():
    preprocessing = Preprocessing(height=100, width=200)
    boxes = np.float32([[10, 20, 100, 50], [-5, -5, 300, 300]])
    frame = preprocessing.boxes_to_frame(boxes, frame_height=50, frame_width=400)
    # x doubles (400 / 200), y halves (50 / 100).
    assert frame.tolist() == [[20, 10, 200, 25], [0, 0, 400, 50]]
    assert frame.dtype == np.float32


def test_no_boxes_stay_no_boxes():
    boxes = Preprocessing(height=1, width=1).boxes_to_frame(
        np.zeros((0, 4), np.float32), frame_height=9, frame_width=9
    )
    assert boxes.shape == (0, 4)


@pytest.mark.parametrize(
    "values",
    [
        {"height": 0, "width": 1},
        {"height": 1, "width": -1},
        {"height": 1, "width": 1, "scale": 0.0},
    ],
)
def test_sizes_and_scale_must_be_positive(values):
    with pytest.raises(ConfigError, match="positive height, width and scale"):
        Preprocessing(**values)
