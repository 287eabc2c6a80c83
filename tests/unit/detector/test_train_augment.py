import numpy as np
import pytest

from detector.train_augment import (
    AugmentConfig,
    cut_window,
    distort,
    move_boxes,
    random_window,
)
from vod.errors import ConfigError


def test_the_whole_picture_as_window_changes_nothing():
    rgb = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    window = np.array([0, 0, 30, 20], np.float32)
    np.testing.assert_array_equal(cut_window(rgb, window, height=20, width=30), rgb)


def test_a_mirrored_window_mirrors_picture_and_boxes():
    rgb = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    window = np.array([30, 0, 0, 20], np.float32)
    shown = cut_window(rgb, window, height=20, width=30)
    np.testing.assert_array_equal(shown, rgb[:, ::-1])
    boxes, visible = move_boxes(
        np.array([[0, 5, 10, 15]], np.float32), window, height=20, width=30
    )
    np.testing.assert_allclose(boxes, [[20, 5, 30, 15]])
    np.testing.assert_allclose(visible, [1])


def test_a_window_of_half_the_side_shows_pixels_twice_as_large():
    rgb = np.zeros((20, 20, 3), np.uint8)
    rgb[5:10, 5:10] = 255
    shown = cut_window(rgb, np.array([5, 5, 15, 15], np.float32), height=20, width=20)
    assert (shown[1:9, 1:9] == 255).all()  # index 0 blends with the pixel before
    assert (shown[11:, 11:] == 0).all()


def test_boxes_are_clipped_and_tell_how_much_is_visible():
    window = np.array([10, 10, 30, 30], np.float32)
    boxes = np.array([[0, 10, 20, 30], [0, 0, 5, 5]], np.float32)
    moved, visible = move_boxes(boxes, window, height=40, width=40)
    np.testing.assert_allclose(moved[0], [0, 0, 20, 40])
    np.testing.assert_allclose(visible, [0.5, 0])


def test_outside_the_picture_is_grey():
    rgb = np.zeros((10, 10, 3), np.uint8)
    shown = cut_window(rgb, np.array([-10, 0, 10, 20], np.float32), height=20, width=20)
    assert (shown[:, :9] == 128).all()


def test_windows_lie_inside_when_smaller_and_around_when_larger():
    rng = np.random.default_rng(0)
    inside = AugmentConfig(zoom=(0.5, 0.5), stretch=1.0, flip=0.0)
    around = AugmentConfig(zoom=(1.5, 1.5), stretch=1.0, flip=0.0)
    for _ in range(20):
        x1, y1, x2, y2 = random_window(rng, inside, height=40, width=60)
        assert 0 <= x1 < x2 <= 60
        assert 0 <= y1 < y2 <= 40
        assert x2 - x1 == pytest.approx(30, abs=1e-3)
        x1, y1, x2, y2 = random_window(rng, around, height=40, width=60)
        assert x1 <= 0
        assert x2 >= 60
        assert y1 <= 0
        assert y2 >= 40


def test_distortion_keeps_shape_and_type_and_the_same_seed_gives_the_same():
    rgb = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    config = AugmentConfig(blur=1.0)
    first, second = (distort(np.random.default_rng(3), rgb, config) for _ in range(2))
    assert first.shape == rgb.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert (first != rgb).any()


def test_distortion_of_strength_zero_only_rounds():
    rgb = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    config = AugmentConfig(brightness=0, contrast=0, hue=0, blur=0, noise=0)
    same = distort(np.random.default_rng(0), rgb, config)
    # OpenCV's 8-bit hue has 180 steps, so the way there and back is not exact.
    assert np.abs(same.astype(int) - rgb).max() <= 6


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"zoom": (0.0, 1.0)}, "zoom must rise from above 0"),
        ({"stretch": 0.5}, "stretch must be at least 1, received 0.5"),
    ],
)
def test_impossible_values_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        AugmentConfig(**values)
