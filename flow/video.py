"""Flow between neighbouring frames of a video, as colours beside the frame."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from flow.draw import arrow_spacing, draw_arrows, draw_flow, stamp_wheel
from flow.evaluation.runner import FlowRunner
from vod.errors import ConfigError, VideoError
from vod.types import ByteArray, FloatArray, Frame
from vod.video import VideoInfo

ASSUMED_RATE: Final = 30.0  # frames a second of a source that does not tell its own

LEAST_PX: Final = 2.0
"""Least displacement at full saturation: below it a still camera's noise would glow."""

_LONG: Final = 99.0  # percentile of lengths that is fully saturated
_RISE_S: Final = 0.4  # time in which the scale covers 63 % of the way up
_FALL_S: Final = 1.5  # and down: a scene that calms does not flare up again
_STEP: Final = 4  # every so many rows and columns is enough to find a percentile


@dataclass(frozen=True, slots=True)
class VideoLook:
    """What a frame of the output shows.

    Attributes:
        max_px: displacement shown fully saturated; None lets it follow the video.
        arrows: draw arrows on the frame, too.
        legend: put the colour wheel into a corner.
        distance: frames between the two pictures that flow is computed from.
    """

    max_px: float | None = None
    arrows: bool = False
    legend: bool = True
    distance: int = 1

    def __post_init__(self) -> None:
        if self.max_px is not None and not 0 < self.max_px < math.inf:
            raise ConfigError(f"--max-px must be positive, received {self.max_px:g}.")
        if self.distance < 1:
            raise ConfigError(
                f"--distance must be 1 or more, received {self.distance}."
            )


class SteadyScale:
    """The displacement shown fully saturated, which follows a video slowly.

    A scale set by each frame alone makes the colours of a thing that moves steadily
    flicker with whatever else comes and goes.
    """

    def __init__(self, fixed: float | None, *, rate: float) -> None:
        """Take the scale, if it is fixed, and the frames a second."""
        self._fixed = fixed
        self._rise = 1 - math.exp(-1 / (rate * _RISE_S))
        self._fall = 1 - math.exp(-1 / (rate * _FALL_S))
        self._length: float | None = None

    def follow(self, flow: FloatArray) -> float:
        """Give the scale for the next frame's `(H, W, 2)` flow, in its pixels."""
        if self._fixed is not None:
            return self._fixed
        wanted = max(LEAST_PX, long_length(flow))
        if self._length is None:
            self._length = wanted
        share = self._rise if wanted > self._length else self._fall
        self._length += share * (wanted - self._length)
        return self._length


def long_length(flow: FloatArray) -> float:
    """Give the length that nearly all vectors of `(H, W, 2)` flow stay below."""
    coarse = flow[::_STEP, ::_STEP]
    return float(np.percentile(np.hypot(coarse[..., 0], coarse[..., 1]), _LONG))


def paired(frames: Iterable[Frame], distance: int) -> Iterator[tuple[Frame, Frame]]:
    """Give every frame with the one `distance` later; at the end, with the last one.

    The last frame itself comes with itself.
    """
    waiting: deque[Frame] = deque()
    for frame in frames:
        waiting.append(frame)
        if len(waiting) > distance:
            yield waiting.popleft(), frame
    for frame in tuple(waiting):
        yield frame, waiting[-1]


def beside(info: VideoInfo) -> VideoInfo:
    """Give the format of the output: two pictures of the source side by side."""
    return replace(info, width=2 * info.width)


def draw_video(
    frames: Iterable[Frame],
    runner: FlowRunner,
    look: VideoLook,
    *,
    rate: float,
    show: Callable[[ByteArray, float], bool],
) -> int:
    """Draw every frame beside its flow to the frame `look.distance` later.

    Args:
        frames: of one size.
        runner: the flow.
        look: what is drawn.
        rate: frames a second.
        show: takes `(H, 2 W, 3)` uint8 RGB and the frame's time; False ends the video.

    Returns:
        How many frames were drawn.

    Raises:
        VideoError: the size of the frames changes.
    """
    scale = SteadyScale(look.max_px, rate=rate)
    flow: FloatArray | None = None
    count = 0
    for current, key in paired(frames, look.distance):
        if current.rgb.shape != key.rgb.shape:
            raise VideoError(
                f"frame {key.index} is {key.rgb.shape[:2]}, frame {current.index} "
                f"{current.rgb.shape[:2]}: flow needs frames of one size."
            )
        # Nothing follows the last frame: it keeps the flow before it.
        if current is not key or flow is None:
            flow = runner(current.rgb, key.rgb)
        count += 1
        if not show(_draw(current.rgb, flow, scale.follow(flow), look), current.time_s):
            break
    return count


def arrow_scale(rgb: ByteArray, full_length: float) -> float:
    """Give the enlargement with which the longest arrows span 1.5 steps of the grid."""
    return 1.5 * arrow_spacing(*rgb.shape[:2]) / full_length


def _draw(
    rgb: ByteArray, flow: FloatArray, full_length: float, look: VideoLook
) -> ByteArray:
    colours = draw_flow(flow, full_length=full_length)
    if look.legend:
        stamp_wheel(colours, full_length)
    if look.arrows:
        rgb = draw_arrows(rgb, flow, enlarged=arrow_scale(rgb, full_length))
    return np.concatenate([rgb, colours], axis=1)
