"""Real pairs of frames for joint training: no labels, two teachers.

The detector, run on every frame, says where the objects are; a slow classical flow on
larger pictures says how the rest moves, where forward and backward flow agree. Both are
computed once for each clip. A pair is then cropped, mirrored, turned in time and
relit at random.
"""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.synthetic.pair import relight
from vod.boxes import pairwise_iou
from vod.errors import ConfigError, VideoError
from vod.images import find_images
from vod.sources import open_source
from vod.types import ByteArray, Detections, FloatArray

logger = logging.getLogger(__name__)

GRID: Final = 75
"""Cells a side of the stored teacher's flow."""

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})


@dataclass(frozen=True, slots=True)
class PairConfig:
    """Which pairs are drawn, and how they are changed.

    Attributes:
        distances: frames between the two pictures; a repeated number is likelier.
        max_frames: of a clip; later ones are not read.
        smallest_crop: least share of the picture's sides that a crop keeps.
        photometric: strength of the earlier picture's change of light.
        noise: greatest standard deviation of pixel noise, in grey values.
        boxes: most boxes of a pair; the best are taken.
        score_threshold: of the detector's boxes that are followed.
        matching_iou: least overlap of a box with itself in the other frame, after the
            teacher's flow has moved it.
    """

    distances: tuple[int, ...] = (1, 1, 1, 2, 2, 3, 4)
    max_frames: int = 400
    smallest_crop: float = 0.6
    photometric: float = 0.4
    noise: float = 4.0
    boxes: int = 6
    score_threshold: float = 0.35
    matching_iou: float = 0.4

    def __post_init__(self) -> None:
        if not self.distances or min(self.distances) < 1:
            raise ConfigError("distances must be a list of frames, 1 or more each.")
        if not 0 < self.smallest_crop <= 1:
            raise ConfigError("smallest_crop must lie in (0, 1].")


@dataclass(eq=False, slots=True)
class Clip:
    """One video as training needs it.

    Attributes:
        name: for messages.
        pictures: `(T, H, W, 3)` uint8, the detector's input size.
        detections: of every frame, in pixels of `pictures`.
        flows: teacher's flow by (current, earlier) frame, when first asked for.
    """

    name: str
    pictures: ByteArray
    detections: list[Detections]
    flows: dict[tuple[int, int], npt.NDArray[np.float16]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """One training example, pictures of the flow network's size S.

    Attributes:
        current: `(S, S, 3)` uint8.
        earlier: `(S, S, 3)` uint8.
        flow: `(h, w, 2)` teacher's flow, current to earlier, in pixels of S.
        trust: `(h, w)` in [0, 1].
        boxes: `(K, 8)` earlier then current x1, y1, x2, y2 as shares of S.
        box_weight: `(K,)`, 0 for padding.
    """

    current: ByteArray
    earlier: ByteArray
    flow: FloatArray
    trust: FloatArray
    boxes: FloatArray
    box_weight: FloatArray


def find_clips(roots: Sequence[Path]) -> list[Path]:
    """List the videos and folders of frames at or below the given paths.

    Raises:
        VideoError: a path has none.
    """
    clips: list[Path] = []
    for root in roots:
        found = [root] if root.is_file() else sorted(_below(root))
        if not found:
            raise VideoError(f"{root} holds no video and no folder of pictures.")
        clips += found
    return clips


def _below(root: Path) -> list[Path]:
    videos = [p for p in root.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES]
    folders = [p for p in [root, *root.rglob("*")] if p.is_dir() and _is_sequence(p)]
    return videos + folders


def _is_sequence(folder: Path) -> bool:
    if not any(folder.iterdir()):
        return False
    try:
        return len(find_images(str(folder)) or ()) > 1
    except VideoError:
        return False


def read_clip(path: Path, detector: Detector, config: PairConfig) -> Clip:
    """Decode a clip, shrink its frames, and run the detector on all of them.

    Raises:
        VideoError: it cannot be read, or has fewer than two frames.
    """
    pictures, found = [], []
    threshold = PostprocessConfig(score_threshold=config.score_threshold)
    with open_source(str(path), max_frames=config.max_frames) as source:
        for frame in source:
            picture = detector.preprocessing.resize(frame.rgb)
            maps = detector.features(detector.preprocessing.input_of(picture))
            height, width = picture.shape[:2]
            pictures.append(picture)
            found.append(
                detector.detect(
                    maps,
                    frame_height=height,
                    frame_width=width,
                    postprocess=threshold,
                )
            )
    if len(pictures) < 2:
        raise VideoError(f"{path} has fewer than two frames; training needs motion.")
    return Clip(path.name, np.stack(pictures), found)


class TeacherFlow:
    """Slow, careful classical flow with its own doubt: DIS, refined, both ways."""

    def __call__(self, clip: Clip, current: int, earlier: int) -> FloatArray:
        """Give `(GRID, GRID, 3)`: flow in shares of the picture, and trust in it."""
        if (current, earlier) not in clip.flows:
            self._compute(clip, current, earlier)
        return clip.flows[current, earlier].astype(np.float32)

    def _compute(self, clip: Clip, first: int, second: int) -> None:
        grey = [
            cv2.cvtColor(clip.pictures[i], cv2.COLOR_RGB2GRAY) for i in (first, second)
        ]
        # One object holds the state of one estimate: threads cannot share it.
        method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        method.setPatchStride(3)
        method.setGradientDescentIterations(50)
        method.setVariationalRefinementIterations(10)
        there = method.calc(grey[0], grey[1], None)
        back = method.calc(grey[1], grey[0], None)
        clip.flows[first, second] = _with_trust(there, back)
        clip.flows[second, first] = _with_trust(back, there)


def _with_trust(flow: FloatArray, reverse: FloatArray) -> npt.NDArray[np.float16]:
    """Join flow (shares of the picture) and trust where going there and back is still.

    The limit grows with motion, as in Sundaram et al., ECCV 2010.
    """
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    returned = cv2.remap(
        reverse, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR
    )
    gap = np.square(flow + returned).sum(-1)
    limit = 0.01 * (np.square(flow).sum(-1) + np.square(returned).sum(-1)) + 0.5
    inside = (columns + flow[..., 0] >= 0) & (columns + flow[..., 0] <= width - 1)
    inside &= (rows + flow[..., 1] >= 0) & (rows + flow[..., 1] <= height - 1)
    trust = ((gap < limit) & inside).astype(np.float32)
    joined = np.dstack([flow / np.array([width, height], np.float32), trust])
    return cv2.resize(joined, (GRID, GRID), interpolation=cv2.INTER_AREA).astype(
        np.float16
    )


class RealPairs:
    """Draws pairs from clips; the same `rng` state gives the same pair."""

    def __init__(
        self, clips: Sequence[Clip], config: PairConfig, *, size: int, cells: int
    ) -> None:
        """Take what to draw from.

        Args:
            clips: at least one.
            config: how to draw.
            size: side of the pictures given.
            cells: side of the flow given.
        """
        self._clips, self._config = clips, config
        self._size, self._cells = size, cells
        self._teacher = TeacherFlow()
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
        field_ = self._teacher(clip, current, earlier)
        boxes = follow(clip, earlier, current, field_, self._config)
        crop = self._crop(rng)
        return self._cropped(clip, (current, earlier), field_, boxes, crop, rng)

    def _crop(self, rng: np.random.Generator) -> tuple[float, float, float]:
        share = (
            1.0 if rng.random() < 0.3 else rng.uniform(self._config.smallest_crop, 1)
        )
        left, top = rng.uniform(0, 1 - share, 2)
        return float(left), float(top), float(share)

    def _cropped(
        self,
        clip: Clip,
        frames: tuple[int, int],
        field_: FloatArray,
        boxes: FloatArray,
        crop: tuple[float, float, float],
        rng: np.random.Generator,
    ) -> Pair:
        left, top, share = crop
        mirrors = rng.random(2) < (0.5, 0.15)
        pictures = []
        for index, frame in enumerate(frames):
            picture = _cut(clip.pictures[frame], crop, self._size)
            if index == 1 and self._config.photometric > 0:
                lit = relight(picture.astype(np.float32), self._config.photometric, rng)
                picture = np.clip(lit + 0.5, 0, 255).astype(np.uint8)
            pictures.append(picture)
        joined = _cut(field_, crop, self._cells)
        flow = joined[..., :2] * np.float32(self._size / share)
        boxes = boxes.copy()
        boxes[:, 0::2] = (boxes[:, 0::2] - left) / share
        boxes[:, 1::2] = (boxes[:, 1::2] - top) / share
        trust = joined[..., 2]
        for axis, mirrored in ((1, mirrors[0]), (0, mirrors[1])):
            if not mirrored:
                continue
            pictures = [np.flip(p, axis) for p in pictures]
            flow, trust = np.flip(flow, axis), np.flip(trust, axis)
            side = 1 - axis  # 0 = x
            flow = flow * np.where(np.arange(2) == side, -1, 1).astype(np.float32)
            turned = 1 - boxes[:, side::2]
            boxes[:, side::2] = turned[:, [1, 0, 3, 2]]
        grain = rng.uniform(0, self._config.noise)
        current, earlier = (_grainy(p, grain, rng) for p in pictures)
        kept, weight = self._inside(boxes)
        return Pair(current, earlier, flow, trust, kept, weight)

    def _inside(self, boxes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Keep boxes that lie in the crop in both pictures; pad to a fixed number."""
        shown = np.clip(boxes, 0, 1)
        for first in (0, 4):
            full, part = (
                np.prod(b[:, first + 2 : first + 4] - b[:, first : first + 2], 1)
                for b in (boxes, shown)
            )
            boxes, shown = boxes[part > 0.85 * full], shown[part > 0.85 * full]
        boxes = boxes[: self._config.boxes]
        padded = np.tile(
            np.array([0.25, 0.25, 0.75, 0.75] * 2, np.float32), (self._config.boxes, 1)
        )
        padded[: len(boxes)] = boxes
        weight = (np.arange(self._config.boxes) < len(boxes)).astype(np.float32)
        return padded, weight


def _cut(
    picture: npt.NDArray[Any], crop: tuple[float, float, float], size: int
) -> npt.NDArray[Any]:
    """Cut a square share of a picture, resampled to `size`; pixel grids aligned."""
    left, top, share = crop
    height, width = picture.shape[:2]
    if share == 1:
        return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    across, along = size / (share * width), size / (share * height)
    matrix = np.array(
        [
            [across, 0, (0.5 - left * width) * across - 0.5],
            [0, along, (0.5 - top * height) * along - 0.5],
        ]
    )
    smoothed = picture
    if across < 0.75:  # shrinking: average first, or fine texture turns to noise
        smoothed = cv2.GaussianBlur(picture, (0, 0), 0.4 / across)
    return cv2.warpAffine(
        smoothed,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _grainy(
    picture: ByteArray, deviation: float, rng: np.random.Generator
) -> ByteArray:
    grain = rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None]
    return np.clip(picture + grain * np.float32(deviation) + 0.5, 0, 255).astype(
        np.uint8
    )


def follow(
    clip: Clip, earlier: int, current: int, field_: FloatArray, config: PairConfig
) -> FloatArray:
    """Pair the detections of two frames that show one object.

    Returns:
        `(N, 8)` shares of the picture, earlier then current, best score first.
    """
    height, width = clip.pictures.shape[1:3]
    unit = np.tile(np.array([width, height], np.float32), 2)
    before, now = clip.detections[earlier], clip.detections[current]
    first, second = before.boxes / unit, now.boxes / unit
    pairs = np.zeros((0, 8), np.float32)
    if not len(first) or not len(second):
        return pairs
    overlap = pairwise_iou(_moved(first, field_), second)
    overlap[before.labels[:, None] != now.labels[None]] = 0
    best = overlap.argmax(1)
    mutual = overlap.argmax(0)[best] == np.arange(len(first))
    rows = np.flatnonzero(mutual & (overlap.max(1) >= config.matching_iou))
    return np.concatenate([first[rows], second[best[rows]]], 1).astype(np.float32)


def _moved(boxes: FloatArray, field_: FloatArray) -> FloatArray:
    """Move boxes (shares) by the median of the teacher's flow inside."""
    moved = boxes.copy()
    for row, box in enumerate(boxes):
        x1, y1, x2, y2 = np.clip(np.round(box * GRID), 0, GRID - 1).astype(int)
        inside = field_[y1 : y2 + 1, x1 : x2 + 1, :2].reshape(-1, 2)
        moved[row] -= np.tile(np.median(inside, axis=0), 2)
    return moved
