"""Boxes that move on at constant velocity: what SORT and ByteTrack use between frames.

After Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016, with the state
and noise of DeepSORT that ByteTrack took over. OpenCV's `KalmanFilter` does the sums.
"""

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from vod.assignment import best_assignment
from vod.boxes import pairwise_iou
from vod.types import Detections, FloatArray, Frame

ASSOCIATION_IOU: Final = 0.2
"""Least IoU of a predicted and a detected box of one object (ByteTrack, sec. 4.1)."""

POSITION_NOISE: Final = 1 / 20
VELOCITY_NOISE: Final = 1 / 160
"""Standard deviations, in heights of the box; DeepSORT's, which ByteTrack took over."""

ASPECT_NOISE: Final = 1e-2
ASPECT_VELOCITY_NOISE: Final = 1e-5
MEASURED_ASPECT_NOISE: Final = 1e-1

LEAST_SIDE: Final = 1.0
"""Pixels: no box gets smaller."""


class KalmanFollower:
    """Constant velocity of centre, aspect and height, corrected at key frames alone.

    An object that a key frame does not confirm is given up, as only what the detector
    has just found is put out.
    """

    def __init__(self) -> None:
        self._filters: list[Any] = []
        self._labels = np.zeros(0, np.int32)

    def restart(self, frame: Frame, found: Detections) -> None:
        """See `propagate.followers.Follower`."""
        predicted = self.follow(frame)
        overlap = pairwise_iou(predicted, found.boxes)
        overlap[self._labels[:, None] != found.labels[None]] = 0
        known = {
            column: self._filters[row]
            for row, column in zip(*best_assignment(overlap), strict=True)
            if overlap[row, column] >= ASSOCIATION_IOU
        }
        self._filters = []
        for row, box in enumerate(found.boxes):
            state = _state_of(box)
            chosen = known.get(row)
            if chosen is None:
                chosen = _constant_velocity(state)
            else:
                height = float(chosen.statePre[3, 0])
                chosen.measurementNoiseCov = _squared_diagonal(
                    *_scaled(POSITION_NOISE, height, MEASURED_ASPECT_NOISE)
                )
                chosen.correct(state)
            self._filters.append(chosen)
        self._labels = found.labels

    def follow(self, frame: Frame) -> FloatArray:
        """See `propagate.followers.Follower`."""
        del frame
        boxes = [_box_of(_predict(each)) for each in self._filters]
        return np.array(boxes, np.float32).reshape(-1, 4)


def _state_of(box: FloatArray) -> npt.NDArray[np.float64]:
    """Give centre x, y, aspect and height `(4, 1)` of a box."""
    x1, y1, x2, y2 = box.astype(np.float64)
    height = max(y2 - y1, LEAST_SIDE)
    aspect = max(x2 - x1, LEAST_SIDE) / height
    return np.array([[(x1 + x2) / 2], [(y1 + y2) / 2], [aspect], [height]])


def _box_of(state: npt.NDArray[np.float64]) -> list[float]:
    x, y, aspect, height = state[:4, 0].tolist()
    height = max(height, LEAST_SIDE)
    half_width, half_height = max(aspect * height, LEAST_SIDE) / 2, height / 2
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def _scaled(noise: float, height: float, aspect: float) -> tuple[float, ...]:
    """Give standard deviations of x, y, aspect and height."""
    return noise * height, noise * height, aspect, noise * height


def _squared_diagonal(*deviations: float) -> npt.NDArray[np.float64]:
    return np.diag(np.square(np.array(deviations, np.float64)))


def _constant_velocity(state: npt.NDArray[np.float64]) -> Any:
    """Start a filter over (x, y, aspect, height) and their change a frame."""
    height = float(state[3, 0])
    made = cv2.KalmanFilter(8, 4, 0, cv2.CV_64F)
    made.transitionMatrix = np.eye(8) + np.eye(8, k=4)
    made.measurementMatrix = np.eye(4, 8)
    made.statePost = np.concatenate([state, np.zeros((4, 1))])
    made.errorCovPost = _squared_diagonal(
        *_scaled(2 * POSITION_NOISE, height, ASPECT_NOISE),
        *_scaled(10 * VELOCITY_NOISE, height, ASPECT_VELOCITY_NOISE),
    )
    return made


def _predict(each: Any) -> npt.NDArray[np.float64]:
    height = max(float(each.statePost[3, 0]), LEAST_SIDE)
    each.processNoiseCov = _squared_diagonal(
        *_scaled(POSITION_NOISE, height, ASPECT_NOISE),
        *_scaled(VELOCITY_NOISE, height, ASPECT_VELOCITY_NOISE),
    )
    state: npt.NDArray[np.float64] = each.predict()
    return state
