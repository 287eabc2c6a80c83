"""How far estimated flow is from the truth."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from flow.flo import known
from vod.errors import FlowError, ShapeError
from vod.types import FloatArray

OUTLIER_PIXELS: Final = 3.0
OUTLIER_SHARE: Final = 0.05
"""Fl-all (KITTI 2015): an outlier errs by more than 3 pixels and 5 % of the truth."""


@dataclass(frozen=True, slots=True)
class FlowScore:
    """Errors of one picture, in a form that adds up over pictures.

    Attributes:
        pixels: pixels whose truth is known.
        error_sum: sum of their end-point errors, in pixels.
        outliers: how many of them are outliers.
    """

    pixels: int
    error_sum: float
    outliers: int

    @property
    def epe(self) -> float:
        """Mean end-point error in pixels."""
        return self.error_sum / self.pixels

    @property
    def fl_all(self) -> float:
        """Percentage of outliers."""
        return 100 * self.outliers / self.pixels


def score_flow(
    flow: FloatArray, truth: FloatArray, valid: npt.NDArray[np.bool_] | None = None
) -> FlowScore:
    """Compare `(H, W, 2)` flow with the truth, both in pixels of one picture.

    Args:
        flow: the estimate.
        truth: components beyond 1e9 mean unknown and are left out.
        valid: `(H, W)` mask that also leaves out pixels (KITTI).

    Raises:
        ShapeError: the two grids differ.
        FlowError: no pixel of the truth is known, or the estimate is not finite there.
    """
    if flow.shape != truth.shape or flow.ndim != 3 or flow.shape[2] != 2:
        raise ShapeError(
            f"flow and truth must both be (H, W, 2), received {flow.shape} and "
            f"{truth.shape}."
        )
    mask = known(truth)
    if valid is not None:
        mask = mask & valid
    estimate = flow[mask].astype(np.float64)
    expected = truth[mask].astype(np.float64)
    if not len(expected):
        raise FlowError("the true flow is unknown at every pixel: nothing to compare.")
    if not np.isfinite(estimate).all():
        raise FlowError("the estimated flow holds NaN or infinity.")
    error = np.linalg.norm(estimate - expected, axis=1)
    length = np.linalg.norm(expected, axis=1)
    outlier = (error > OUTLIER_PIXELS) & (error > OUTLIER_SHARE * length)
    return FlowScore(len(error), float(error.sum()), int(outlier.sum()))


def pool(scores: list[FlowScore]) -> tuple[float, float]:
    """Give EPE as the mean over pictures, and Fl-all over all their pixels.

    Raises:
        FlowError: there is no picture.
    """
    if not scores:
        raise FlowError("no picture was scored.")
    pixels = sum(score.pixels for score in scores)
    outliers = sum(score.outliers for score in scores)
    return float(np.mean([score.epe for score in scores])), 100 * outliers / pixels
