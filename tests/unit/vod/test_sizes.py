import pytest

from vod.errors import ConfigError
from vod.sizes import parse_size, parse_size_or_pixels, size_of_pixels


@pytest.mark.parametrize(
    ("pixels", "height", "width", "size"),
    [
        (66000, 720, 1280, (236, 268)),  # 16:9 becomes 1.15
        (66000, 1280, 720, (268, 236)),
        (66000, 72, 128, (236, 268)),  # the shape counts, not the size
        (66000, 480, 640, (268, 268)),  # as in training: to a square
        (66000, 640, 480, (268, 268)),
        (90000, 500, 500, (300, 300)),
        (55000, 720, 1280, (204, 268)),
        (4096, 100, 400, (44, 76)),
    ],
)
def test_pixels_become_sides_like_those_of_training(pixels, height, width, size):
    found = size_of_pixels(pixels, height=height, width=width, trained=(300, 300))
    assert found == size


@pytest.mark.parametrize("trained", [(300, 300), (320, 320), (224, 256), (33, 64)])
@pytest.mark.parametrize("pixels", [2000, 30000, 123456])
def test_maps_are_halved_as_in_training(trained, pixels):
    size = size_of_pixels(pixels, height=9, width=16, trained=trained)
    for side, usual in zip(size, trained, strict=True):
        for _ in range(5):
            assert side % 2 == usual % 2
            side, usual = -(-side // 2), -(-usual // 2)


def test_a_size_is_rows_and_columns_or_a_number_of_pixels():
    assert parse_size("192x344") == (192, 344)
    assert parse_size_or_pixels("192x344") == (192, 344)
    assert parse_size_or_pixels("66000") == 66000


@pytest.mark.parametrize("text", ["", "12x", "x12", "0x5", "-5", "6e4", "1x2x3", "5 "])
def test_what_is_neither_is_refused(text):
    with pytest.raises(ConfigError, match=r"like 236x268, or a number .* received '"):
        parse_size_or_pixels(text)
    with pytest.raises(ConfigError, match="like 150x150; received '"):
        parse_size(text)
