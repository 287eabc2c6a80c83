import pytest

from vod.errors import ConfigError
from vod.sizes import parse_size, parse_size_or_pixels, size_of_pixels


@pytest.mark.parametrize(
    ("pixels", "height", "width", "size"),
    [
        (66000, 720, 1280, (192, 344)),  # sides 192.7 and 342.5
        (66000, 1280, 720, (344, 192)),
        (66000, 72, 128, (192, 344)),  # the shape counts, not the size
        (90000, 500, 500, (304, 304)),
        (4096, 100, 400, (32, 128)),
    ],
)
def test_pixels_take_a_shape_in_sides_that_are_multiples_of_eight(
    pixels, height, width, size
):
    assert size_of_pixels(pixels, height=height, width=width) == size


def test_a_size_is_rows_and_columns_or_a_number_of_pixels():
    assert parse_size("192x344") == (192, 344)
    assert parse_size_or_pixels("192x344") == (192, 344)
    assert parse_size_or_pixels("66000") == 66000


@pytest.mark.parametrize("text", ["", "12x", "x12", "0x5", "-5", "6e4", "1x2x3", "5 "])
def test_what_is_neither_is_refused(text):
    with pytest.raises(ConfigError, match=r"like 192x344, or a number .* received '"):
        parse_size_or_pixels(text)
    with pytest.raises(ConfigError, match="like 150x150; received '"):
        parse_size(text)
