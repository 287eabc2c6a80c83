"""What the adapter of warped maps is, in numbers; needs no network library."""

from dataclasses import dataclass

from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """Size of the network.

    Attributes:
        maps: rows, columns and channels of each map between the detector's halves.
        channels: of the bottleneck through which a correction passes.
    """

    maps: tuple[tuple[int, int, int], ...]
    channels: int = 64

    def __post_init__(self) -> None:
        if not self.maps or min(map(min, self.maps)) < 1 or self.channels < 1:
            raise ConfigError("an adapter needs maps and channels, 1 or more each.")
