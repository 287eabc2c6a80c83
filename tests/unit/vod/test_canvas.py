"""Drawn on planes, a frame looks as if it had been drawn on in RGB."""

import cv2
import numpy as np
import pytest

from tests.builders import make_detections
from vod.canvas import RgbCanvas, Tile, YuvCanvas
from vod.draw import draw_on
from vod.video_picture import yuv_to_rgb

NAMES = ("cat", "dog")
RED, GREY = (255, 0, 0), (128, 128, 128)
TO_RGB = yuv_to_rgb(0.2126, 0.0722, is_full=False)


def planes(height=120, width=160):
    """A grey picture: Y 126, no colour."""
    half = (height // 2, width // 2)
    return [
        np.full((height, width), 126, np.uint8),
        np.full(half, 128, np.uint8),
        np.full(half, 128, np.uint8),
    ]


def seen(yuv):
    """What a viewer sees of planes."""
    large = [np.repeat(np.repeat(plane, 2, 0), 2, 1) for plane in yuv[1:]]
    return cv2.transform(cv2.merge([yuv[0], *large]), TO_RGB)


def test_even_fills_have_their_colour_and_end_where_they_should():
    yuv = planes()
    YuvCanvas(yuv, TO_RGB).fill(10, 20, 30, 60, RED)
    picture = seen(yuv)
    inside = picture[10:20, 30:60].reshape(-1, 3).astype(int)
    assert np.abs(inside - RED).max() <= 3
    picture[10:20, 30:60] = 0
    assert np.abs(picture[picture.any(2)].astype(int) - GREY).max() <= 2


def test_odd_edges_are_exact_in_brightness():
    yuv = planes()
    YuvCanvas(yuv, TO_RGB).fill(11, 15, 31, 33, (255, 255, 255))
    assert np.argwhere(yuv[0] != 126).min(0).tolist() == [11, 31]
    assert np.argwhere(yuv[0] != 126).max(0).tolist() == [14, 32]


def test_an_empty_fill_draws_nothing():
    yuv = planes()
    YuvCanvas(yuv, TO_RGB).fill(11, 11, 30, 40, RED)
    assert [np.unique(plane).tolist() for plane in yuv] == [[126], [128], [128]]


@pytest.mark.parametrize(("top", "left"), [(10, 20), (11, 21), (112, 150)])
def test_tiles_are_copied_as_far_as_they_fit(top, left):
    yuv, tile = planes(), np.full((9, 15, 3), RED, np.uint8)
    YuvCanvas(yuv, TO_RGB).paste(Tile(tile), top=top, left=left)
    picture = seen(yuv).astype(int)
    room = picture[top + 1 : top + 8, left + 1 : left + 14]
    assert np.abs(room - RED).max() <= 3
    assert np.abs(picture[: top - 1] - GREY).max() <= 2


def test_a_tile_pasted_before_is_as_a_new_one_whatever_the_colours():
    rgb = np.random.default_rng(0).integers(0, 256, (9, 15, 3), np.uint8)
    tile = Tile(rgb)
    other = yuv_to_rgb(0.299, 0.114, is_full=True)
    for to_rgb in (TO_RGB, TO_RGB, other, TO_RGB):
        pasted, fresh = planes(), planes()
        YuvCanvas(pasted, to_rgb).paste(tile, top=10, left=20)
        YuvCanvas(fresh, to_rgb).paste(Tile(rgb), top=10, left=20)
        for one, another in zip(pasted, fresh, strict=True):
            np.testing.assert_array_equal(one, another)
    assert not np.array_equal(tile.planes(other.tobytes())[0], fresh[0][10:19, 20:35])


def test_a_whole_drawing_is_that_in_rgb():
    found = make_detections(((20, 40, 90, 300), 0.9, 0), ((62, 134, 452, 292), 0.7, 1))
    yuv = planes(480, 640)
    rgb = RgbCanvas(seen(yuv))
    for canvas in (rgb, YuvCanvas(yuv, TO_RGB)):
        assert (canvas.height, canvas.width) == (480, 640)
        draw_on(canvas, found, NAMES, key_frame=True)
    one, other = (p.astype(int) for p in (seen(yuv), rgb.picture))
    apart, drawn = np.abs(one - other).max(2), np.abs(other - GREY).max(2) > 2
    assert drawn.mean() > 0.01
    # Only in letters and next to edges, where colour has half the size: measured, .21.
    assert (apart > 8).mean() < 0.25 * drawn.mean()
    assert (apart[~drawn] > 2).mean() < 0.01
