"""Decoding and encoding alone: what no user of a video can be faster than."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar

from propagate.session import QUEUE_DEPTH
from propagate.speed.clip import Clip
from vod.background import BackgroundSink, prefetch
from vod.sources import FrameSource
from vod.types import Frame
from vod.video import VideoWriter
from vod.video_open import find_video_stream, open_container

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

T = TypeVar("T")

RATE: Final = 25
"""Frames a second of copies; the encoder takes a frame's time for any rate."""


def coded_frames(clip: Clip) -> Iterator["VideoFrame"]:
    """Yield a video file's frames in the colours that they are coded in.

    Raises:
        VideoError: it is no video file.
    """
    count = 0
    while True:
        before = count
        with open_container(clip.spec) as container:
            stream = find_video_stream(container, name=clip.spec)
            for frame in container.decode(stream):
                yield frame
                count += 1
                if count == clip.frames:
                    return
        if not clip.loops or count == before:
            return


def decode_rgb(clip: Clip) -> int:
    """Decode to RGB, as any user of the pictures needs them; give the frames."""
    with clip.open() as source:
        return sum(1 for frame in source if frame.rgb.size)


def copy_frames(source: FrameSource, video: VideoWriter) -> int:
    """Decode, make RGB and encode, in threads as the frame path does; give the frames.

    For pictures that cannot be written as they are coded.
    """

    def write(frame: Frame) -> None:
        video.write(frame.rgb, frame.time_s)

    return _pumped(source, write)


def copy_coded(clip: Clip, video: VideoWriter) -> int:
    """Decode and encode, nothing else, in threads as the frame path does.

    Nobody who decodes and encodes can be faster: frames are handed on as they are.
    """

    def write(numbered: "tuple[int, VideoFrame]") -> None:
        index, frame = numbered
        frame.pict_type = 0  # the encoder chooses, not the source
        video.write_frame(frame, index / RATE)

    return _pumped(enumerate(coded_frames(clip)), write)


def _pumped(items: Iterable[T], write: Callable[[T], object]) -> int:
    """Read in one thread, write in another; give the number of items."""
    count = 0
    waiting = prefetch(items, depth=QUEUE_DEPTH)
    with (
        contextlib.closing(waiting),
        BackgroundSink(write, depth=QUEUE_DEPTH) as sink,
    ):
        for item in waiting:
            sink.put(item)
            count += 1
    return count
