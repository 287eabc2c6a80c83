import pytest

from detector.two_stage_config import TwoStageConfig, map_specs, shared_spec
from vod.errors import ConfigError


def test_the_papers_maps_lie_on_the_stride_16_grid():
    config = TwoStageConfig()
    shared, (rpn, regions) = shared_spec(config), map_specs(config)
    assert (shared.height, shared.width, shared.channels, shared.stride) == (
        *(14, 25),
        128,
        16.0,
    )
    assert (rpn.name, rpn.channels) == ("rpn", 256)
    assert (regions.name, regions.channels) == ("regions", 490)
    assert config.anchors_per_cell == 12


@pytest.mark.parametrize(("width", "channels"), [(0.75, (96, 192)), (0.5, (64, 128))])
def test_width_multiplies_the_shared_and_the_rpn_map(width, channels):
    config = TwoStageConfig(width=width)
    assert (shared_spec(config).channels, map_specs(config)[0].channels) == channels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"proposals": 0}, "proposals must be at least 1, received 0"),
        ({"width": 0.0}, "width must lie in"),
        ({"input_height": 31}, "must be at least 32, the stride of the deepest map"),
        ({"rpn_kernel": 5}, "rpn_kernel must be 1 or 3, received 5"),
        ({"anchor_sides": ()}, "anchor_sides must hold at least one value"),
        ({"anchor_ratios": (1.0, -2.0)}, "anchor_ratios must hold"),
        ({"rpn_nms_iou": 0.0}, "rpn_nms_iou must lie in"),
        ({"least_side": -1.0}, "least_side must be at least 0 pixels"),
    ],
)
def test_impossible_values_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        TwoStageConfig(**changes)
