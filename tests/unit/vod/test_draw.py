import colorsys
import itertools

import numpy as np
import pytest

from tests.builders import make_detections, make_picture
from vod.draw import class_colour, draw_boxes, draw_detections, text_colour
from vod.errors import ConfigError
from vod.types import Detections

NAMES = tuple(f"class {i}" for i in range(80))


def luminance(colour):
    linear = [(value / 255) ** 2.2 for value in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_frame_itself_is_not_touched():
    rgb = make_picture()
    before = rgb.copy()
    drawn = draw_detections(
        rgb, make_detections(((5, 20, 40, 40), 0.9, 3)), NAMES, key_frame=True
    )
    assert np.array_equal(rgb, before)
    assert not np.array_equal(drawn, before)


def test_nothing_found_is_an_unchanged_copy():
    rgb = make_picture()
    drawn = draw_detections(rgb, Detections.empty(), NAMES, key_frame=False)
    assert np.array_equal(drawn, rgb)
    assert drawn is not rgb


def test_the_line_lies_inside_the_box_on_exclusive_edges():
    rgb = np.zeros((100, 200, 3), np.uint8)
    drawn = draw_detections(
        rgb, make_detections(((50, 60, 90, 80), 0.5, 0)), NAMES, key_frame=False
    )
    colour = class_colour(0)
    # Boxes are [x1, x2): the last column is 89, the last row 79.
    for y, x in [(70, 50), (70, 89), (79, 70), (79, 50), (79, 89), (60, 89)]:
        assert tuple(drawn[y, x]) == colour
    for y, x in [(70, 49), (70, 90), (80, 70), (70, 52), (70, 87), (77, 70)]:
        assert not drawn[y, x].any()


@pytest.mark.parametrize(
    "box", [(0, 0, 30, 30), (170, 0, 200, 20), (190, 90, 200, 100), (0, 0, 200, 100)]
)
def test_tags_stay_inside_the_picture(box):
    rgb = np.zeros((100, 200, 3), np.uint8)
    drawn = draw_detections(rgb, make_detections((box, 0.5, 7)), NAMES, key_frame=False)
    inner = np.zeros((300, 400, 3), np.uint8)
    shifted = tuple(value + 100 for value in box)
    wide = draw_detections(
        inner, make_detections((shifted, 0.5, 7)), NAMES, key_frame=False
    )
    ink = text_colour(class_colour(7))
    written = (drawn == ink).all(-1) & (drawn != 0).any(-1) if any(ink) else None
    tag = (drawn == class_colour(7)).all(-1).sum()
    assert tag > 0.5 * (wide == class_colour(7)).all(-1).sum()
    assert written is None or written.any()


@pytest.mark.parametrize(
    "box", [(-20, -20, 5, 5), (500, 500, 600, 600), (10, 10, 10, 10), (9, 9, 3, 3)]
)
def test_boxes_outside_or_without_area_do_no_harm(box):
    rgb = make_picture()
    drawn = draw_detections(rgb, make_detections((box, 0.5, 7)), NAMES, key_frame=False)
    assert drawn.shape == rgb.shape


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (8, 8)])
def test_a_picture_smaller_than_a_tag_is_drawn_all_the_same(size):
    rgb = np.zeros((*size, 3), np.uint8)
    found = make_detections(((0, 0, size[1], size[0]), 0.5, 1))
    drawn = draw_detections(rgb, found, NAMES, key_frame=True)
    assert drawn.shape == rgb.shape


def test_a_key_frame_is_marked_in_the_upper_right_corner_only():
    rgb = np.zeros((100, 200, 3), np.uint8)
    drawn = draw_detections(rgb, Detections.empty(), NAMES, key_frame=True)
    rows, columns = np.nonzero(drawn.any(-1))
    assert rows.max() < 15
    assert columns.min() > 185


def test_the_better_score_is_drawn_on_top():
    rgb = np.zeros((100, 200, 3), np.uint8)
    box = (50, 40, 90, 80)
    found = make_detections((box, 0.9, 4), (box, 0.2, 5))
    drawn = draw_detections(rgb, found, NAMES, key_frame=False)
    assert tuple(drawn[79, 70]) == class_colour(4)


def test_a_label_without_a_name_is_refused():
    with pytest.raises(ConfigError, match="label 2 has no name: there are only 2"):
        draw_detections(
            make_picture(),
            make_detections(((0, 0, 9, 9), 0.5, 2)),
            ("a", "b"),
            key_frame=False,
        )


def test_lines_grow_with_the_picture():
    def line_width(side):
        rgb = np.zeros((side, side, 3), np.uint8)
        box = (side * 0.5, side * 0.5, side * 0.9, side * 0.9)
        found = make_detections((box, 0.5, 0))
        row = draw_detections(rgb, found, NAMES, key_frame=False)[round(side * 0.7)]
        return int(row[: round(side * 0.7)].any(-1).sum())

    assert [line_width(side) for side in (240, 720, 2160)] == [2, 3, 9]


def test_every_class_has_its_own_colour_and_neighbours_differ_in_hue():
    colours = [class_colour(label) for label in range(80)]
    assert len(set(colours)) == 80
    hues = [colorsys.rgb_to_hsv(*(v / 255 for v in colour))[0] for colour in colours]
    for first, second in itertools.pairwise(hues):
        distance = abs(first - second)
        assert min(distance, 1 - distance) > 0.3


def test_text_reads_on_every_class_colour():
    for label in range(80):
        colour = class_colour(label)
        assert contrast(text_colour(colour), colour) > 4.2


def test_text_is_black_on_light_and_white_on_dark():
    assert text_colour((255, 255, 0)) == (0, 0, 0)
    assert text_colour((0, 0, 160)) == (255, 255, 255)


def test_boxes_may_have_any_tag_or_none():
    boxes = np.array([[10, 20, 30, 40], [34, 20, 60, 40]], np.float32)
    red, blue = (255, 0, 0), (0, 0, 255)
    drawn = draw_boxes(np.zeros((48, 64, 3), np.uint8), boxes, ["", "x"], [red, blue])
    assert drawn[30, 10].tolist() == list(red)
    assert drawn[30, 34].tolist() == list(blue)
    assert not drawn[:20, :30].any()  # no tag above the first
    assert drawn[:20, 34:].any()


def test_a_track_number_is_drawn_where_there_is_one():
    rgb = make_picture(height=120, width=240)
    found = make_detections(((5, 30, 60, 60), 0.9, 3), ((120, 30, 180, 60), 0.8, 4))

    def drawn(track_ids):
        return draw_detections(rgb, found, NAMES, key_frame=False, track_ids=track_ids)

    plain, numbered = drawn(None), drawn(np.array([7, -1], np.int32))
    assert not np.array_equal(plain[:, :120], numbered[:, :120])
    np.testing.assert_array_equal(plain, drawn(np.array([-1, -1], np.int32)))
