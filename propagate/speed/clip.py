"""What is measured on: a clip, or a clip that begins anew until there is enough."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self

from vod.errors import ConfigError
from vod.sources import FrameSource, open_source
from vod.types import Frame
from vod.video import VideoInfo
from vod.video_open import Decoding

ASSUMED_PERIOD_S: Final = 1 / 25  # between two runs through a clip of one frame


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames to work through.

    Attributes:
        spec: a video file or images, as `vod.sources.open_source` takes it.
        frames: stop after so many; None at the end.
        loops: whether to begin anew at the end, until `frames` are reached.
    """

    spec: str
    frames: int | None = None
    loops: bool = False

    def open(self, decoding: Decoding = "exact") -> FrameSource:
        """Open it, as often as wanted.

        Args:
            decoding: how exactly; what loops is always exact.

        Raises:
            VideoError: nothing can be read from it.
        """
        if self.loops and self.frames is not None:
            return LoopedSource(self.spec, frames=self.frames)
        return open_source(self.spec, max_frames=self.frames, decoding=decoding)

    def first(self, frames: int) -> "Clip":
        """Give the same, with at most so many frames."""
        limit = frames if self.frames is None else min(frames, self.frames)
        return replace(self, frames=limit)


class LoopedSource:
    """A clip, from its beginning again after its end; times and indices go on.

    Args:
        spec: see `vod.sources.open_source`.
        frames: so many are yielded.

    Attributes:
        info: of the clip, with that number of frames and no duration.
        problems: of every run through it so far.

    Raises:
        ConfigError: `frames` is below 1.
        VideoError: nothing can be read from `spec`.
    """

    def __init__(self, spec: str, *, frames: int) -> None:
        if frames < 1:
            raise ConfigError(f"a run needs 1 frame or more, received {frames}.")
        self._spec = spec
        self._frames = frames
        self._source = open_source(spec)
        self.problems: list[str] = []
        self.info: VideoInfo = replace(
            self._source.info, frame_count=frames, duration_s=None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._source.__exit__(error_type, error, traceback)

    def __iter__(self) -> Iterator[Frame]:
        index, begin_s, last_s = 0, 0.0, 0.0
        rate = self.info.average_rate
        period_s = float(1 / rate) if rate else ASSUMED_PERIOD_S
        while True:
            for frame in self._source:
                last_s = begin_s + frame.time_s
                yield replace(frame, index=index, time_s=last_s)
                index += 1
                if index == self._frames:
                    return
            self.problems += self._source.problems
            self._source.__exit__(None, None, None)
            begin_s = last_s + period_s
            # A closed PyAV container lies in a reference cycle, with some MB of
            # frames: without this, memory would seem to grow with every run through.
            gc.collect()
            self._source = open_source(self._spec)
