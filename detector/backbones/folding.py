"""Fold BatchNorm into the convolution before it: the same function with fewer parts."""

from collections.abc import Mapping

import numpy as np

from vod.types import FloatArray

SUFFIX = "_BatchNorm"


def folded(
    values: Mapping[str, FloatArray], *, epsilon: float
) -> dict[str, FloatArray]:
    """Give a backbone's values for `normalization="none"`.

    Of `NAME/kernel` and `NAME_BatchNorm/{gamma,beta,moving_mean,moving_variance}` come
    a kernel and a bias: with g = gamma / sqrt(variance + epsilon), these are kernel * g
    and beta - mean * g. What has no BatchNorm stays.

    Args:
        values: by variable path; convolutions `(h, w, in, out)`, depthwise ones
            `(h, w, channels, 1)`.
        epsilon: of the BatchNorm.
    """
    result = {path: value for path, value in values.items() if SUFFIX not in path}
    for path in values:
        name, _, rest = path.partition(SUFFIX)
        if rest != "/gamma":
            continue
        gamma, beta, mean, variance = (
            values[f"{name}{SUFFIX}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        gain = gamma / np.sqrt(variance + epsilon)
        kernel = values[f"{name}/kernel"].astype(np.float64)
        is_depthwise = kernel.shape[-1] == 1 and kernel.shape[-2] == len(gain)
        scaled = kernel * (gain[:, None] if is_depthwise else gain)
        result[f"{name}/kernel"] = scaled.astype(np.float32)
        result[f"{name}/bias"] = (beta - mean * gain).astype(np.float32)
    return result
