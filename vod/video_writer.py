"""Write an H.264 clip that browsers play, with the times of its source."""

import contextlib
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import av.error
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from vod.errors import VideoError
from vod.files import PendingFile, keeps_output
from vod.types import ByteArray
from vod.video_audio import AudioCopy
from vod.video_info import VideoInfo
from vod.video_open import reason_of

logger = logging.getLogger(__name__)

OUTPUT_SUFFIXES: Final = (".mp4", ".m4v", ".mov")
DEFAULT_PRESET: Final = "ultrafast"
"""A third of veryfast's time: 4.0, not 12.0 ms of CPU a frame (1.5, not 5.1; 432p).

In files of 2.3 (1.5) times the size; pixel for pixel as good, see DEFAULT_CRF.
"""

DEFAULT_CRF: Final = 25
"""Brightness then has a PSNR of 42.1 (46.4) dB, with veryfast and 23 of 40.8 (46.8)."""

_RATE_HINT: Final = Fraction(30)  # for rate control only, where the rate is unknown
_MOST_TICKS: Final = 1_000_000  # a second; finer time bases overflow 32-bit fields
_BT601_MATRIX: Final = 6  # AVCOL_SPC_SMPTE170M
_BT709: Final = 1  # of AVCOL_PRI_, AVCOL_TRC_ and AVCOL_SPC_


class VideoWriter:
    """Write annotated frames; use as a context manager.

    H.264, yuv420p, mp4 with its index in front. Each frame keeps its time (variable
    rates too), relative to the first one written. An odd width or height is made even
    by repeating the last column or row, so boxes stay where they are. The sound of a
    source file is copied as it is. The file appears under its name when it is
    complete: at the end of the body, at `close`, or after Ctrl+C with what was done so
    far; any other exception leaves nothing behind.

    Args:
        path: ends in .mp4, .m4v or .mov.
        info: of the source: size, time base, rate and, for the sound, path.
        preset: of libx264, from `ultrafast` to `veryslow`.
        crf: quality of libx264, 0 (lossless) to 51.
        audio: whether to copy the source's sound.

    Raises:
        VideoError: before any work, if `path` cannot be written or is the source.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        info: VideoInfo,
        preset: str = DEFAULT_PRESET,
        crf: int = DEFAULT_CRF,
        audio: bool = True,
    ) -> None:
        self._path = Path(path)
        _check_target(self._path, info.path)
        self._info = info
        self._matrix = info.matrix or _BT601_MATRIX
        self._reformatter = VideoReformatter()
        self._time_base = max(info.time_base, Fraction(1, _MOST_TICKS))
        self._first_s: float | None = None
        self._last_s = 0.0
        self._last_pts = -1
        self._frames = 0
        self._audio: AudioCopy | None = None
        self._pending = PendingFile(self._path)
        self._undo = contextlib.ExitStack()  # closes what is open, last first
        self._undo.callback(self._pending.discard)
        self._is_open = True
        try:
            with _failing_to_write(self._path):
                self._container = self._open_container()
                self._undo.callback(self._close_container)
                self._stream = self._add_stream({"preset": preset, "crf": str(crf)})
                if audio and info.has_audio:
                    self._copy_audio()
                self._container.start_encoding()
        except BaseException:
            self._discard()
            raise

    @property
    def matrix(self) -> int | None:
        """AVCOL_SPC_ number of the planes that `write_frame` takes; None for none."""
        return self._info.matrix

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if keeps_output(error_type):
            self.close()
        else:
            self._discard()

    def write(self, rgb: ByteArray, time_s: float) -> None:
        """Add one frame.

        Args:
            rgb: `(H, W, 3)` uint8, the size of the source.
            time_s: time of the frame in the source, in seconds.

        Raises:
            VideoError: if the size differs or the file cannot be written.
        """
        expected = (self._info.height, self._info.width, 3)
        if rgb.shape != expected:
            raise VideoError(
                f"{self._path}: a frame at {time_s:.3f} s has shape {rgb.shape}, all "
                f"frames of a clip must have {expected}."
            )
        with _failing_to_write(self._path):
            frame = self._to_yuv(rgb)
        self.write_frame(frame, time_s)

    def write_frame(self, frame: VideoFrame, time_s: float) -> None:
        """Add one frame whose planes are written as they are.

        Args:
            frame: yuv420p, of the source's size (made even) and `VideoInfo.matrix`, as
                `VideoPicture.copied` gives it; gets its time here.
            time_s: time of the frame in the source, in seconds.

        Raises:
            VideoError: if the file cannot be written.
        """
        if not self._is_open:
            raise VideoError(f"cannot write to {self._path}: it is already finished.")
        if self._first_s is None:
            self._first_s = time_s
            if self._audio is not None:
                self._audio.start_at(time_s)
        pts = round((time_s - self._first_s) / float(self._time_base))
        self._last_pts = max(pts, self._last_pts + 1)
        self._last_s = time_s
        self._frames += 1
        frame.pts, frame.time_base = self._last_pts, self._time_base
        with _failing_to_write(self._path):
            self._container.mux(self._stream.encode(frame))
            if self._audio is not None:
                self._audio.copy_until(time_s - self._first_s)

    def close(self) -> None:
        """Finish what was written so far and give it its name; again is harmless."""
        if not self._is_open:
            return
        if not self._frames:
            logger.warning("no frame was written, so there is no %s.", self._path)
            self._discard()
            return
        try:
            with _failing_to_write(self._path):
                self._container.mux(self._stream.encode(None))
                if self._audio is not None:
                    self._audio.copy_until(self._end_of_sound())
                    self._audio.close()
                self._container.close()
            self._pending.commit()
        except BaseException:
            self._discard()
            raise
        self._is_open = False
        self._undo.pop_all()

    def _discard(self) -> None:
        if self._is_open:
            self._is_open = False
            self._undo.close()

    def _open_container(self) -> OutputContainer:
        is_mov = self._path.suffix.lower() == ".mov"
        return av.open(
            str(self._pending.temporary),
            "w",
            format="mov" if is_mov else "mp4",
            options={"movflags": "+faststart"},
        )

    def _close_container(self) -> None:
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            logger.debug("closing the unfinished %s: %s", self._path, error)

    def _add_stream(self, options: dict[str, str]) -> VideoStream:
        rate = (self._info.average_rate or _RATE_HINT).limit_denominator(100_000)
        stream = self._container.add_stream("libx264", rate=rate, options=options)
        stream.width = self._info.width + self._info.width % 2
        stream.height = self._info.height + self._info.height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = self._time_base
        context.sample_aspect_ratio = self._info.pixel_aspect
        context.colorspace = self._matrix
        context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG.value
        return stream

    def _copy_audio(self) -> None:
        if self._info.path is None:
            logger.warning("%s has no sound: only that of files is kept.", self._path)
            return
        self._audio = AudioCopy(self._info.path, self._container)
        self._undo.callback(self._audio.close)

    def _to_yuv(self, rgb: ByteArray) -> VideoFrame:
        height, width = rgb.shape[:2]
        if height % 2 or width % 2:
            rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._matrix == _BT709:
            whole = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
            return self._reformatter.reformat(
                whole, format="yuv420p", dst_colorspace=Colorspace.ITU709, threads=1
            )
        # OpenCV takes a quarter of the time of swscale here; its matrix is BT.601.
        yuv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2YUV_I420)
        # Not from_numpy_buffer: PyAV 18 loses rows there where height % 4 is 2.
        return VideoFrame.from_ndarray(yuv, "yuv420p")

    def _end_of_sound(self) -> float:
        """Give the output time at which the sound ends: never, or with the pictures.

        The sound of a run that was cut (a frame limit, Ctrl+C) ends with its last
        frame; otherwise all of it is kept, though it may be longer than the pictures.
        """
        first_s = self._first_s or 0.0
        period_s = 1 / float(self._info.average_rate or _RATE_HINT)
        end_s = self._last_s + period_s
        duration_s = self._info.duration_s
        if duration_s is not None and end_s >= duration_s - period_s:
            return float("inf")
        return end_s - first_s


def _check_target(path: Path, source: Path | None) -> None:
    if path.suffix.lower() not in OUTPUT_SUFFIXES:
        known = ", ".join(OUTPUT_SUFFIXES)
        raise VideoError(f"cannot write {path}: a clip's name must end in {known}.")
    exist = source is not None and path.exists() and source.exists()
    if source is not None and exist and path.samefile(source):
        raise VideoError(f"cannot write {path}: it is the input itself.")


@contextlib.contextmanager
def _failing_to_write(path: Path) -> Iterator[None]:
    """Turn what FFmpeg and the disk say into one `VideoError`."""
    try:
        yield
    except VideoError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"cannot write {path}: {reason_of(error)}.") from error
