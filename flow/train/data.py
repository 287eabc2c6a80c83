"""Feed pairs to `keras.Model.fit`: generated, each several times, or measured ones."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from flow.datasets.batches import RealPairsBatches
from flow.flo import MaskArray
from flow.lightflow import OUTPUT_STRIDE
from flow.synthetic.pair import SyntheticConfig, SyntheticPair, make_pair
from flow.synthetic.textures import TextureBank
from vod.fitting.batches import NumberedBatches
from vod.types import ByteArray, FloatArray

Batch = tuple[tuple[FloatArray, FloatArray], FloatArray]
"""`((current, key), flow)`: twice `(B, H, W, 3)` in [-1, 1], `(B, h, w, 2)` pixels.

Flow that is not known everywhere has a weight as third channel: see
`flow.train.losses`.
"""

Drawn = tuple[ByteArray, ByteArray, FloatArray]
"""`(current, key, flow)`: as `Batch`, the pictures still uint8."""

MIRRORS: Final = ((False, False), (True, False), (False, True), (True, True))
"""(left-right, up-down): a mirrored pair is a new pair with exact flow, for free."""

REUSE_DISTANCE: Final = 48
"""Least batches between two uses of a scene; they are held in memory (2.5 MB each)."""


def normalise(pictures: ByteArray) -> FloatArray:
    """Turn uint8 into the network's [-1, 1]."""
    values = pictures.astype(np.float32)
    values -= np.float32(127.5)
    values *= np.float32(1 / 127.5)
    return values


def target_grid(flow: FloatArray) -> FloatArray:
    """Average `(H, W, 2)` flow over the cells of the network's output grid.

    The grid covers the picture exactly, as `FlowField` has it; values stay in pixels.
    """
    height, width = (-(-side // OUTPUT_STRIDE) for side in flow.shape[:2])
    grid: FloatArray = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)
    return grid


def weighted_target(flow: FloatArray, valid: MaskArray) -> FloatArray:
    """Average known flow over the cells of the network's output grid.

    Args:
        flow: `(H, W, 2)` pixels.
        valid: `(H, W)`, where it is known.

    Returns:
        `(h, w, 3)`: the mean, 0 where nothing is known, and the share that is known.
    """
    weight = valid.astype(np.float32)[..., None]
    sums = target_grid(np.where(valid[..., None], flow, 0).astype(np.float32))
    share = target_grid(weight)[..., None]
    return np.concatenate([sums / np.maximum(share, 1e-6), share], axis=-1)


def stack(pairs: Sequence[SyntheticPair]) -> Drawn:
    """Stack pairs of one size."""
    current = np.stack([pair.current for pair in pairs])
    key = np.stack([pair.key for pair in pairs])
    return current, key, np.stack([target_grid(pair.flow) for pair in pairs])


def to_batch(drawn: Drawn) -> Batch:
    """Give stacked pairs as the network takes them."""
    current, key, flow = drawn
    return (normalise(current), normalise(key)), flow


def mirror(drawn: Drawn, left_right: bool, up_down: bool) -> Drawn:
    """Mirror pictures and flow; the mirrored flow component changes its sign."""
    axes = tuple(a for a, wanted in ((2, left_right), (1, up_down)) if wanted)
    sign = np.array([-1 if left_right else 1, -1 if up_down else 1], np.float32)
    current, key, flow = drawn
    return np.flip(current, axes), np.flip(key, axes), np.flip(flow, axes) * sign


class SyntheticBatches(NumberedBatches):
    """Endless variety, the same for the same seed, whatever was asked for before.

    Batch `i` has shape `shapes[i % len(shapes)]`. Every scene serves `reuse` times,
    each time mirrored otherwise, `REUSE_DISTANCE` batches apart, because drawing scenes
    takes processor time from training.
    """

    def __init__(
        self,
        bank: TextureBank,
        config: SyntheticConfig,
        shapes: Sequence[tuple[int, int, int]],
        *,
        steps: int,
        seed: int,
        reuse: int = 1,
        workers: int = 1,
    ) -> None:
        """Draw nothing yet.

        Args:
            bank: photographs.
            config: statistics of the scenes.
            shapes: height, width and pairs of a batch, in turn. Keras learns which
                sides vary from the first two.
            steps: batches in an epoch.
            seed: of all chance.
            reuse: 1 to 4 uses of a scene.
            workers: threads that draw ahead of the training.
        """
        super().__init__(steps=steps, workers=workers, max_queue_size=6)
        self.bank, self.config, self.shapes = bank, config, shapes
        self.seed, self.reuse = seed, reuse
        self._recent: OrderedDict[int, Drawn] = OrderedDict()

    def batch(self, number: int) -> Batch:
        """Give the batch with this number since the start of training."""
        # A whole number of turns through the shapes, so that a scene keeps its shape.
        distance = -(-REUSE_DISTANCE // len(self.shapes)) * len(self.shapes)
        group, place = divmod(number, distance * self.reuse)
        use, place = divmod(place, distance)
        scene = group * distance + place
        drawn = self._recent.pop(scene, None) or self._draw(scene)
        if use + 1 < self.reuse:
            self._recent[scene] = drawn
            if len(self._recent) > distance + self.max_queue_size:
                self._recent.popitem(last=False)
        return to_batch(mirror(drawn, *MIRRORS[use]))

    def _draw(self, scene: int) -> Drawn:
        height, width, count = self.shapes[scene % len(self.shapes)]
        pairs = [
            make_pair(
                self.bank,
                self.config,
                np.random.default_rng((self.seed, scene, place)),
                height=height,
                width=width,
            )
            for place in range(count)
        ]
        return stack(pairs)


class RealBatches(NumberedBatches):
    """Crops of measured pairs, as the network takes them."""

    def __init__(self, crops: RealPairsBatches, *, steps: int, workers: int) -> None:
        """Read nothing yet.

        Args:
            crops: where they come from.
            steps: batches in an epoch.
            workers: threads that read and augment ahead of the training.
        """
        super().__init__(steps=steps, workers=workers, max_queue_size=2 * workers + 4)
        self._crops = crops

    def batch(self, number: int) -> Batch:
        """Give the batch with this number since the start of training."""
        crops = self._crops.batch(number)
        targets = [
            weighted_target(flow, valid)
            for flow, valid in zip(crops.flow, crops.valid, strict=True)
        ]
        return (normalise(crops.current), normalise(crops.key)), np.stack(targets)
