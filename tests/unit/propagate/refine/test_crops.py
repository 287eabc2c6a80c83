import numpy as np
import pytest

from propagate.refine import crops
from propagate.refine.crops import (
    GREY,
    LARGEST_CHANGE,
    apply_corrections,
    crop_boxes,
    encode_corrections,
)


def ramp(height=40, width=60):
    """Red is the column, green the row."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, 0 * rows], -1).astype(np.uint8)


def test_a_crop_of_its_own_size_is_a_part_of_the_picture():
    box = np.array([[16, 8, 32, 24]], np.float32)  # with context 2: 8 to 40, 0 to 32
    crop = crop_boxes(ramp(), box, side=32, context=2.0)[0]
    np.testing.assert_array_equal(crop, ramp()[0:32, 8:40])


def test_a_crop_is_centred_on_its_box_and_stretched():
    box = np.array([[20, 10, 30, 30]], np.float32)
    crop = crop_boxes(ramp(), box, side=40, context=1.0)[0].astype(float)
    # 10 columns on 40, 20 rows on 40: a pixel is a quarter column, half a row.
    np.testing.assert_allclose(crop[20, 20, :2], [24.625, 19.75], atol=0.5)
    # Its outer columns' centres lie at 19.625 and 29.375.
    np.testing.assert_array_equal(crop[0, [0, 39], 0], [20, 29])


def test_beyond_the_picture_is_grey():
    box = np.array([[-30, -30, -4, -4]], np.float32)
    crop = crop_boxes(ramp(), box, side=32, context=1.0)[0]
    assert (crop == GREY[0]).all()


@pytest.mark.parametrize("size", [(300, 300), (257, 190), (40, 700), (3, 5)])
def test_a_crop_of_a_part_averaged_is_one_of_the_whole_averaged(monkeypatch, size):
    random = np.random.default_rng(sum(size))
    picture = random.choice(np.array([0, 1, 127, 254, 255], np.uint8), (*size, 3))
    centres = random.uniform(-0.3, 1.3, (200, 2)) * size[::-1]  # beyond it, too
    half = np.exp(random.uniform(0, 6, (200, 2))) / 2
    boxes = np.concatenate([centres - half, centres + half], 1).astype(np.float32)
    part = crop_boxes(picture, boxes, side=32, context=2.0)
    monkeypatch.setattr(crops, "BLOCK", 10_000)  # all of it
    whole = crop_boxes(picture, boxes, side=32, context=2.0)
    np.testing.assert_array_equal(part, whole)


def test_no_box_gives_no_crop():
    none = np.zeros((0, 4), np.float32)
    assert crop_boxes(ramp(), none, side=32, context=2.0).shape == (0, 32, 32, 3)


def test_a_box_without_area_is_framed_all_the_same():
    box = np.array([[20, 10, 20, 10]], np.float32)
    assert crop_boxes(ramp(), box, side=32, context=2.0).any()


def test_corrections_are_told_in_sides_of_the_box():
    box = np.array([[10, 10, 30, 20]], np.float32)
    target = np.array([[14, 10, 54, 20]], np.float32)  # centre 14 right, twice as wide
    codes = encode_corrections(target, box)
    np.testing.assert_allclose(codes, [[0.7, 0, np.log(2), 0]], atol=1e-6)


def test_applying_undoes_encoding():
    rng = np.random.default_rng(0)
    start, sides = rng.uniform(0, 50, (20, 2)), rng.uniform(20, 40, (20, 2))
    boxes = np.concatenate([start, start + sides], 1).astype(np.float32)
    targets = boxes + rng.uniform(-5, 5, (20, 4)).astype(np.float32)
    codes = encode_corrections(targets, boxes)
    np.testing.assert_allclose(apply_corrections(codes, boxes), targets, atol=1e-4)


def test_a_correction_is_limited():
    box = np.array([[10, 10, 20, 20]], np.float32)
    wild = np.array([[9, 0, 9, 0]], np.float32)
    moved = apply_corrections(wild, box)
    assert moved[0, 2] - moved[0, 0] == np.float32(10 * np.exp(LARGEST_CHANGE))
    assert (moved[0, 0] + moved[0, 2]) / 2 == 15 + 10 * LARGEST_CHANGE
