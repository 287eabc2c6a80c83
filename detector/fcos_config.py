"""What the anchor-free dense head is, in numbers; needs no network library."""

from dataclasses import dataclass
from typing import Final, Literal

from detector.features import FeatureSpec, halved
from detector.ssd_config import scaled_channels
from vod.errors import ConfigError

LEVELS: Final = 3
STRIDES_PER_REACH: Final = 8.0
"""Longest distance to a side that a level answers for, in its strides: 64 pixels at
stride 8 (Tian et al., FCOS, arXiv 1904.01355, sec. 3.2); the last has no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FcosOptions:
    """What is the FCOS head's own, whatever it stands on.

    Source: Tian et al., FCOS, arXiv 1904.01355; centre sampling and GIoU as in its
    journal version, arXiv 2006.09214. Three levels and separable convolutions instead
    of five and full ones, for small machines.

    Attributes:
        first_stride: of the finest of the three levels, each twice as coarse as the one
            before. 8 sees small objects; 16 takes a quarter of the time.
        channels: of the pyramid and of the towers, at width 1.
        tower_depth: separable convolutions before the predictors of classes, and before
            those of boxes.
        radius: cells around an object's centre, in x and in y, that answer for it.
        prior: score of every class at every cell before training.
    """

    first_stride: Literal[8, 16] = 8
    channels: int = 96
    tower_depth: int = 2
    radius: float = 1.5
    prior: float = 0.01

    def __post_init__(self) -> None:
        if self.channels < 1 or self.tower_depth < 1:
            raise ConfigError(
                "channels and tower_depth must be at least 1, received "
                f"{self.channels} and {self.tower_depth}."
            )
        if not self.radius > 0:
            raise ConfigError(f"radius must be greater than 0, received {self.radius}.")
        if not 0 < self.prior < 1:
            raise ConfigError(f"prior must lie in (0, 1), received {self.prior}.")


def level_strides(options: FcosOptions) -> tuple[int, ...]:
    """Give the strides of the three levels: 8, 16, 32 or 16, 32, 64."""
    return tuple(options.first_stride * 2**level for level in range(LEVELS))


def reaches(options: FcosOptions) -> tuple[tuple[float, float], ...]:
    """Give, for each level, the longest distances to a side that it answers for.

    An object belongs where its longest distance lies above the first and at most at the
    second value, in pixels: at strides 8, 16, 32 these are 0-64, 64-128 and from 128.
    """
    ends = [STRIDES_PER_REACH * stride for stride in level_strides(options)]
    return tuple(zip([0.0, *ends[:-1]], [*ends[:-1], float("inf")], strict=True))


def pyramid_specs(
    options: FcosOptions, *, input_height: int, input_width: int, width: float
) -> tuple[FeatureSpec, ...]:
    """Describe the pyramid's maps, which propagation carries, `pyramid_8` and so on."""
    specs = []
    for stride in level_strides(options):
        halvings = stride.bit_length() - 1
        columns = halved(input_width, halvings)
        specs.append(
            FeatureSpec(
                name=f"pyramid_{stride}",
                height=halved(input_height, halvings),
                width=columns,
                channels=scaled_channels(options.channels, width),
                stride=input_width / columns,
            )
        )
    return tuple(specs)
