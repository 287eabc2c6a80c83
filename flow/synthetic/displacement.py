"""How far things move in a set of pairs: mean, percentiles and shares."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from flow.flo import MaskArray
from flow.synthetic.motion import CHAIRS_HEIGHT
from vod.types import FloatArray

STEP: Final = 0.05
"""Pixels between two counts of the histogram."""

LONGEST: Final = 400.0
"""Pixels that the last count begins with; the longest displacements fall into it."""

PERCENTILES: Final = (10, 25, 50, 75, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class DisplacementFigures:
    """Displacements in pixels of pictures 384 rows high, as those of Flying Chairs.

    Attributes:
        pairs: how many were counted.
        mean: the end-point error of zero flow.
        percentiles: by percent; within `STEP` of the exact value.
        below_1: share of pixels that move less than one pixel.
        below_10: less than ten.
        above_40: more than forty.
    """

    pairs: int
    mean: float
    percentiles: dict[int, float]
    below_1: float
    below_10: float
    above_40: float

    def line(self) -> str:
        """Give the figures in one line."""
        shown = ", ".join(f"{p}% {v:.2f}" for p, v in self.percentiles.items())
        return (
            f"{self.pairs} pairs, |flow| in px at {CHAIRS_HEIGHT} rows: mean "
            f"{self.mean:.2f}; percentiles {shown}; < 1 px {self.below_1:.1%}, "
            f"< 10 px {self.below_10:.1%}, > 40 px {self.above_40:.1%}"
        )


class Displacements:
    """Counts displacements, a pair at a time, in constant memory."""

    def __init__(self) -> None:
        self._counts = np.zeros(round(LONGEST / STEP) + 1, np.int64)
        self._sum = 0.0
        self._pairs = 0

    def add(self, flow: FloatArray, valid: MaskArray | None = None) -> None:
        """Count the pixels of a pair.

        Args:
            flow: `(H, W, 2)` pixels.
            valid: `(H, W)`, which count; None for all.
        """
        length = np.hypot(flow[..., 0], flow[..., 1])
        length = (length if valid is None else length[valid]).ravel()
        length = length * (CHAIRS_HEIGHT / flow.shape[0])
        last = len(self._counts) - 1
        places = np.minimum(length / STEP, last).astype(np.int64)
        self._counts += np.bincount(places, minlength=last + 1)
        self._sum += float(length.sum(dtype=np.float64))
        self._pairs += 1

    def figures(self) -> DisplacementFigures:
        """Give the figures of all that was added; zeros where nothing was."""
        total = max(int(self._counts.sum()), 1)
        shares = np.cumsum(self._counts) / total
        at = {
            percent: float(np.searchsorted(shares, percent / 100) + 0.5) * STEP
            for percent in PERCENTILES
        }

        def below(pixels: float) -> float:
            return float(shares[round(pixels / STEP) - 1])

        return DisplacementFigures(
            pairs=self._pairs,
            mean=self._sum / total,
            percentiles=at,
            below_1=below(1),
            below_10=below(10),
            above_40=1 - below(40),
        )
