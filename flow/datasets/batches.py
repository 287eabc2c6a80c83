"""Batches of crops from measured pairs, the same for the same seed and number."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from flow.datasets.pairs import FlowPair, LoadedPair
from flow.flo import MaskArray
from vod.errors import ConfigError, FlowError
from vod.types import ByteArray, FloatArray


class RealBatch(NamedTuple):
    """Crops of one size.

    Attributes:
        current: `(B, h, w, 3)` uint8 RGB.
        key: likewise.
        flow: `(B, h, w, 2)` float32 pixels, 0 where unknown.
        valid: `(B, h, w)` bool, where the flow is known.
    """

    current: ByteArray
    key: ByteArray
    flow: FloatArray
    valid: MaskArray


class Transform(Protocol):
    """Changes a whole pair before it is cropped."""

    def __call__(
        self,
        current: ByteArray,
        key: ByteArray,
        flow: FloatArray,
        valid: MaskArray,
        rng: np.random.Generator,
        *,
        size: tuple[int, int],
        batch: int,
    ) -> tuple[ByteArray, ByteArray, FloatArray, MaskArray]:
        """Give the pair changed, with all chance from `rng`.

        Args:
            current: `(H, W, 3)` uint8 RGB.
            key: likewise.
            flow: `(H, W, 2)` pixels, 0 where unknown.
            valid: `(H, W)`.
            rng: the pair's own.
            size: height and width of the crop. What is given back is cropped at a
                random place where it is larger, so a transform may crop by itself.
            batch: number of the batch, for what grows during training.
        """


class RealPairsBatches:
    """Random crops of pairs; every pair comes once in each pass, in another order.

    Batch n is decided by the seed and n alone, whatever was asked for before: a
    training that resumes at batch n goes on exactly. Threads may share it.

    Attributes:
        pairs: what is drawn from.
        shapes: height, width and pairs of a batch, in turn.
        seed: of all chance.
    """

    def __init__(
        self,
        pairs: Sequence[FlowPair],
        shapes: Sequence[tuple[int, int, int]],
        *,
        seed: int,
        transform: Transform | None = None,
    ) -> None:
        """Read no picture yet.

        Args:
            pairs: from `flow.datasets.read_pairs`, also several sets joined.
            shapes: batch n has `shapes[n % len(shapes)]`.
            seed: of all chance.
            transform: augments each pair before it is cropped.

        Raises:
            ConfigError: no shape, one that is not positive, or a negative seed.
            FlowError: no pair, or one that is smaller than a crop where no transform
                could enlarge it.
        """
        if not shapes or any(min(shape) < 1 for shape in shapes):
            raise ConfigError(
                "shapes must be a list of positive [height, width, pairs]; received "
                f"{list(shapes)}."
            )
        if seed < 0:
            raise ConfigError(f"the seed must not be negative, received {seed}.")
        if not pairs:
            raise FlowError("there are no flow pairs to make batches of.")
        self.pairs, self.shapes, self.seed = pairs, tuple(shapes), seed
        self._transform = transform
        if transform is None:
            self._refuse_small()
        self._order = lru_cache(maxsize=4)(self._shuffled)

    def batch(self, number: int) -> RealBatch:
        """Give the batch with this number since the start of training.

        Raises:
            FlowError: a pair cannot be read, or is smaller than the crop.
        """
        turns, place = divmod(number, len(self.shapes))
        height, width, count = self.shapes[place]
        counts = [pairs for _, _, pairs in self.shapes]
        first = turns * sum(counts) + sum(counts[:place])
        crops = [
            self._crop(first + i, (height, width), number, i) for i in range(count)
        ]
        return RealBatch(*(np.stack(arrays) for arrays in zip(*crops, strict=True)))

    def _crop(
        self, drawn: int, size: tuple[int, int], batch: int, place: int
    ) -> LoadedPair:
        turn, rank = divmod(drawn, len(self.pairs))
        pair = self.pairs[self._order(turn)[rank]]
        rng = np.random.default_rng((self.seed, batch, place))
        loaded = pair.load()
        if self._transform is not None:
            changed = self._transform(*loaded, rng, size=size, batch=batch)
            loaded = LoadedPair(*changed)
        return crop(loaded, size, rng, pair.name)

    def _shuffled(self, turn: int) -> list[int]:
        # The third number keeps this chance apart from that of the crops.
        rng = np.random.default_rng((self.seed, turn, 0, 1))
        return list(map(int, rng.permutation(len(self.pairs))))

    def _refuse_small(self) -> None:
        height = max(shape[0] for shape in self.shapes)
        width = max(shape[1] for shape in self.shapes)
        for pair in self.pairs:
            if pair.size()[0] < height or pair.size()[1] < width:
                raise FlowError(_too_small(pair.name, pair.size(), (height, width)))


def crop(
    pair: LoadedPair, size: tuple[int, int], rng: np.random.Generator, name: str
) -> LoadedPair:
    """Cut the same random window out of all arrays of a pair.

    Raises:
        FlowError: the pair called `name` is smaller than `size`.
    """
    given = pair.valid.shape[:2]
    height, width = size
    if given[0] < height or given[1] < width:
        raise FlowError(_too_small(name, given, size))
    top = int(rng.integers(given[0] - height + 1))
    left = int(rng.integers(given[1] - width + 1))
    window = np.s_[top : top + height, left : left + width]
    return LoadedPair(
        pair.current[window], pair.key[window], pair.flow[window], pair.valid[window]
    )


def _too_small(name: str, given: tuple[int, ...], size: tuple[int, int]) -> str:
    return (
        f"pair {name} is {given[0]} x {given[1]}, smaller than the crop {size[0]} x "
        f"{size[1]}. Choose smaller shapes, or leave the pair out."
    )
