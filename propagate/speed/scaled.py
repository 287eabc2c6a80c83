"""The same clip in other sizes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from propagate.speed.clip import Clip
from vod.video import VideoWriter


@contextmanager
def scaled_clips(clip: Clip, heights: Sequence[int]) -> Iterator[Mapping[int, Clip]]:
    """Write a clip in several heights, H.264, into a folder that goes at the end.

    Enlarged pictures hold no more detail than the source: they take fewer bits a pixel
    to decode than a camera of that size would.

    Args:
        clip: decoded once for every height.
        heights: in pixels, even; widths keep the shape, rounded to even.

    Yields:
        A clip by height.

    Raises:
        VideoError: the clip cannot be read, or the folder is full.
    """
    with TemporaryDirectory() as folder:
        yield {
            height: _scaled(clip, height, Path(folder) / f"{height}.mp4")
            for height in heights
        }


def _scaled(clip: Clip, height: int, path: Path) -> Clip:
    with clip.open() as source:
        width = 2 * round(source.info.width * height / source.info.height / 2)
        info = replace(source.info, width=width, height=height, path=None)
        with VideoWriter(path, info=info, audio=False) as video:
            for frame in source:
                shrinks = height < frame.height
                how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
                picture = cv2.resize(frame.rgb, (width, height), interpolation=how)
                video.write(picture, frame.time_s)
    return Clip(str(path))
