import numpy as np
import pytest

from detector.features import halved
from detector.ssd_config import (
    SsdConfig,
    backbone_specs,
    level_grids,
    level_specs,
    map_specs,
    resized,
    scaled_channels,
    ssd_anchors,
)
from vod.errors import ConfigError


def test_an_input_of_300_has_the_grids_of_the_public_detector():
    sides = [19, 10, 5, 3, 2, 1]
    assert level_grids(SsdConfig()) == [(side, side) for side in sides]


@pytest.mark.parametrize(
    ("size", "times", "expected"), [(300, 0, 300), (75, 1, 38), (300, 5, 10), (1, 3, 1)]
)
def test_halving_rounds_up_as_same_padding_does(size, times, expected):
    assert halved(size, times) == expected


def test_raw_maps_hold_four_codes_and_a_logit_a_class_for_each_anchor():
    specs = level_specs(SsdConfig(class_count=80))
    assert [spec.channels for spec in specs] == [3 * 84, *[6 * 84] * 5]
    assert [spec.name for spec in specs] == [f"level_{i}" for i in range(6)]
    assert specs[1].stride == 30


def test_backbone_maps_have_the_scaled_channels_of_their_blocks():
    coarse, fine = backbone_specs(SsdConfig(width=0.75))[::-1]
    assert (fine.channels, coarse.channels) == (384, 768)
    assert (fine.name, coarse.name) == ("stride_16", "stride_32")
    assert fine.stride == pytest.approx(300 / 19)


def test_the_seam_chooses_the_maps():
    assert len(map_specs(SsdConfig(seam="head"))) == 6
    assert len(map_specs(SsdConfig(seam="backbone"))) == 2


def test_channels_never_fall_below_16():
    assert scaled_channels(32, 0.25) == 16
    assert scaled_channels(64, 0.75) == 48


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"width": 0.0}, "width must be greater than 0, received 0.0"),
        ({"class_count": 0}, "class_count must be at least 1, received 0"),
        ({"input_height": 0}, "must be at least 1, received 0 and 300"),
    ],
)
def test_impossible_values_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        SsdConfig(**values)


def test_the_same_network_for_another_size_keeps_its_anchors_in_pixels():
    other = resized(SsdConfig(), 224, 400)
    assert (other.input_height, other.input_width) == (224, 400)
    assert other.trained_size == resized(other, 64, 64).trained_size == (300, 300)
    assert level_grids(other)[:2] == [(14, 25), (7, 13)]
    sides = [np.unique(ssd_anchors(c)[:, 2:], axis=0) for c in (SsdConfig(), other)]
    np.testing.assert_array_equal(*sides)
    with pytest.raises(ConfigError, match=r"trained_size must .* 1x1, .* 0x5"):
        SsdConfig(trained_size=(0, 5))


def test_a_picture_of_the_trained_size_has_its_anchors_on_the_cells():
    fresh = ssd_anchors(SsdConfig())
    np.testing.assert_array_equal(ssd_anchors(resized(SsdConfig(), 300, 300)), fresh)
    back = resized(resized(SsdConfig(), 224, 400), 300, 300)
    np.testing.assert_array_equal(ssd_anchors(back), fresh)
    np.testing.assert_allclose(fresh[0, :2], 300 / 19 / 2)


def test_a_backbone_of_unknown_padding_has_its_anchors_on_the_cells_at_any_size():
    config = SsdConfig(width=1.0, normalization="batch", backbone="keras:ResNet50")
    anchors = ssd_anchors(resized(config, 256, 300))
    np.testing.assert_allclose(anchors[0, :2], [300 / 19 / 2, 256 / 16 / 2])
    assert anchors[0, 2] == 30  # of 300, still
