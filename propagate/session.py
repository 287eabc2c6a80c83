"""From a source to its outputs: decode, detect and write, each in its own thread."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from propagate.evidence import SIDE
from propagate.offline import results_of
from propagate.parts import FrameResult, Mode, Parts
from propagate.timing import StageTimer, timed
from propagate.track_ids import TrackIds
from vod.background import BackgroundSink, prefetch
from vod.canvas import Canvas, RgbCanvas
from vod.display import Display
from vod.draw import draw_on
from vod.errors import VideoError
from vod.results import ResultsWriter
from vod.sources import FrameSource
from vod.types import Frame, IntArray
from vod.video import VideoInfo, VideoWriter
from vod.video_picture import VideoPicture

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

QUEUE_DEPTH = 4  # frames between two threads: enough to smooth, small in memory

BURST_DEPTH = 12
"""Frames that may wait where results come in bursts, an interval of 10 at a time."""

BURST_BYTES = 24_000_000
"""Their planes, at most: 12 frames of 720p, 4 of 2160p."""


@dataclass(slots=True)
class Outputs:
    """Where results go.

    Attributes:
        class_names: of the detector.
        labels: only detections of these are put out; None for all.
        track_ids: gives what is put out its track numbers, if any.
        results: results file, if any.
        video: video with boxes, if any.
        display: window, if any.
        timer: time of drawing and writing.
        stopped: the user closed the window.
        drawn: planes of the last frame that was drawn on, to be drawn on again.
    """

    class_names: Sequence[str]
    labels: IntArray | None = None
    track_ids: TrackIds | None = None
    results: ResultsWriter | None = None
    video: VideoWriter | None = None
    display: Display | None = None
    timer: StageTimer = field(default_factory=StageTimer)
    stopped: bool = False
    drawn: "VideoFrame | None" = None

    def put(self, result: FrameResult) -> None:
        """Write one result to every output."""
        frame, tracked = result.frame, result.tracked
        if self.labels is not None:
            tracked = tracked.select(np.isin(tracked.detections.labels, self.labels))
        found, numbers = tracked.detections, None
        if self.track_ids is not None:
            with self.timer.stage("track"):
                numbers = self.track_ids.assign(found, frame.time_s)
        if self.results is not None:
            self.results.write(
                frame.index,
                frame.time_s,
                result.key_frame,
                found,
                tracked.provenance,
                numbers,
            )
        if self.video is None and self.display is None:
            return
        ask = partial(
            draw_on,
            detections=found,
            class_names=self.class_names,
            key_frame=result.key_frame,
            track_ids=numbers,
        )
        is_blank = not len(found) and not result.key_frame
        if not self._put_planes(frame, None if is_blank else ask):
            self._put_rgb(frame, ask)

    def _put_planes(self, frame: Frame, draw: Callable[[Canvas], None] | None) -> bool:
        """Write the planes of the video, drawn on, if nothing else is asked.

        Where there is nothing to draw, they need no copy.
        """
        picture, video = frame.picture, self.video
        if video is None or self.display or not isinstance(picture, VideoPicture):
            return False
        if video.matrix is None or picture.writable_matrix != video.matrix:
            return False
        planes = picture.as_coded
        if draw is not None:
            with self.timer.stage("draw"):
                copied = picture.copied(self.drawn)
                if copied is None:
                    return False
                planes, canvas = copied
                self.drawn = planes  # x264 has its own copy when it has been written
                draw(canvas)
        with self.timer.stage("encode"):
            video.write_frame(planes, frame.time_s)
        return True

    def _put_rgb(self, frame: Frame, draw: Callable[[Canvas], None]) -> None:
        with self.timer.stage("draw"):
            canvas = RgbCanvas(frame.rgb.copy())
            draw(canvas)
            drawn = canvas.picture
        if self.video is not None:
            with self.timer.stage("encode"):
                self.video.write(drawn, frame.time_s)
        if self.display is not None:
            self.stopped = not self.display.show(drawn)


@dataclass(slots=True)
class Summary:
    """What was done.

    Attributes:
        frames: results put out.
        key_frames: of these, frames on which the whole detector ran.
        seconds: wall time from the first frame asked for to the last one written.
        interrupted: the user stopped it with Ctrl-C.
        timers: of the decoding, detecting and writing threads.
    """

    frames: int = 0
    key_frames: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    timers: tuple[StageTimer, ...] = ()

    def line(self) -> str:
        """Give it as one line."""
        stages = ", ".join(
            f"{name} {ms:.2f}"
            for timer in self.timers
            for name, ms in timer.milliseconds().items()
        )
        rate = self.frames / self.seconds if self.seconds else 0.0
        return (
            f"{self.frames} frames, {self.key_frames} key frames, {rate:.1f} fps; "
            f"ms a call: {stages}"
        )


def _looked_at(frames: Iterable[Frame], timer: StageTimer) -> Iterator[Frame]:
    """Yield frames whose small picture is made: by the thread that decodes them.

    The thread of the networks has more to do.
    """
    for frame in frames:
        with timer.stage("resize"):
            if isinstance(frame.picture, VideoPicture):
                frame.picture.resized(SIDE, SIDE)  # keeps it
        yield frame


def queue_depth(info: VideoInfo, mode: Mode) -> int:
    """Say how many frames may wait between two threads.

    Mode offline stops to detect and fuse, then has a whole interval done at once; with
    room for one, the other threads need not stop too. From a live source, whoever is
    behind wants few old frames.
    """
    if info.is_live or mode == "causal":
        return QUEUE_DEPTH
    planes = info.width * info.height * 3 // 2
    return max(QUEUE_DEPTH, min(BURST_DEPTH, BURST_BYTES // planes))


def _silent(results: Iterable[FrameResult]) -> Iterable[FrameResult]:
    return results


def process(
    source: FrameSource,
    parts: Parts,
    outputs: Outputs,
    *,
    progress: Callable[[Iterable[FrameResult]], Iterable[FrameResult]] = _silent,
) -> Summary:
    """Find the objects of every frame and write them, until the source ends.

    Ctrl-C ends it early: what was found so far is still written.

    Args:
        source: is read in a thread; of a live source the latest frame is taken.
        parts: the networks and policies; run in the caller's thread.
        outputs: video is written in a thread, unless there is a window.
        progress: passes results on and shows how far it is.

    Raises:
        VideoError: the source holds no frame.
    """
    decoding = StageTimer()
    parts = replace(parts, timer=StageTimer(), labels=outputs.labels)
    summary = Summary(timers=(decoding, parts.timer, outputs.timer))
    started = time.perf_counter()
    depth = queue_depth(source.info, parts.mode)
    frames = prefetch(
        _looked_at(timed(source, decoding, "decode"), decoding),
        depth=depth,
        keep_latest=source.info.is_live,
    )
    with contextlib.closing(frames), contextlib.ExitStack() as stack:
        put: Callable[[FrameResult], object] = outputs.put
        # A window must be fed from the main thread, and to write lines takes less time
        # than to hand them to another.
        if outputs.video is not None and outputs.display is None:
            sink = BackgroundSink(outputs.put, depth=depth)
            put = stack.enter_context(sink).put
        try:
            for result in progress(results_of(parts, frames)):
                put(result)
                summary.frames += 1
                summary.key_frames += result.key_frame
                if outputs.stopped:
                    break
        except KeyboardInterrupt:
            summary.interrupted = True
    summary.seconds = time.perf_counter() - started
    if not summary.frames and not summary.interrupted:
        raise VideoError(f"{source.info.name} holds no frame that can be decoded.")
    return summary
