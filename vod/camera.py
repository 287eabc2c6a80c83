"""A camera of this computer."""

import logging
import time
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Any, Final, Self

import cv2

from vod.errors import VideoError
from vod.types import ByteArray, Frame
from vod.video import VideoInfo

logger = logging.getLogger(__name__)

_CAMERA_TICK: Final = Fraction(1, 90_000)


class CameraSource:
    """Read a camera; times count from its first frame.

    Args:
        number: 0 for the first camera of the system.
        max_frames: stop after so many frames.

    Raises:
        VideoError: if there is no such camera or it gives no picture.
    """

    def __init__(self, number: int, *, max_frames: int | None = None) -> None:
        self.problems: list[str] = []
        self._name = f"camera {number}"
        self._max_frames = max_frames
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            self._capture: Any = cv2.VideoCapture(number)
            # Without this the driver hands out pictures that are several frames old.
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            ok, bgr = self._capture.read()
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not ok:
            self._capture.release()
            raise VideoError(
                f"{self._name} cannot be opened; is it connected, free and allowed?"
            )
        self._start_s = time.monotonic()
        self._first: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        rate = Fraction(self._capture.get(cv2.CAP_PROP_FPS) or 0)
        self.info = VideoInfo(
            name=self._name,
            width=self._first.shape[1],
            height=self._first.shape[0],
            average_rate=rate.limit_denominator(1001) if rate > 0 else None,
            frame_count=max_frames,
            duration_s=None,
            time_base=_CAMERA_TICK,
            is_live=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        rgb, time_s, index = self._first, 0.0, 0
        while self._max_frames is None or index < self._max_frames:
            yield Frame(index, time_s, rgb)
            index += 1
            if index == self._max_frames:
                return
            ok, bgr = self._capture.read()
            ticks = round((time.monotonic() - self._start_s) / float(_CAMERA_TICK))
            if not ok:
                self.problems.append(f"{self._name} stopped after {index} frames.")
                logger.warning("%s", self.problems[-1])
                return
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            time_s = float(ticks * _CAMERA_TICK)
