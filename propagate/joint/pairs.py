"""Real pairs of frames for joint training, with what two teachers say of them.

The detector, run on every frame, says where the objects are, or annotated tracks do; a
slow classical flow on larger pictures says how the rest moves, where forward and
backward flow agree. A pair is then cropped, mirrored, turned in time and relit at
random.
"""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from propagate.joint.augmented import Augmenter, Pair
from propagate.joint.teacher import GRID, TeacherFlow
from propagate.train_data import Clip, PairConfig, Track
from vod.boxes import pairwise_iou
from vod.types import FloatArray

logger = logging.getLogger(__name__)


class RealPairs:
    """Draws pairs from clips; the same `rng` state gives the same pair."""

    def __init__(
        self,
        clips: Sequence[Clip],
        config: PairConfig,
        *,
        size: int,
        cells: int,
        keeps_flows: bool = True,
    ) -> None:
        """Take what to draw from.

        Args:
            clips: at least one.
            config: how to draw.
            size: side of the pictures given.
            cells: side of the flow given.
            keeps_flows: a pair's classical flow is computed once.
        """
        self._clips, self._config = clips, config
        self._augmented = Augmenter(config, size=size, cells=cells)
        self._teacher = TeacherFlow(keeps=keeps_flows)
        lengths = np.array([len(c.pictures) for c in clips], float)
        self._odds = np.sqrt(lengths) / np.sqrt(lengths).sum()

    def teach(self) -> None:
        """Let the classical flow look at all pairs now, not while training waits."""
        wanted = [
            (clip, frame, frame - distance)
            for clip in self._clips
            for distance in sorted(set(self._config.distances))
            for frame in range(distance, len(clip.pictures))
        ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for done, _ in enumerate(
                pool.map(lambda pair: self._teacher(*pair), wanted)
            ):
                if done % 1000 == 999:
                    logger.info("%d of %d pairs prepared", done + 1, len(wanted))

    def draw(self, rng: np.random.Generator) -> Pair:
        """Draw one pair."""
        clip = self._clips[int(rng.choice(len(self._clips), p=self._odds))]
        length = len(clip.pictures)
        distance = min(int(rng.choice(self._config.distances)), length - 1)
        current = int(rng.integers(distance, length))
        earlier = current - distance
        if rng.random() < 0.5:
            current, earlier = earlier, current
        field = self._teacher(clip, current, earlier)
        boxes = follow(clip, earlier, current, field, self._config)
        shown = clip.pictures[current], clip.pictures[earlier]
        return self._augmented(shown, field, boxes, rng)


def follow(
    clip: Clip, earlier: int, current: int, field: FloatArray, config: PairConfig
) -> FloatArray:
    """Pair the boxes of two frames that show one object: by track, or as detected.

    Returns:
        `(N, 8)` shares of the picture, earlier then current, best score first.
    """
    height, width = clip.pictures.shape[1:3]
    unit = np.array([width, height] * 2, np.float32)
    if clip.tracks is not None:
        return _tracked(clip.tracks, earlier, current, unit)
    before, now = clip.detections[earlier], clip.detections[current]
    first, second = before.boxes / unit, now.boxes / unit
    pairs = np.zeros((0, 8), np.float32)
    if not len(first) or not len(second):
        return pairs
    overlap = pairwise_iou(_moved(first, field), second)
    overlap[before.labels[:, None] != now.labels[None]] = 0
    best = overlap.argmax(1)
    mutual = overlap.argmax(0)[best] == np.arange(len(first))
    rows = np.flatnonzero(mutual & (overlap.max(1) >= config.matching_iou))
    return np.concatenate([first[rows], second[best[rows]]], 1).astype(np.float32)


def _tracked(
    tracks: Sequence[Track], earlier: int, current: int, unit: FloatArray
) -> FloatArray:
    """Give the `(N, 8)` boxes, divided by `unit`, of objects that are on both."""
    both = [(track.on(earlier) / unit, track.on(current) / unit) for track in tracks]
    found = [np.concatenate(two, 1) for two in both if len(two[0]) and len(two[1])]
    return np.concatenate([np.zeros((0, 8), np.float32), *found])


def _moved(boxes: FloatArray, field: FloatArray) -> FloatArray:
    """Move boxes (shares) by the median of the teacher's flow inside."""
    moved = boxes.copy()
    for row, box in enumerate(boxes):
        x1, y1, x2, y2 = np.clip(np.round(box * GRID), 0, GRID - 1).astype(int)
        inside = field[y1 : y2 + 1, x1 : x2 + 1, :2].reshape(-1, 2)
        moved[row] -= np.tile(np.median(inside, axis=0), 2)
    return moved
