"""Two pictures with what is known of them, changed at random: one training example."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from flow.synthetic.pair import relight
from propagate.train_data import PairConfig
from vod.types import ByteArray, FloatArray


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


class Augmenter:
    """Crops, mirrors and relights pairs, each alike in all that belongs to it."""

    def __init__(self, config: PairConfig, *, size: int, cells: int) -> None:
        """Take how pairs are changed.

        Args:
            config: how.
            size: side of the pictures given.
            cells: side of the flow given.
        """
        self._config, self._size, self._cells = config, size, cells

    def __call__(
        self,
        shown: tuple[ByteArray, ByteArray],
        field: FloatArray,
        boxes: FloatArray,
        rng: np.random.Generator,
    ) -> Pair:
        """Give a training example of what is known of two pictures.

        Args:
            shown: the current and the earlier picture, `(H, W, 3)` uint8.
            field: `(h, w, 3)` flow from the current to the earlier, in shares of the
                picture, and trust in it.
            boxes: `(N, 8)` shares of the picture, earlier then current.
            rng: chance; the same state gives the same pair.
        """
        crop = left, top, share = self._crop(rng)
        mirrors = rng.random(2) < (0.5, 0.15)
        pictures = []
        for index, whole in enumerate(shown):
            picture = _cut(whole, crop, self._size)
            if index == 1 and self._config.photometric > 0:
                lit = relight(picture.astype(np.float32), self._config.photometric, rng)
                picture = np.clip(lit + 0.5, 0, 255).astype(np.uint8)
            pictures.append(picture)
        joined = _cut(field, crop, self._cells)
        flow = joined[..., :2] * np.float32(self._size / share)
        boxes = (boxes - np.array([left, top] * 4, np.float32)) / np.float32(share)
        trust = joined[..., 2]
        for axis in np.flatnonzero(mirrors).tolist():
            pictures = [np.flip(p, 1 - axis) for p in pictures]
            flow, trust, boxes = _mirrored(flow, trust, boxes, axis)
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

    def _crop(self, rng: np.random.Generator) -> tuple[float, float, float]:
        share = (
            1.0 if rng.random() < 0.3 else rng.uniform(self._config.smallest_crop, 1)
        )
        left, top = rng.uniform(0, 1 - share, 2)
        return float(left), float(top), float(share)


def _mirrored(
    flow: FloatArray, trust: FloatArray, boxes: FloatArray, axis: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Turn what is known of a pair over, axis 0 = x, 1 = y."""
    flow, trust = np.flip(flow, 1 - axis), np.flip(trust, 1 - axis)
    flow = flow * np.where(np.arange(2) == axis, -1, 1).astype(np.float32)
    boxes = boxes.copy()
    boxes[:, axis::2] = 1 - boxes[:, axis::2][:, [1, 0, 3, 2]]
    return flow, trust, boxes


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
