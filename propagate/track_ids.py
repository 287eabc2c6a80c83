"""Numbers that stay with an object from frame to frame: ByteTrack, an optional extra.

After Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection
Box", ECCV 2022, as the package `trackers` has it. Boxes, scores and their number stay
as they are; each gets the number of its track, or `NO_TRACK`.
"""

import importlib
from typing import Any, Final

import numpy as np

from vod.errors import DependencyError
from vod.types import Detections, IntArray

NO_TRACK: Final = -1
"""Number of a box that belongs to no track: seen for the first time, or unsure."""

CONFIDENT: Final = 0.4
"""Least score of a box that starts a track; less sure ones only continue one.

It is the score from which boxes are shown by default, so that all of these may.
"""

LOST_S: Final = 1.0
"""Seconds for which a track is kept that no box continues (ByteTrack: 30 frames)."""

_NOMINAL_RATE: Final = 30.0  # frames a second that the package counts LOST_S in
_CLASS_STEP: Final = 16384.0  # pixels; wider than any frame, and exact in float32
_LEAST_STEP_S: Final = 1e-3  # between two frames that say they are of the same time


class TrackIds:
    """Gives the boxes of one video their track numbers; frames must come in order.

    Classes are told apart: a track has one class. Memory grows with what is in sight,
    not with the video.

    Args:
        frame_rate: frames a second: how far a box moves from one to the next.

    Raises:
        DependencyError: the package `trackers` is not installed.
    """

    def __init__(self, frame_rate: float) -> None:
        try:
            self._detections = importlib.import_module("supervision").Detections
            tracker: Any = importlib.import_module("trackers").ByteTrackTracker
        except ImportError as error:
            raise DependencyError(
                "track numbers need the package 'trackers', which is not installed: "
                "pip install 'vod[track]'."
            ) from error
        self._tracker = tracker(
            lost_track_buffer=round(LOST_S * _NOMINAL_RATE),
            frame_rate=frame_rate,
            track_activation_threshold=CONFIDENT,
            high_conf_det_threshold=CONFIDENT,
        )
        self._time_s: float | None = None

    def assign(self, found: Detections, time_s: float) -> IntArray:
        """Give the `(N,)` int32 track numbers of a frame's boxes, 0 or more.

        Args:
            found: what is shown in the next frame, also where it is nothing.
            time_s: of the frame; where times do not rise, the least step is taken.
        """
        if self._time_s is not None:
            time_s = max(time_s, self._time_s + _LEAST_STEP_S)
        self._time_s = time_s
        # Side by side, boxes of different classes never overlap.
        aside = found.labels[:, None] * np.array([_CLASS_STEP, 0] * 2)
        given = self._detections(
            xyxy=found.boxes + aside,
            confidence=found.scores,
            data={"row": np.arange(len(found))},
        )
        tracked = self._tracker.update(given, timestamp=time_s)
        numbers = np.full(len(found), NO_TRACK, np.int32)
        if len(tracked):
            numbers[tracked.data["row"]] = tracked.tracker_id
        return numbers
