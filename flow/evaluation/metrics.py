"""How far estimated flow is from the truth."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from flow.flo import known
from vod.errors import FlowError, ShapeError
from vod.types import FloatArray

OUTLIER_PIXELS: Final = 3.0
OUTLIER_SHARE: Final = 0.05
"""Fl-all (KITTI 2015): an outlier errs by more than 3 pixels and 5 % of the truth."""

BAND_EDGES: Final = (0.0, 10.0, 40.0, np.inf)
"""True displacement in pixels, as Sintel's tables split it; an edge opens its band."""

BANDS: Final = ("0-10", "10-40", "40+")


@dataclass(frozen=True, slots=True)
class BandScore:
    """Errors of the pixels whose true displacement lies in one band.

    Attributes:
        pixels: how many there are; often none.
        error_sum: sum of their end-point errors, in pixels.
    """

    pixels: int
    error_sum: float

    @property
    def epe(self) -> float | None:
        """Mean end-point error in pixels; None where there is no pixel."""
        return self.error_sum / self.pixels if self.pixels else None


@dataclass(frozen=True, slots=True)
class FlowScore:
    """Errors of one picture, in a form that adds up over pictures.

    Attributes:
        pixels: pixels whose truth is known.
        error_sum: sum of their end-point errors, in pixels.
        outliers: how many of them are outliers.
        bands: the same pixels by true displacement, one of each of `BANDS`.
    """

    pixels: int
    error_sum: float
    outliers: int
    bands: tuple[BandScore, ...]

    @property
    def epe(self) -> float:
        """Mean end-point error in pixels."""
        return self.error_sum / self.pixels

    @property
    def fl_all(self) -> float:
        """Percentage of outliers."""
        return 100 * self.outliers / self.pixels


@dataclass(frozen=True, slots=True)
class PooledScore:
    """Errors over several pictures.

    Attributes:
        pictures: how many.
        pixels: how many of all of them have a known truth.
        epe: mean over pictures of their mean end-point error, in pixels.
        epe_pixels: mean end-point error over all pixels of all pictures.
        fl_all: percentage of outliers among all pixels of all pictures.
        fl_all_pictures: mean over pictures of their percentage.
        bands: all pixels by true displacement, one of each of `BANDS`.
    """

    pictures: int
    pixels: int
    epe: float
    epe_pixels: float
    fl_all: float
    fl_all_pictures: float
    bands: tuple[BandScore, ...]

    def to_json(self) -> dict[str, Any]:
        """Give every figure under its name."""
        return {
            "epe": self.epe,
            "epe_over_all_pixels": self.epe_pixels,
            "fl_all": self.fl_all,
            "fl_all_mean_of_images": self.fl_all_pictures,
            "valid_pixels": self.pixels,
            "by_displacement": bands_to_json(self.bands),
        }


def bands_to_json(bands: Sequence[BandScore]) -> dict[str, dict[str, Any]]:
    """Give pixels and error of every band under its name."""
    return {
        name: {"pixels": band.pixels, "epe": band.epe}
        for name, band in zip(BANDS, bands, strict=True)
    }


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
    return FlowScore(
        len(error), float(error.sum()), int(outlier.sum()), _by_length(error, length)
    )


def _by_length(
    error: npt.NDArray[np.float64], length: npt.NDArray[np.float64]
) -> tuple[BandScore, ...]:
    bands = []
    for low, high in itertools.pairwise(BAND_EDGES):
        inside = error[(length >= low) & (length < high)]
        bands.append(BandScore(len(inside), float(inside.sum())))
    return tuple(bands)


def pool(scores: Sequence[FlowScore]) -> PooledScore:
    """Put pictures together, as a mean of pictures and as a mean over all pixels.

    Raises:
        FlowError: there is no picture.
    """
    if not scores:
        raise FlowError("no picture was scored.")
    pixels = sum(score.pixels for score in scores)
    return PooledScore(
        pictures=len(scores),
        pixels=pixels,
        epe=float(np.mean([score.epe for score in scores])),
        epe_pixels=sum(score.error_sum for score in scores) / pixels,
        fl_all=100 * sum(score.outliers for score in scores) / pixels,
        fl_all_pictures=float(np.mean([score.fl_all for score in scores])),
        bands=tuple(
            BandScore(
                sum(band.pixels for band in same), sum(band.error_sum for band in same)
            )
            for same in zip(*(score.bands for score in scores), strict=True)
        ),
    )
