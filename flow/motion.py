"""Random motion of a layer: heavy-tailed, affine, about the layer's centre."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.errors import ConfigError

Affine = npt.NDArray[np.float64]
"""`(3, 3)` map of homogeneous points (x, y, 1) in index coordinates."""

CHAIRS_HEIGHT: Final = 384
"""Rows of a Flying Chairs picture: motion settings are in its pixels."""


@dataclass(frozen=True, slots=True)
class HeavyTail:
    """A symmetric law, many small values and a few great: sign(g) |g|^power, g normal.

    Attributes:
        sigma: standard deviation of g.
        power: 1 is a normal law; greater has a heavier tail.
        limit: greatest magnitude given.
    """

    sigma: float
    power: float
    limit: float

    def __post_init__(self) -> None:
        if min(self.sigma, self.power, self.limit) < 0:
            raise ConfigError(
                "sigma, power and limit must not be negative, received "
                f"{self.sigma}, {self.power}, {self.limit}."
            )

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        g = rng.normal(0, self.sigma)
        return float(np.sign(g) * min(abs(g) ** self.power, self.limit))


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """How a layer moves from the current to the key picture.

    Attributes:
        still: share of layers that do not move (of their own).
        shift: each component, in pixels of a picture 384 rows high.
        turn: degrees about the layer's centre.
        zoom: log of the scale.
        shear: slope.
    """

    still: float
    shift: HeavyTail
    turn: HeavyTail
    zoom: HeavyTail
    shear: HeavyTail

    def __post_init__(self) -> None:
        if not 0 <= self.still <= 1:
            raise ConfigError(f"still must lie in [0, 1], received {self.still}.")


def background_motion() -> MotionConfig:
    """Give the motion of everything, as a camera causes it."""
    return MotionConfig(
        still=0.2,
        shift=HeavyTail(sigma=1.6, power=2, limit=40),
        turn=HeavyTail(sigma=1.2, power=2, limit=10),
        zoom=HeavyTail(sigma=0.16, power=2, limit=0.15),
        shear=HeavyTail(sigma=0.1, power=2, limit=0.05),
    )


def object_motion() -> MotionConfig:
    """Give the motion of a shape, on top of the background's."""
    return MotionConfig(
        still=0.15,
        shift=HeavyTail(sigma=2.2, power=2, limit=80),
        turn=HeavyTail(sigma=2.2, power=2, limit=30),
        zoom=HeavyTail(sigma=0.25, power=2, limit=0.25),
        shear=HeavyTail(sigma=0.2, power=2, limit=0.15),
    )


def draw_motion(
    rng: np.random.Generator,
    config: MotionConfig,
    centre: npt.NDArray[np.float64],
    unit: float,
) -> Affine:
    """Draw an affine motion about `centre`; shifts are multiplied by `unit`."""
    shift = np.array([config.shift.draw(rng), config.shift.draw(rng)]) * unit
    turn = np.deg2rad(config.turn.draw(rng))
    zoom = np.exp(config.zoom.draw(rng))
    shear = config.shear.draw(rng)
    if rng.random() < config.still:
        return np.eye(3)
    cos, sin = np.cos(turn) * zoom, np.sin(turn) * zoom
    matrix = np.eye(3)
    matrix[:2, :2] = np.array([[cos, -sin], [sin, cos]]) @ [[1, shear], [0, 1]]
    matrix[:2, 2] = centre + shift - matrix[:2, :2] @ centre
    return matrix
