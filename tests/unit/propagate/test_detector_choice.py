from fractions import Fraction

import pytest

from propagate.detector_choice import DetectorChoice, size_settings
from tests.builders import make_info
from vod.errors import ConfigError


def test_pixels_become_a_size_that_suits_the_video():
    choice = DetectorChoice(pixels=66000)
    wide = choice.in_shape_of(make_info(width=1280, height=720))
    assert wide == DetectorChoice(size=(236, 268))
    assert choice.in_shape_of(make_info(width=720, height=1280)).size == (268, 236)


def test_the_shape_is_that_of_the_video_as_shown():
    # PAL at 16:9: 720 x 576 pixels, each 64/45 as wide as it is high.
    info = make_info(width=720, height=576, pixel_aspect=Fraction(64, 45))
    assert DetectorChoice(pixels=66000).in_shape_of(info).size == (236, 268)


def test_a_choice_without_pixels_stays_as_it_is():
    for choice in (DetectorChoice(), DetectorChoice(size=(64, 96))):
        assert choice.in_shape_of(make_info()) is choice


def test_a_shape_with_too_short_a_side_is_refused():
    info = make_info(width=40_000, height=4)
    with pytest.raises(
        ConfigError,
        match=r"of clip\.mp4, 40000x4, has 12 rows .* 32 to 4096: give",
    ):
        DetectorChoice(pixels=20_000).in_shape_of(info)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": (31, 300)}, "rows and columns from 32 to 4096, received 31x300"),
        ({"pixels": 1023}, "pixels must be from 1024 to 16777216, received 1023; rows"),
        ({"pixels": 2**24 + 1}, "received 16777217"),
        (
            {"pixels": 66000, "size": (64, 96)},
            r"size \[64, 96\] and pixels 66000 exclude each other: leave one of them",
        ),
    ],
)
def test_what_is_out_of_bounds_or_stated_twice_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        DetectorChoice(**values)


def test_a_command_lines_size_takes_back_what_a_file_states():
    assert size_settings("66000") == ("detector.pixels=66000", "detector.size=null")
    assert size_settings("64x96") == ("detector.size=[64, 96]", "detector.pixels=null")
