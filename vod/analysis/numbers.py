"""How results of analyses become JSON: NaN, which JSON lacks, is null."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vod.ground_truth import DoubleArray


def or_none(value: float) -> float | None:
    """Give a plain float, or None for NaN."""
    return None if math.isnan(value) else float(value)


def by_name(names: Sequence[str], values: npt.ArrayLike) -> dict[str, float | None]:
    """Give `(N,)` values under their names, None for NaN."""
    pairs = zip(names, np.asarray(values, np.float64).tolist(), strict=True)
    return {name: or_none(value) for name, value in pairs}


def mean_of_known(values: DoubleArray, axis: int = -1) -> DoubleArray:
    """Give the mean without NaN along an axis; NaN where nothing is known."""
    known = ~np.isnan(values)
    counts = known.sum(axis=axis)
    totals = np.where(known, values, 0).sum(axis=axis)
    means: DoubleArray = np.divide(
        totals, counts, out=np.full(np.shape(totals), np.nan), where=counts > 0
    )
    return means
