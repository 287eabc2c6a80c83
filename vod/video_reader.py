"""Decode video files and network streams, with exact times and without silent stops."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import av.error
from av.video.frame import VideoFrame

from vod.errors import VideoError
from vod.left_out import LeftOut
from vod.timeline import Timeline
from vod.types import Frame, SkippedPicture
from vod.video_info import VideoInfo
from vod.video_open import (
    Decoding,
    decode_every_frame,
    find_video_stream,
    is_live,
    network_address,
    open_container,
    reason_of,
    shown_name,
)
from vod.video_picture import Orientation, VideoPicture

logger = logging.getLogger(__name__)

FALLBACK_RATE: Final = Fraction(25)
_FLUSH_ATTEMPTS: Final = 16  # a damaged end may fail once a decoder thread
_HEAD_START_S: Final = 10.0  # by which a file's first packet may go before its start
_ORDER_ONLY: Final = "avi"  # holds no times; FFmpeg's guess has frames out of order


class VideoReader:
    """Decode a video file or network stream; iterate once, in presentation order.

    Damage in the middle or a missing end does not stop it: the readable frames are
    yielded, and `problems` tells what was lost, in sentences.

    Args:
        location: a file, or an address such as `rtsp://host/stream`.
        start_s: the first decoded frame at or after this time is the first one
            yielded; times still count from the beginning of the video.
        max_frames: stop after so many frames.
        name: what messages and results call it; None is the location.
        decoding: what is decoded, and how exactly, see `vod.video_open.Decoding`. Of a
            file whose packets have no times (.avi, .h264), `sparse` decodes all.

    Attributes:
        info: see `VideoInfo`.
        problems: what went wrong so far; complete after the last frame.

    Raises:
        VideoError: if there is no readable picture in it.
    """

    def __init__(
        self,
        location: str | Path,
        *,
        start_s: float = 0.0,
        max_frames: int | None = None,
        name: str | None = None,
        decoding: Decoding = "exact",
    ) -> None:
        self.problems: list[str] = []
        self._address = network_address(location)
        self._name = shown_name(location) if name is None else name
        self._path = None if self._address else Path(location)
        self._max_frames = max_frames
        self._damaged = 0
        self._stopped: str | None = None
        self._last_dts: int | None = None
        self._is_cut = False
        self._left_out = LeftOut() if decoding == "sparse" else None
        self._container = open_container(location)
        try:
            self._stream = find_video_stream(
                self._container, name=self._name, decoding=decoding
            )
            self._decoded = self._decode()
            self._first, self._first_time_s = self._find_first(start_s)
            self._orientation = Orientation.of(self._first)
            self._size = (self._first.width, self._first.height)
            self.info = self._describe()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder; what was yielded stays valid."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        index, time_s = 0, self._first_time_s
        for decoded, time_s in self._timed():
            yield Frame(index, time_s, self._picture(decoded, index))
            index += 1
            if index == self._max_frames:
                self._report_damage()
                return
        self._report_end(index, time_s)

    def _timed(self) -> Iterator[tuple[VideoFrame | None, float]]:
        """Yield all frames from the first on with their times; None is left out."""
        yield self._first, self._first_time_s
        time_of = self._timeline.time_of
        for decoded in self._decoded:
            for pts in self._left_out_before(decoded.pts):
                yield None, time_of(pts)
            yield decoded, time_of(decoded.pts)
        for pts in self._left_out_before(None):
            yield None, time_of(pts)

    def _left_out_before(self, pts: int | None) -> list[int]:
        return self._left_out.before(pts) if self._left_out is not None else []

    def _find_first(self, start_s: float) -> tuple[VideoFrame, float]:
        """Give the first frame at or after `start_s`, and its time."""
        sought = start_s > 0 and self._seek(start_s)
        first, earliest_s, last_s = self._first_since(start_s)
        if sought and (earliest_s is None or earliest_s > start_s):
            # Without an index, one may land past the key frame that is needed.
            self._seek(-_HEAD_START_S)
            self._left_out_before(None)
            self._decoded = self._decode()
            first, _, last_s = self._first_since(start_s)
        if last_s is None:
            reason = f" ({self._stopped})" if self._stopped else ""
            raise VideoError(f"{self._name} holds no readable frame{reason}.")
        if first is None:
            raise VideoError(
                f"{self._name} has no frame at or after {start_s:g} s; its last one is "
                f"at {last_s:.3f} s."
            )
        return first, last_s

    def _seek(self, time_s: float) -> bool:
        """Go to the key frame at or before a time, if that is possible."""
        ticks = (self._stream.start_time or 0) + round(time_s / float(self._time_base))
        try:
            self._container.seek(ticks, stream=self._stream)
        except av.error.FFmpegError:
            logger.debug("%s cannot seek; decoding from its start", self._name)
            return False
        return True

    def _first_since(
        self, start_s: float
    ) -> tuple[VideoFrame | None, float | None, float | None]:
        """Decode up to the first frame from `start_s` on.

        Returns:
            That frame, None where there is none; and the times of the first and the
            last frame decoded, which it then is, None where none could be.
        """
        stream, time_base = self._stream, self._time_base
        start = stream.start_time or 0
        timeline, earliest_s, last_s = None, None, None
        for decoded in self._decoded:
            if timeline is None:
                if start_s == 0 and decoded.pts is not None:
                    known = stream.start_time is not None
                    start = min(start, decoded.pts) if known else decoded.pts
                period = 1 / (self._rate or FALLBACK_RATE)
                timeline = Timeline(time_base, start=start, period_s=period)
            last_s = timeline.time_of(decoded.pts)
            earliest_s = last_s if earliest_s is None else earliest_s
            if last_s >= start_s - float(time_base) / 2:
                self._timeline = timeline
                self._left_out_before(decoded.pts)
                return decoded, earliest_s, last_s
        return None, earliest_s, last_s

    @property
    def _time_base(self) -> Fraction:
        return self._stream.time_base or Fraction(1, 90_000)

    @property
    def _rate(self) -> Fraction | None:
        rate = self._stream.average_rate or self._stream.guessed_rate
        return rate if rate else None

    def _describe(self) -> VideoInfo:
        stream, container = self._stream, self._container
        duration_s = None
        if stream.duration:
            duration_s = float(stream.duration * self._time_base)
        elif container.duration and container.duration > 0:
            duration_s = container.duration / av.time_base
        count: int | None = stream.frames or None
        if duration_s and self._rate:
            count = count or round(duration_s * self._rate)
            count -= min(count, round(self._first_time_s * self._rate))
        if self._max_frames is not None and count is not None:
            count = min(count, self._max_frames)
        turned = self._orientation.turned
        aspect = stream.sample_aspect_ratio or Fraction(1)
        width, height = self._size[::-1] if turned else self._size
        return VideoInfo(
            name=self._name,
            width=width,
            height=height,
            average_rate=self._rate,
            frame_count=count,
            duration_s=duration_s,
            time_base=self._time_base,
            is_live=self._address is not None
            and is_live(self._address, has_duration=duration_s is not None),
            has_audio=bool(container.streams.audio),
            path=self._path,
            pixel_aspect=1 / aspect if turned else aspect,
            matrix=self._picture_of(self._first, 0).writable_matrix,
        )

    def _decode(self) -> Iterator[VideoFrame]:
        """Yield what can be decoded; count and remember what cannot."""
        packets = self._container.demux(self._stream)
        while self._stopped is None:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self._stopped = reason_of(error)
                break
            if packet is None:
                return
            if packet.dts is not None:
                self._last_dts = packet.dts
            self._is_cut = packet.is_corrupt or (self._is_cut and not packet.size)
            if packet.size:
                self._damaged += packet.is_corrupt
                self._announce(packet)
                yield from self._decode_packet(packet) or []
            else:
                yield from self._flush()
                return
        yield from self._flush()

    def _announce(self, packet: Any) -> None:
        """Note that a frame is to come; without its time it would not be missed."""
        if self._left_out is None or packet.is_discard:
            return
        if packet.pts is None or self._container.format.name == _ORDER_ONLY:
            self._left_out = None
            decode_every_frame(self._stream)
        else:
            self._left_out.announce(packet.pts)

    def _decode_packet(self, packet: Any) -> list[VideoFrame] | None:
        """Decode one packet, None to flush; None when the decoder refuses it."""
        try:
            return list(self._stream.decode(packet))
        except av.error.EOFError:
            return []
        except av.error.FFmpegError as error:
            logger.debug("%s: %s", self._name, error)
            self._damaged += 1
            return None

    def _flush(self) -> Iterator[VideoFrame]:
        for _ in range(_FLUSH_ATTEMPTS):
            frames = self._decode_packet(None)
            if frames is not None:
                yield from frames
                return

    def _picture(
        self, decoded: VideoFrame | None, index: int
    ) -> VideoPicture | SkippedPicture:
        if decoded is None:
            name = f"{self._name}: frame {index}"
            return SkippedPicture(self.info.height, self.info.width, name)
        self._damaged += decoded.is_corrupt
        if (decoded.width, decoded.height) != self._size:
            self._note(
                f"{self._name}: the size changes at frame {index}; later frames "
                f"are scaled to {self._size[0]}x{self._size[1]}."
            )
        return self._picture_of(decoded, index)

    def _picture_of(self, decoded: VideoFrame, index: int) -> VideoPicture:
        return VideoPicture(
            decoded,
            size=self._size,
            orientation=self._orientation,
            name=f"{self._name}: frame {index}",
        )

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)
            logger.warning("%s", problem)

    def _report_end(self, count: int, last_s: float) -> None:
        """Say whether the frames ended before the video should."""
        self._report_damage()
        reason = f" ({self._stopped})" if self._stopped else ""
        index = self._stream.index_entries
        expected = index[-1].timestamp if len(index) else None
        is_short = self._is_cut or (
            expected is not None
            and self._last_dts is not None
            and self._last_dts < expected
        )
        duration_s = self.info.duration_s
        if not self._stream.duration and duration_s and not self.info.has_audio:
            is_short = is_short or duration_s - last_s > 1.0
        if reason or is_short:
            total = f" of {duration_s:.2f} s" if duration_s else ""
            self._note(
                f"{self._name} ends early{reason}: {count} frames could be read, up to "
                f"{last_s:.2f} s{total}."
            )

    def _report_damage(self) -> None:
        missing = self._timeline.missing_frames()
        if self._damaged:
            self._note(
                f"{self._name} is damaged (packets or frames: {self._damaged}); frames "
                "there are skipped or show errors."
            )
        if missing:
            self._note(f"{self._name} has gaps (missing frames: about {missing}).")
        if self._timeline.repaired:
            self._note(
                f"{self._name} has frames without a valid time "
                f"({self._timeline.repaired}); theirs follow from the frame rate."
            )
