"""What the box refiner is, in numbers, and when it runs; needs no network library."""

from dataclasses import dataclass
from pathlib import Path

from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RefinerConfig:
    """Size of the network.

    Attributes:
        side: rows and columns of a crop, a multiple of 16.
        context: side of a crop in sides of its box: 2 frames as much around the box as
            the box itself.
        width: multiplier of MobileNet's channels; the detector's, whose first blocks
            the network starts from.
        blocks: so many of MobileNet's blocks look at a crop; 6 to 11, on the stride-16
            grid.
        fine_channels: taken from the stride-8 map, where places are exacter.
        deep_channels: taken from the last block, where objects are told apart.
        mixed_channels: of the map that compares both crops.
        hidden: of the layer behind it.
    """

    side: int = 64
    context: float = 2.0
    width: float = 0.75
    blocks: int = 8
    fine_channels: int = 64
    deep_channels: int = 96
    mixed_channels: int = 96
    hidden: int = 192

    def __post_init__(self) -> None:
        if self.side < 32 or self.side % 16:
            raise ConfigError(
                f"side must be a multiple of 16, 32 or more, received {self.side}."
            )
        if self.context < 1:
            raise ConfigError(f"context must be 1 or more, received {self.context}.")
        if not 6 <= self.blocks <= 11:
            raise ConfigError(f"blocks must lie in 6 to 11, received {self.blocks}.")
        counts = ("fine_channels", "deep_channels", "mixed_channels", "hidden")
        if min(getattr(self, name) for name in counts) < 1:
            raise ConfigError(f"{', '.join(counts)} must be 1 or more.")


@dataclass(frozen=True, slots=True)
class RefineChoice:
    """When boxes are refined, and with which weights.

    Attributes:
        every: frames from a key frame to the first correction, and to each after it;
            0 never corrects.
        weights: a weights folder; None is the shipped one.
        most: boxes of a frame that are corrected, the best; others stay as carried.
        least_doubt: expected error, in sides, below which a box stays as carried: where
            little moved, flow is exact. On five clips kept aside .045 spares more than
            half of the corrections and changes no figure
            (`propagate.refine.measure`); .055 loses.
    """

    every: int = 5
    weights: Path | None = None
    most: int = 20
    least_doubt: float = 0.045

    def __post_init__(self) -> None:
        if self.least_doubt < 0:
            raise ConfigError(
                f"least_doubt must be 0 or more, received {self.least_doubt}."
            )
        if self.every < 0 or self.most < 1:
            raise ConfigError(
                "every must be 0 (never) or more and most 1 or more, "
                f"received {self.every} and {self.most}."
            )
