"""Smooth affine paths, and what they make of boxes and superellipses.

Coordinates are continuous: the centre of the first pixel is (0.5, 0.5).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from propagate.pseudo.config import PseudoConfig
from vod.types import FloatArray

Matrix = npt.NDArray[np.float64]
"""`(..., 3, 3)`, takes homogeneous (x, y, 1) columns."""

MOST_ZOOM: Final = 0.9
"""Largest absolute logarithm of a side against its size at rest."""


def draw_path(
    rng: np.random.Generator,
    config: PseudoConfig,
    *,
    centre: npt.NDArray[np.floating],
    side: float,
    pace: float,
) -> Matrix:
    """Draw one path; on some frame all is at rest: the identity.

    Args:
        rng: chance.
        config: how much motion, length and sway.
        centre: `(2,)` about which it turns and grows.
        side: of the picture, in pixels.
        pace: factor of all motion.

    Returns:
        `(T, 3, 3)`.
    """
    motion = config.motion
    spread = [
        motion.shift * side,
        motion.shift * side,
        motion.zoom,
        motion.stretch,
        motion.stretch,
        np.radians(motion.turn),
        motion.lean,
    ]
    right, down, zoom, wide, high, turn, lean = _swaying(
        rng, np.array(spread) * pace, config
    )
    across = np.exp(np.clip(zoom + wide, -MOST_ZOOM, MOST_ZOOM))
    along = np.exp(np.clip(zoom + high, -MOST_ZOOM, MOST_ZOOM))
    cos, sin = np.cos(turn), np.sin(turn)
    path = np.zeros((config.frames, 3, 3))
    path[:, 0, 0], path[:, 0, 1] = cos * across, (cos * lean - sin) * along
    path[:, 1, 0], path[:, 1, 1] = sin * across, (sin * lean + cos) * along
    path[:, 2, 2] = 1
    path[:, :2, 2] = centre + np.stack([right, down], 1) - path[:, :2, :2] @ centre
    return path


def _swaying(
    rng: np.random.Generator, spread: npt.NDArray[np.float64], config: PseudoConfig
) -> Matrix:
    """Give `(P, T)`: steady growth and a sway, 0 at one common moment."""
    count = len(spread)
    time = np.arange(config.frames)
    rates = rng.laplace(0, 1, count) * spread / 2
    low, high = np.log(config.period)
    circular = 2 * np.pi / np.exp(rng.uniform(low, high, count))
    swings = rng.laplace(0, 1, count) * spread / 2 / circular
    phases = rng.uniform(0, 2 * np.pi, count)
    values = rates[:, None] * time
    values += swings[:, None] * np.sin(circular[:, None] * time + phases[:, None])
    rest = int(rng.integers(config.frames))
    return values - values[:, rest : rest + 1]


def bounds(
    matrices: Matrix, boxes: npt.NDArray[np.floating], power: float
) -> FloatArray:
    """Give the boxes around superellipses that fill boxes, once these have moved.

    Args:
        matrices: `(..., 3, 3)`.
        boxes: `(..., 4)`.
        power: exponent of the superellipse, more than 1; infinite is the box itself.

    Returns:
        `(..., 4)` float32. Without turn and shear, that is where the corners go; an
        upright box around a turned *rectangle* would frame what shows no object.
    """
    half = (boxes[..., 2:] - boxes[..., :2]) / 2
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    linear = matrices[..., :2, :2]
    centre = (linear @ middle[..., None])[..., 0] + matrices[..., :2, 2]
    # Support of |x/a|^p + |y/b|^p <= 1 along a row of the matrix: Hoelder's equality.
    reach = np.abs(linear * half[..., None, :])
    greatest = reach.max(-1, keepdims=True)
    shares = reach / np.maximum(greatest, 1e-12)
    dual = 1 / (1 - 1 / power)
    greatest = greatest * (shares**dual).sum(-1, keepdims=True) ** (1 / dual)
    extent = greatest[..., 0]
    return np.concatenate([centre - extent, centre + extent], -1).astype(np.float32)
