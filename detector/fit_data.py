"""Batches of annotated pictures for training, the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detector.fit_config import PicturesConfig
from detector.train_augment import cut_window, distort, move_boxes, random_window
from vod.dataset.annotated import AnnotatedPictures
from vod.errors import ConfigError
from vod.fitting.batches import NumberedBatches
from vod.ground_truth import DoubleArray
from vod.images import read_image
from vod.preprocess import Preprocessing
from vod.types import ByteArray, FloatArray, IntArray

Drawn = tuple[FloatArray, FloatArray, IntArray]
"""Picture `(H, W, 3)`, boxes `(objects, 4)` and labels `(objects,)`."""

PADDING = -1
"""Label of a row that holds no object."""


class PictureStore:
    """Reads pictures, shrinks them, and perhaps keeps them in memory."""

    def __init__(self, longest_side: int | None, *, keep: bool) -> None:
        self._longest, self._keep = longest_side, keep
        self._kept: dict[Path, tuple[ByteArray, float]] = {}

    def read(self, path: Path) -> tuple[ByteArray, float]:
        """Give `(H, W, 3)` uint8 RGB and how much smaller it is than the file's.

        Raises:
            VideoError: it is missing or no picture.
        """
        if path in self._kept:
            return self._kept[path]
        rgb, scale = read_image(path), 1.0
        longest = max(rgb.shape[:2])
        if self._longest is not None and longest > self._longest:
            scale = self._longest / longest
            size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
            rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        if self._keep:
            self._kept[path] = rgb, scale
        return rgb, scale


def source_shares(config: PicturesConfig, count: int) -> DoubleArray:
    """Give the share of the pictures that every source gets; they add up to 1.

    Raises:
        ConfigError: there are more or fewer shares than sources.
    """
    shares = config.shares or (1.0,) * count
    if len(shares) != count:
        raise ConfigError(
            f"pictures.shares has {len(shares)} numbers, but there are {count} sources."
        )
    return np.array(shares, np.float64) / sum(shares)


def padded(
    boxes: FloatArray, labels: IntArray, rows: int
) -> tuple[FloatArray, IntArray]:
    """Give `(rows, 4)` boxes and `(rows,)` labels, the largest objects first."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    best = np.argsort(-area, kind="stable")[:rows]
    whole = np.zeros((rows, 4), np.float32)
    names = np.full(rows, PADDING, np.int32)
    whole[: len(best)], names[: len(best)] = boxes[best], labels[best]
    return whole, names


@dataclass(frozen=True, eq=False, slots=True)
class TrainingPictures:
    """What a batch is drawn from.

    Attributes:
        sources: of one class list.
        config: how they are drawn and changed.
        preprocessing: of the detector; its size is that of the pictures.
        objects: rows for the objects of a picture.
    """

    sources: Sequence[AnnotatedPictures]
    config: PicturesConfig
    preprocessing: Preprocessing
    objects: int


class PictureBatches(NumberedBatches):
    """Endless batches, told by their number.

    `({"image": (B, H, W, 3), "boxes": (B, objects, 4), "labels": (B, objects)},)`:
    normalised pictures, boxes in their pixels, -1 for padding.
    """

    def __init__(
        self, pictures: TrainingPictures, *, batch_size: int, steps: int, seed: int
    ) -> None:
        """Read nothing yet.

        Args:
            pictures: what to draw from.
            batch_size: pictures in a batch.
            steps: batches in an epoch.
            seed: of all chance.

        Raises:
            ConfigError: the shares do not fit the sources.
        """
        config = pictures.config
        super().__init__(
            steps=steps, workers=config.workers, max_queue_size=6 * config.workers
        )
        self._pictures, self._seed = pictures, seed
        self._batch_size = batch_size
        self._store = PictureStore(config.longest_side, keep=config.keep)
        self._shares = source_shares(config, len(pictures.sources))

    def __getitem__(self, index: int) -> tuple[dict[str, Any]]:
        return (super().__getitem__(index),)

    def batch(self, number: int) -> dict[str, Any]:
        """Give the inputs of the batch with this number since the start."""
        rng = np.random.default_rng((self._seed, number))
        drawn = [self._draw(rng) for _ in range(self._batch_size)]
        image, boxes, labels = (np.stack(part) for part in zip(*drawn, strict=True))
        return {"image": image, "boxes": boxes, "labels": labels}

    def _draw(
        self, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Draw a source by its share, then one of its pictures."""
        drawn = self._pictures
        source = drawn.sources[int(rng.choice(len(self._shares), p=self._shares))]
        frame = int(rng.integers(len(source)))
        rgb, scale = self._store.read(source.path(frame))
        boxes, labels = source.objects(frame)
        augment = drawn.config.augment
        height, width = drawn.preprocessing.height, drawn.preprocessing.width
        window = random_window(rng, augment, height=rgb.shape[0], width=rgb.shape[1])
        shown = cut_window(rgb, window, height=height, width=width)
        moved, visible = move_boxes(boxes * scale, window, height=height, width=width)
        kept = visible >= augment.min_visible
        picture = distort(rng, shown, augment)
        whole, names = padded(moved[kept], labels[kept], drawn.objects)
        return drawn.preprocessing.normalise(picture)[0], whole, names
