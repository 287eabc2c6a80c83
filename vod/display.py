"""A window for people with a screen."""

import os
import sys
from types import TracebackType
from typing import Self

import cv2

from vod.errors import VideoError
from vod.types import ByteArray

QUIT_KEYS = (ord("q"), 27)  # q, Escape


class Display:
    """Show frames in a window; use as a context manager, from the main thread.

    Args:
        title: of the window.

    Raises:
        VideoError: there is no screen, or OpenCV was built without windows.
    """

    def __init__(self, title: str) -> None:
        has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if sys.platform.startswith("linux") and not has_screen:
            raise VideoError(
                "--show needs a screen and found none (DISPLAY is not set). Leave it "
                "out and look at --output instead."
            )
        self._title = title
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise VideoError("--show: this OpenCV cannot open a window.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        cv2.destroyWindow(self._title)

    def show(self, rgb: ByteArray) -> bool:
        """Show a frame `(H, W, 3)`; False once the user has pressed q or Escape."""
        cv2.imshow(self._title, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        return (cv2.waitKey(1) & 0xFF) not in QUIT_KEYS
