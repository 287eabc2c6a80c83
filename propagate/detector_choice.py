"""Which detector a config names, and the size of its pictures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from detector.registry import weights_folder
from vod.errors import ConfigError
from vod.sizes import Size, parse_size_or_pixels, size_of_pixels
from vod.video_info import VideoInfo
from vod.weights import read_record

LEAST_SIDE: Final = 32
LARGEST_SIDE: Final = 4096
"""Sides of the detector's input, in pixels; 32 is one cell of its second map."""

LEAST_PIXELS: Final = LEAST_SIDE**2
MOST_PIXELS: Final = LARGEST_SIDE**2


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """Which detector, and how large its pictures are.

    Attributes:
        name: registry name.
        weights: a weights folder; None is the shipped one.
        size: (rows, columns) of its input; None is as the weights say. See
            `propagate.networks.bundle_of` for what runs another size.
        pixels: about how many its input has, in sides that suit the video, instead of
            a size; `in_shape` makes one of it.
    """

    name: str = "ssd_mobilenet_v1"
    weights: Path | None = None
    size: Size | None = None
    pixels: int | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.pixels is not None:
            raise ConfigError(
                f"size {list(self.size)} and pixels {self.pixels} exclude each other: "
                "leave one of them out."
            )
        if self.size is not None and not _is_in_bounds(self.size):
            raise ConfigError(
                f"size must be rows and columns from {LEAST_SIDE} to {LARGEST_SIDE}, "
                f"received {self.size[0]}x{self.size[1]}."
            )
        if self.pixels is not None and not LEAST_PIXELS <= self.pixels <= MOST_PIXELS:
            raise ConfigError(
                f"pixels must be from {LEAST_PIXELS} to {MOST_PIXELS}, received "
                f"{self.pixels}; rows and columns are a size, like 300x300."
            )

    def in_shape_of(self, info: VideoInfo) -> Self:
        """Do as `in_shape` does, for a video as it is shown.

        Raises:
            ConfigError: see `in_shape`.
            WeightsError: likewise.
        """
        shown = float(info.width * info.pixel_aspect)
        return self.in_shape(info.height, shown, name=info.name)

    def in_shape(self, height: int, width: float, *, name: str) -> Self:
        """Make a size of the pixels, if any are stated, for pictures of a shape.

        See `vod.sizes.size_of_pixels`.

        Args:
            height: of the pictures.
            width: of the pictures, in the same unit.
            name: of what has that shape, for messages.

        Raises:
            ConfigError: a side is too short or too long, or the detector is unknown.
            WeightsError: its weights folder is none.
        """
        if self.pixels is None:
            return self
        usual = read_record(weights_folder(self.name, self.weights)).preprocessing
        trained = (usual.height, usual.width)
        size = size_of_pixels(self.pixels, height=height, width=width, trained=trained)
        if not _is_in_bounds(size):
            raise ConfigError(
                f"detector.pixels={self.pixels} for the shape of {name}, "
                f"{width:.0f}x{height}, has {size[0]} rows and {size[1]} columns, but "
                f"sides go from {LEAST_SIDE} to {LARGEST_SIDE}: give detector.size "
                "instead."
            )
        return replace(self, size=size, pixels=None)


def _is_in_bounds(size: Size) -> bool:
    return all(LEAST_SIDE <= side <= LARGEST_SIDE for side in size)


def size_settings(text: str) -> tuple[str, str]:
    """Give the settings that a size on a command line makes: `HxW`, or pixels.

    They also take back what a config file states as the other of the two.

    Raises:
        ConfigError: it is neither.
    """
    stated = parse_size_or_pixels(text)
    if isinstance(stated, int):
        return f"detector.pixels={stated}", "detector.size=null"
    return f"detector.size={list(stated)}", "detector.pixels=null"
