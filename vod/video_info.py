"""What is known of a video before its frames are read."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a source before its frames are read.

    Attributes:
        name: for messages; without a user name and password.
        width: of the frames, as displayed (rotation applied), in pixels.
        height: of the frames, as displayed, in pixels.
        average_rate: frames a second; None when unknown.
        frame_count: estimate of the frames that will be yielded; None when unknown.
        duration_s: of the whole video; None when unknown.
        time_base: seconds a tick; every `Frame.time_s` is a whole number of ticks.
        is_live: true when the source goes on by itself: camera or stream.
        has_audio: true when there is sound beside the pictures.
        path: the local file; None for anything else.
        pixel_aspect: width of a pixel by its height, as displayed.
        matrix: AVCOL_SPC_ number of the colours, where the planes of frames may be
            written as they are (4:2:0, 8 bits, limited range, upright); else None.
    """

    name: str
    width: int
    height: int
    average_rate: Fraction | None
    frame_count: int | None
    duration_s: float | None
    time_base: Fraction
    is_live: bool = False
    has_audio: bool = False
    path: Path | None = None
    pixel_aspect: Fraction = Fraction(1)
    matrix: int | None = None

    def facts(self) -> dict[str, Any]:
        """Give the values that a result file states, ready for JSON."""
        return {
            "name": self.name,
            "width": self.width,
            "height": self.height,
            "average_rate": str(self.average_rate) if self.average_rate else None,
            "frame_count": self.frame_count,
            "duration_s": self.duration_s,
        }
