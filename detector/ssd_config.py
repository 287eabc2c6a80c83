"""What an SSD is, in numbers; needs no network library, so inference can read it."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from detector.anchors import anchors_per_cell, cell_centres, generate_anchors
from detector.backbones.table import APPLICATIONS, check_backbone
from detector.features import FeatureSpec, halved
from vod.errors import ConfigError
from vod.sizes import Size
from vod.types import FloatArray

LEVELS: Final = 6
FIRST_LEVEL_HALVINGS: Final = 4  # Conv2d_11_pointwise is the stride-16 map
LEVEL_HALVINGS: Final = range(FIRST_LEVEL_HALVINGS, FIRST_LEVEL_HALVINGS + LEVELS)
BOX_VALUES: Final = 4
MIN_CHANNELS: Final = 16  # `min_depth` of the TensorFlow SSD configurations
BACKBONE_CHANNELS: Final = {"mobilenet_v1": (512, 1024)}
"""Channels at width 1 of the maps of strides 16 and 32, where a seam can lie there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SsdOptions:
    """What is the SSD head's own, whatever it stands on.

    Attributes:
        seam: which maps go from the first half to the second, and so are propagated:
            the predictors' raw outputs (`"head"`) or the backbone's two maps
            (`"backbone"`, for MobileNet V1 only). The same weights fit both.
        trained_size: (rows, columns) of the input in training, which the anchors suit:
            see `ssd_anchors`. None is the input's own.
    """

    seam: Literal["head", "backbone"] = "head"
    trained_size: Size | None = None

    def __post_init__(self) -> None:
        if self.trained_size is not None and min(self.trained_size) < 1:
            raise ConfigError(
                "trained_size must be at least 1x1, received "
                f"{self.trained_size[0]}x{self.trained_size[1]}."
            )


@dataclass(frozen=True, slots=True)
class SsdConfig(SsdOptions):
    """An SSD; its defaults are the shipped one's, on MobileNet V1.

    Attributes:
        input_height: rows of the input picture.
        input_width: columns of the input picture.
        width: channel multiplier of backbone and extra layers.
        class_count: classes, without background.
        normalization: `"batch"`, or `"none"` where BatchNorm is folded into biases.
        backbone: name in `detector.backbones.table`.
        seam: see `SsdOptions`.
        trained_size: see `SsdOptions`.
    """

    input_height: int = 300
    input_width: int = 300
    width: float = 0.75
    class_count: int = 80
    normalization: Literal["batch", "none"] = "none"
    backbone: str = "mobilenet_v1"

    def __post_init__(self) -> None:
        SsdOptions.__post_init__(self)  # super() finds no class with slots
        if self.width <= 0:
            raise ConfigError(f"width must be greater than 0, received {self.width}.")
        check_backbone(self.backbone, self.width, self.normalization)
        if self.seam == "backbone" and self.backbone not in BACKBONE_CHANNELS:
            raise ConfigError(
                f"seam cannot be 'backbone' on {self.backbone}, only on "
                f"{', '.join(BACKBONE_CHANNELS)}: choose seam head."
            )
        if self.class_count < 1:
            raise ConfigError(
                f"class_count must be at least 1, received {self.class_count}."
            )
        if self.input_height < 1 or self.input_width < 1:
            raise ConfigError(
                "input_height and input_width must be at least 1, received "
                f"{self.input_height} and {self.input_width}."
            )


def resized(config: SsdConfig, height: int, width: int) -> SsdConfig:
    """Give the same network for pictures of another size.

    Its layers tell how much larger an object is than an anchor, and how far off, by
    what they see around a cell, in pixels. So anchors keep their sizes in pixels, and
    their places relative to what the cells see.
    """
    trained = config.trained_size or (config.input_height, config.input_width)
    return replace(config, input_height=height, input_width=width, trained_size=trained)


def scaled_channels(channels: int, width: float) -> int:
    """Give the channels of a layer at a width multiplier, never fewer than 16."""
    return max(int(channels * width), MIN_CHANNELS)


def level_grids(config: SsdConfig) -> list[tuple[int, int]]:
    """Give (height, width) of the six levels; for 300: 19, 10, 5, 3, 2, 1."""
    return [
        (halved(config.input_height, n), halved(config.input_width, n))
        for n in LEVEL_HALVINGS
    ]


def ssd_anchors(config: SsdConfig) -> FloatArray:
    """Give the `(N, 4)` anchors, see `generate_anchors`; for 300 x 300: 1917.

    Their sides are shares of the shorter side of the input in training, and their
    centres are those of `cell_centres`.
    """
    size = (config.input_height, config.input_width)
    trained = config.trained_size or size
    # `keras:NAME` may pad in any way.
    known = size if config.backbone.startswith(APPLICATIONS) else trained
    centres = [
        (cell_centres(size[0], n, known[0]), cell_centres(size[1], n, known[1]))
        for n in LEVEL_HALVINGS
    ]
    return generate_anchors(centres, side=min(trained))


def level_specs(config: SsdConfig) -> tuple[FeatureSpec, ...]:
    """Describe the six maps of raw predictions, `level_0` to `level_5`.

    Channels are anchor-major: for each anchor of the cell 4 codes (tx, ty, tw, th),
    then one logit a class.
    """
    values = BOX_VALUES + config.class_count
    return tuple(
        FeatureSpec(
            name=f"level_{level}",
            height=height,
            width=width,
            channels=anchors * values,
            stride=config.input_width / width,
        )
        for level, ((height, width), anchors) in enumerate(
            zip(level_grids(config), anchors_per_cell(LEVELS), strict=True)
        )
    )


def backbone_specs(config: SsdConfig) -> tuple[FeatureSpec, ...]:
    """Describe the backbone's two maps, `stride_16` and `stride_32`."""
    return tuple(
        FeatureSpec(
            name=name,
            height=height,
            width=width,
            channels=scaled_channels(channels, config.width),
            stride=config.input_width / width,
        )
        for name, channels, (height, width) in zip(
            ("stride_16", "stride_32"),
            BACKBONE_CHANNELS[config.backbone],
            level_grids(config),
            strict=False,
        )
    )


def map_specs(config: SsdConfig) -> tuple[FeatureSpec, ...]:
    """Describe the maps that go from the first half to the second at the seam."""
    if config.seam == "head":
        return level_specs(config)
    return backbone_specs(config)
