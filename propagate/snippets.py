"""Samples of joint training: key frames, and a frame after the last of them.

A sample is I_{k-(n-1)l}, ..., I_{k-l}, I_k, I_i with 0 <= i - k < l, oldest first; only
the objects of frame i are needed. A still becomes copies of itself, or a slow ride of
the camera over it, whose boxes are exact.

Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles, sec.
3.4 (`n` = 8 and `l` = 10 there).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detector.fit_data import (
    PictureStore,
    TrainingPictures,
    padded,
    source_shares,
)
from detector.train_augment import cut_window, distort, move_boxes, random_window
from vod.dataset.annotated import AnnotatedPictures
from vod.errors import ConfigError
from vod.fitting.batches import NumberedBatches
from vod.types import FloatArray

LONGEST_RIDE = 0.5
"""Of a still's sides: further away, the window would show another picture."""


@dataclass(frozen=True, slots=True)
class SnippetConfig:
    """How samples are drawn.

    Attributes:
        keys: key frames of a sample; the paper's n.
        interval: frames from one key frame to the next; the paper's l.
        drift: of the camera over a still, at most this share of its sides a frame. 0
            gives static copies, the paper's.
        zoom: at most this relative change of size a frame; 0 likewise.
    """

    keys: int = 8
    interval: int = 10
    drift: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        if self.keys < 1 or self.interval < 1:
            raise ConfigError(
                "keys and interval must be at least 1, received "
                f"{self.keys} and {self.interval}."
            )
        if min(self.drift, self.zoom) < 0:
            raise ConfigError("drift and zoom must not be negative.")

    def times(self, offset: int) -> list[int]:
        """Give every frame's time before the last one, which lies `offset` after k.

        >>> SnippetConfig(keys=3, interval=10).times(4)
        [24, 14, 4, 0]
        """
        keys = [offset + self.interval * n for n in reversed(range(self.keys))]
        return [*keys, 0]


@dataclass(frozen=True, eq=False, slots=True)
class Ride:
    """How the camera moves over a still.

    Attributes:
        drift: `(2,)` shares of the window's sides a frame, to the right and down.
        zoom: logarithm of the growth of the window a frame.
    """

    drift: FloatArray
    zoom: float

    def window(self, last: FloatArray, before: int) -> FloatArray:
        """Give the window `(4,)` so many frames before the last one's.

        Mirrored windows, x1 > x2, stay mirrored.
        """
        start, end = last[:2], last[2:]
        centre = (start + end) / 2 - self.drift * before * np.abs(end - start)
        half = (end - start) / 2 * np.exp(-self.zoom * before)
        window: FloatArray = np.concatenate([centre - half, centre + half])
        return window.astype(np.float32)


def draw_ride(rng: np.random.Generator, config: SnippetConfig, longest: int) -> Ride:
    """Draw a ride that leads no further than `LONGEST_RIDE` in `longest` frames."""
    most = LONGEST_RIDE / max(longest, 1)
    drift = rng.uniform(-1, 1, 2) * min(config.drift, most)
    zoom = float(rng.uniform(-1, 1) * min(config.zoom, most))
    return Ride(drift.astype(np.float32), zoom)


class VideoFrames:
    """Where the pictures of a source's videos lie, also of frames that no list names.

    Lists for training name some frames of a video; key frames before them are pictures
    of the same folder.
    """

    def __init__(self, source: AnnotatedPictures) -> None:
        truth = source.truth
        self._truth = truth
        self._listed: dict[int, dict[int, int]] = {}
        for frame, snippet in enumerate(truth.frame_snippets.tolist()):
            numbers = self._listed.setdefault(snippet, {})
            numbers[int(truth.frame_numbers[frame])] = frame

    def before(self, frame: int, count: int) -> Path:
        """Give the picture `count` frames earlier, or the nearest that there is.

        That is the listed frame before it, or else the first one.
        """
        number = int(self._truth.frame_numbers[frame]) - count
        listed = self._listed[int(self._truth.frame_snippets[frame])]
        path = self._truth.image_path(frame)
        if number not in listed and path.stem.isdecimal() and number >= 0:
            beside = path.with_name(f"{number:0{len(path.stem)}d}{path.suffix}")
            if beside.is_file():
                return beside
        earlier = [known for known in listed if known <= number]
        return self._truth.image_path(listed[max(earlier, default=min(listed))])

    def is_still(self, frame: int) -> bool:
        """Say whether a frame has no other one before it."""
        number = int(self._truth.frame_numbers[frame])
        listed = self._listed[int(self._truth.frame_snippets[frame])]
        here = self._truth.image_path(frame)
        return len(listed) == 1 and self.before(frame, min(number, 1)) == here


class SnippetBatches(NumberedBatches):
    """Endless batches of samples, told by their number.

    `({"frames": (B, keys + 1, H, W, 3), "moved": (B,), "boxes", "labels"},)`. `moved`
    is 0 where the last frame is the last key frame itself; the objects are those of the
    last frame, as `detector.fit_data.PictureBatches` has them.
    """

    def __init__(
        self,
        pictures: TrainingPictures,
        config: SnippetConfig,
        *,
        batch_size: int,
        steps: int,
        seed: int,
    ) -> None:
        """Read nothing yet; see `PictureBatches`."""
        how = pictures.config
        super().__init__(
            steps=steps, workers=how.workers, max_queue_size=4 * how.workers
        )
        self._pictures, self._config = pictures, config
        self._batch_size, self._seed = batch_size, seed
        self._store = PictureStore(how.longest_side, keep=how.keep)
        self._shares = source_shares(how, len(pictures.sources))
        self._videos = [VideoFrames(source) for source in pictures.sources]
        # Noise that stays in place would tell the flow that nothing moves.
        self._augment = replace(how.augment, noise=0.0)

    def __getitem__(self, index: int) -> tuple[dict[str, Any]]:
        return (super().__getitem__(index),)

    def batch(self, number: int) -> dict[str, Any]:
        """Give the inputs of the batch with this number since the start."""
        rng = np.random.default_rng((self._seed, number))
        drawn = [self._draw(rng) for _ in range(self._batch_size)]
        names = ("frames", "moved", "boxes", "labels")
        columns = zip(*drawn, strict=True)
        return {n: np.stack(part) for n, part in zip(names, columns, strict=True)}

    def _draw(self, rng: np.random.Generator) -> tuple[Any, ...]:
        chosen = int(rng.choice(len(self._shares), p=self._shares))
        source, videos = self._pictures.sources[chosen], self._videos[chosen]
        frame = int(rng.integers(len(source)))
        offset = int(rng.integers(self._config.interval))
        times = self._config.times(offset)
        rgb, scale = self._store.read(source.path(frame))
        window = random_window(
            rng, self._augment, height=rgb.shape[0], width=rgb.shape[1]
        )
        ride = draw_ride(rng, self._config, times[0])
        if videos.is_still(frame):
            shown = [(source.path(frame), ride.window(window, t)) for t in times]
        else:
            shown = [(videos.before(frame, t), window) for t in times]
        frames = self._shown(shown, int(rng.integers(1 << 31)))
        boxes, labels = source.objects(frame)
        size = self._pictures.preprocessing
        moved, visible = move_boxes(
            boxes * scale, window, height=size.height, width=size.width
        )
        kept = visible >= self._augment.min_visible
        whole, names = padded(moved[kept], labels[kept], self._pictures.objects)
        return frames, np.float32(offset > 0), whole, names

    def _shown(self, shown: Sequence[tuple[Path, FloatArray]], seed: int) -> FloatArray:
        """Cut windows out of pictures and change all their colours alike."""
        size = self._pictures.preprocessing
        frames = []
        for path, window in shown:
            rgb, _ = self._store.read(path)
            cut = cut_window(rgb, window, height=size.height, width=size.width)
            changed = distort(np.random.default_rng(seed), cut, self._augment)
            frames.append(size.normalise(changed)[0])
        return np.stack(frames)
