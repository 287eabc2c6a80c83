"""The classical teacher: how real pictures move, and where that is sure."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from propagate.train_data import Clip
from vod.types import FloatArray

GRID: Final = 75
"""Cells a side of the stored teacher's flow."""


class TeacherFlow:
    """Slow, careful classical flow with its own doubt: DIS, refined, both ways."""

    def __init__(self, *, keeps: bool = True) -> None:
        """Choose whether clips keep what was computed, 34 kB a pair."""
        self._keeps = keeps

    def __call__(self, clip: Clip, current: int, earlier: int) -> FloatArray:
        """Give `(GRID, GRID, 3)`: flow in shares of the picture, and trust in it."""
        found = clip.flows.get((current, earlier))
        if found is None:
            found, reverse = self._computed(clip, current, earlier)
            if self._keeps:
                clip.flows[current, earlier] = found
                clip.flows[earlier, current] = reverse
        return found.astype(np.float32)

    def _computed(
        self, clip: Clip, first: int, second: int
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
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
        return _with_trust(there, back), _with_trust(back, there)


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
