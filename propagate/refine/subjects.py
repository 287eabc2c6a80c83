"""Objects followed through videos by the detector itself: what the refiner learns from.

The detector runs on every frame; from each detection on, the detection of the same
class that lies where the flow takes the box is the same object. Where a clip has tracks
these tell instead. Beside it goes the box as propagation would carry it, with its
doubt: that is what must be corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from flow.dis import DisFlow, Preset
from flow.field import FlowField
from propagate.refine.doubt import doubt_of
from propagate.refine.stills import LEAST_SIDE
from propagate.train_data import Clip, Pictures, Track
from propagate.transport import transport_boxes
from propagate.transport_config import TransportConfig
from vod.boxes import pairwise_iou
from vod.errors import ConfigError
from vod.types import Detections, FloatArray


@dataclass(frozen=True, slots=True)
class FollowConfig:
    """How the detector's boxes become objects with a past.

    Attributes:
        longest: most frames that an object is followed.
        every: a new object begins at most every so many frames.
        score: least score of an object's first box.
        next_score: and of every later one.
        overlap: least overlap of a box with where the flow takes the last one.
        rival: greatest overlap of the second-best, as a share of the best's: among
            many alike, nobody knows which is which.
    """

    longest: int = 20
    every: int = 2
    score: float = 0.4
    next_score: float = 0.3
    overlap: float = 0.5
    rival: float = 0.6

    def __post_init__(self) -> None:
        if self.longest < 1 or self.every < 1:
            raise ConfigError("longest and every must be 1 or more.")


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """One object on consecutive frames of a clip.

    Attributes:
        pictures: the whole clip's.
        first: its first frame, the key frame.
        boxes: `(A + 1, 4)` the detector's boxes, in pixels, from there on.
        carried: `(A + 1, 4)` the first box, carried by the flow.
        doubts: `(A + 1,)` of the carried boxes.
    """

    pictures: Pictures
    first: int
    boxes: FloatArray
    carried: FloatArray
    doubts: FloatArray


def flows_of(clip: Clip, preset: Preset) -> list[FlowField]:
    """Give the flow of every frame but the first to the one before it, by DIS."""
    height, width = clip.pictures.shape[1:3]
    flow = DisFlow(preset, height=height, width=width)
    prepared = [flow.prepare(picture) for picture in clip.pictures]
    return [flow(current, earlier) for earlier, current in pairwise(prepared)]


def subjects_of(
    clip: Clip, config: FollowConfig, transport: TransportConfig
) -> list[Subject]:
    """Follow every object that the detector finds in a clip, or that has a track.

    Args:
        clip: with tracks, or with the detector's boxes on every frame.
        config: how they are followed.
        transport: how boxes are carried.
    """
    flows = flows_of(clip, "ultrafast")

    def subject(first: int, boxes: FloatArray) -> Subject:
        carried, doubts = _carried(boxes, flows[first:], transport)
        return Subject(clip.pictures, first, boxes, carried, doubts)

    if clip.tracks is not None:
        return [
            subject(first, boxes)
            for track in clip.tracks
            for first, boxes in _parts(track, config)
        ]
    careful = flows_of(clip, "medium")
    found = []
    for first in range(0, len(clip.pictures) - 1, config.every):
        start = clip.detections[first]
        for row in np.flatnonzero(start.scores >= config.score):
            boxes = _chain(clip, first, int(row), careful, config, transport)
            if len(boxes) > 1:
                found.append(subject(first, boxes))
    return found


def _parts(track: Track, config: FollowConfig) -> list[tuple[int, FloatArray]]:
    """Give the first frame and `(A + 1, 4)` boxes of what a track can teach.

    Boxes of too few pixels, and frames that do not follow each other, end a part.
    """
    large = (track.boxes[:, 2:] - track.boxes[:, :2]).min(1) >= LEAST_SIDE
    frames, boxes = track.frames[large], track.boxes[large]
    parts = []
    ends = np.append(np.flatnonzero(np.diff(frames) != 1) + 1, len(frames))
    for start, end in pairwise([0, *ends.tolist()]):
        for first in range(start, end - 1, config.every):
            last = min(first + config.longest + 1, end)
            parts.append((int(frames[first]), boxes[first:last]))
    return parts


def _chain(
    clip: Clip,
    first: int,
    row: int,
    flows: Sequence[FlowField],
    config: FollowConfig,
    transport: TransportConfig,
) -> FloatArray:
    """Give the `(A + 1, 4)` boxes of one object, as far as it is sure."""
    size = clip.pictures.shape[1:3]
    label = clip.detections[first].labels[row]
    boxes = [clip.detections[first].boxes[row]]
    last = min(first + config.longest, len(clip.pictures) - 1)
    for frame in range(first + 1, last + 1):
        there = transport_boxes(
            boxes[-1][None], flows[frame - 1], frame_size=size, config=transport
        ).boxes
        match = _same(there, label, clip.detections[frame], config)
        if match is None:
            break
        boxes.append(match)
    return np.array(boxes, np.float32)


def _same(
    there: FloatArray, label: int, found: Detections, config: FollowConfig
) -> FloatArray | None:
    """Give the one detection of a class that lies at a box, if it is clear which."""
    alike = (found.labels == label) & (found.scores >= config.next_score)
    candidates = found.boxes[alike]
    if not len(candidates):
        return None
    overlap = pairwise_iou(there, candidates)[0]
    best, *others = np.sort(overlap)[::-1]
    if best < config.overlap or (others and others[0] > config.rival * best):
        return None
    box: FloatArray = candidates[overlap.argmax()]
    return box


def _carried(
    boxes: FloatArray, flows: Sequence[FlowField], transport: TransportConfig
) -> tuple[FloatArray, FloatArray]:
    """Carry the first of `(A + 1, 4)` boxes along, and say how sure that is."""
    size = flows[0].data.shape[:2]
    frame_size = (size[0] / flows[0].grain, size[1] / flows[0].grain)
    carried = [boxes[0]]
    shifts, confidences = [0.0], [1.0]
    for flow in flows[: len(boxes) - 1]:
        step = transport_boxes(
            carried[-1][None], flow, frame_size=frame_size, config=transport
        )
        carried.append(step.boxes[0])
        shifts.append(shifts[-1] + float(step.shift[0]))
        confidences.append(confidences[-1] * float(step.agreement[0]))
    stacked = np.array(carried, np.float32)
    sides = np.sqrt(np.prod(stacked[:, 2:] - stacked[:, :2], axis=1))
    ages = np.arange(len(boxes), dtype=np.int32)
    return stacked, doubt_of(
        ages,
        np.array(shifts, np.float32),
        np.array(confidences, np.float32),
        sides.astype(np.float32),
    )
