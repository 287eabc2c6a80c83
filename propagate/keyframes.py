"""When to run the whole detector: pure logic, no arrays."""

from dataclasses import dataclass
from typing import Protocol

from vod.errors import ConfigError


class KeyframePolicy(Protocol):
    """Decides which frames are key frames."""

    def is_key(self, frame_index: int, last_key_index: int | None) -> bool:
        """Say whether a frame is a key frame.

        Args:
            frame_index: 0-based index of the current frame.
            last_key_index: index of the last key frame, None before the first.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedInterval:
    """Every `interval`-th frame, counted from the last key frame (paper: 10).

    Attributes:
        interval: at least 1; 1 makes every frame a key frame.
    """

    interval: int

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ConfigError(
                f"keyframe_interval must be 1 or more, received {self.interval}. "
                "1 runs the detector on every frame."
            )

    def is_key(self, frame_index: int, last_key_index: int | None) -> bool:
        """See `KeyframePolicy`."""
        return last_key_index is None or frame_index - last_key_index >= self.interval
