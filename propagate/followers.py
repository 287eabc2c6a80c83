"""What people put between key frames instead of flow: trackers of single objects.

* `kalman`: constant velocity, as SORT and ByteTrack have it; never looks at a picture.
* `mil`: OpenCV's multiple-instance learning tracker, one an object; moves boxes, does
  not scale them. OpenCV's other trackers (DaSiamRPN, Nano, Vit) need model files that
  it does not bring along; KCF and CSRT are in its contrib package only.
* `medianflow`: the median of points followed by pyramidal Lucas-Kanade, after
  Kalal et al., "Forward-Backward Error", ICPR 2010; moves and scales.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from propagate.kalman import KalmanFollower
from vod.types import ByteArray, Detections, FloatArray, Frame

Points = npt.NDArray[np.float32]

LEAST_SIDE: Final = 1.0
"""Pixels: no box is scaled below."""


class Follower(Protocol):
    """Follows the objects of the last key frame; one for each video."""

    def restart(self, frame: Frame, found: Detections) -> None:
        """Take over what the detector has found in a key frame."""
        ...

    def follow(self, frame: Frame) -> FloatArray:
        """Give the `(N, 4)` boxes of the next frame, rows as in `restart`."""
        ...


@dataclass(slots=True)
class Holding:
    """Leaves every box where it is: the floor of every comparison."""

    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 4), np.float32))

    def restart(self, frame: Frame, found: Detections) -> None:
        """See `Follower`."""
        del frame
        self.boxes = found.boxes

    def follow(self, frame: Frame) -> FloatArray:
        """See `Follower`."""
        del frame
        return self.boxes


MOST_TRACKERS: Final = 5
"""Objects a key frame that get a tracker: each takes tens of milliseconds a frame."""


class MilFollower:
    """OpenCV's MIL tracker for the best objects; the others stay where they are.

    Args:
        most: number of objects that are followed.
    """

    def __init__(self, most: int = MOST_TRACKERS) -> None:
        self._most = most
        self._boxes = np.zeros((0, 4), np.float32)
        self._trackers: dict[int, Any] = {}

    def restart(self, frame: Frame, found: Detections) -> None:
        """See `Follower`."""
        self._boxes, self._trackers = found.boxes.copy(), {}
        limits = np.array([frame.width, frame.height] * 2)
        for row in np.argsort(-found.scores, kind="stable")[: self._most].tolist():
            x1, y1, x2, y2 = np.clip(np.rint(found.boxes[row]), 0, limits).astype(int)
            if min(x2 - x1, y2 - y1) >= _LEAST_MIL_SIDE:
                tracker = cv2.TrackerMIL.create()
                place = tuple(map(int, (x1, y1, x2 - x1, y2 - y1)))
                tracker.init(frame.rgb, place)
                self._trackers[row] = tracker

    def follow(self, frame: Frame) -> FloatArray:
        """See `Follower`."""
        for row, tracker in self._trackers.items():
            is_found, (x, y, width, height) = tracker.update(frame.rgb)
            if is_found:
                self._boxes[row] = (x, y, x + width, y + height)
        return self._boxes.copy()


_LEAST_MIL_SIDE: Final = 8  # pixels; its Haar features need some

GRID: Final = 10
"""Points along each side of a box (Kalal et al., section 4)."""

_LUCAS_KANADE: Final[Mapping[str, Any]] = {
    "winSize": (11, 11),
    "maxLevel": 4,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03),
}
_LEAST_POINTS: Final = 4  # below, a box stays where it is


class MedianFlowFollower:
    """Follows a grid of points in every box; their median tells shift and scale."""

    def __init__(self) -> None:
        self._boxes = np.zeros((0, 4), np.float32)
        self._grey: ByteArray = np.zeros((1, 1), np.uint8)

    def restart(self, frame: Frame, found: Detections) -> None:
        """See `Follower`."""
        self._boxes = found.boxes.copy()
        self._grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)

    def follow(self, frame: Frame) -> FloatArray:
        """See `Follower`."""
        grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
        if len(self._boxes):
            starts = _grid(self._boxes)
            ends, error = _followed(self._grey, grey, starts.reshape(-1, 2))
            ends, error = ends.reshape(starts.shape), error.reshape(starts.shape[:2])
            self._boxes = np.stack(
                [
                    _moved(box, *rows)
                    for box, *rows in zip(self._boxes, starts, ends, error, strict=True)
                ]
            )
        self._grey = grey
        return self._boxes.copy()


def _grid(boxes: FloatArray) -> Points:
    """Give `(N, P, 2)` points spread over the boxes."""
    line = ((np.arange(GRID) + 0.5) / GRID).astype(np.float32)
    share = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    sides = boxes[:, None, 2:] - boxes[:, None, :2]
    points: Points = boxes[:, None, :2] + share * sides
    return points


def _followed(was: ByteArray, now: ByteArray, points: Points) -> tuple[Points, Points]:
    """Follow `(P, 2)` points there and back: where they are, and the way's error."""
    # OpenCV puts the centre of the first pixel at 0, our boxes at 0.5.
    start = points.reshape(-1, 1, 2) - np.float32(0.5)
    there, found, _ = cv2.calcOpticalFlowPyrLK(was, now, start, None, **_LUCAS_KANADE)
    back, kept, _ = cv2.calcOpticalFlowPyrLK(now, was, there, None, **_LUCAS_KANADE)
    error = np.linalg.norm(back - start, axis=-1).ravel()
    error[(found.ravel() == 0) | (kept.ravel() == 0)] = np.inf
    return there.reshape(-1, 2) + np.float32(0.5), error


def _moved(box: FloatArray, start: Points, end: Points, error: Points) -> FloatArray:
    """Move and scale a box by the better half of its points."""
    good = np.isfinite(error) & (error <= np.median(error))
    if good.sum() < _LEAST_POINTS:
        return box
    start, end = start[good], end[good]
    shift = np.median(end - start, axis=0)
    one, other = np.triu_indices(len(start), 1)
    before = np.linalg.norm(start[one] - start[other], axis=1)
    after = np.linalg.norm(end[one] - end[other], axis=1)
    apart = before > 0
    scale = np.median(after[apart] / before[apart]) if apart.any() else 1.0
    centre = (box[:2] + box[2:]) / 2 + shift
    half = np.maximum((box[2:] - box[:2]) * scale, LEAST_SIDE) / 2
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


FOLLOWERS: Final[Mapping[str, Callable[[], Follower]]] = {
    "hold": Holding,
    "kalman": KalmanFollower,
    "mil": MilFollower,
    "medianflow": MedianFlowFollower,
}
"""By the name that the command line uses."""
