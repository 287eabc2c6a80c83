"""Random motion of a layer: heavy-tailed, about the layer's centre."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.errors import ConfigError

Matrix = npt.NDArray[np.float64]
"""`(..., 3, 3)` map of homogeneous points (x, y, 1) in index coordinates."""

Floats = float | npt.NDArray[np.float64]

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
        return math.copysign(min(abs(g) ** self.power, self.limit), g)

    def draw_many(
        self, rng: np.random.Generator, shape: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """Draw an array of values."""
        g = rng.normal(0, self.sigma, shape)
        return np.sign(g) * np.minimum(np.abs(g) ** self.power, self.limit)


MOST_TILT: Final = 0.2
"""Keeps the line that perspective sends to infinity far outside a picture."""

NONE: Final = HeavyTail(sigma=0, power=1, limit=0)


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """How a layer moves from the current to the key picture.

    Attributes:
        still: share of layers that do not move (of their own).
        shift: each component, in pixels of a picture 384 rows high.
        turn: degrees about the layer's centre.
        zoom: log of the scale.
        shear: slope.
        tilt: each component: how much the scale changes over a picture's height, by
            perspective.
        ripple: size of the smooth non-rigid motion, in pixels as `shift`.
    """

    still: float
    shift: HeavyTail
    turn: HeavyTail
    zoom: HeavyTail
    shear: HeavyTail
    tilt: HeavyTail = field(default=NONE)
    ripple: HeavyTail = field(default=NONE)

    def __post_init__(self) -> None:
        if not 0 <= self.still <= 1:
            raise ConfigError(f"still must lie in [0, 1], received {self.still}.")
        if self.tilt.limit > MOST_TILT:
            raise ConfigError(
                f"tilt.limit must be at most {MOST_TILT}, received {self.tilt.limit}."
            )


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """One layer's motion: p goes to matrix (p + r(p)), r a random smooth field.

    Attributes:
        matrix: a homography, current to key picture.
        ripple: standard deviation of r's control points, in pixels; 0 for none.
    """

    matrix: Matrix
    ripple: float = 0.0


def background_motion() -> MotionConfig:
    """Give the motion of everything, as a camera causes it."""
    return MotionConfig(
        still=0.05,
        shift=HeavyTail(sigma=1.15, power=4, limit=40),
        turn=HeavyTail(sigma=0.6, power=3, limit=10),
        zoom=HeavyTail(sigma=0.18, power=3, limit=0.07),
        shear=HeavyTail(sigma=0.05, power=2, limit=0.03),
        tilt=HeavyTail(sigma=0.1, power=2, limit=0.08),
        ripple=HeavyTail(sigma=0.5, power=2, limit=5),
    )


def object_motion() -> MotionConfig:
    """Give the motion of a shape, on top of the background's."""
    return MotionConfig(
        still=0.1,
        shift=HeavyTail(sigma=1.7, power=3, limit=100),
        turn=HeavyTail(sigma=1.3, power=3, limit=30),
        zoom=HeavyTail(sigma=0.3, power=3, limit=0.2),
        shear=HeavyTail(sigma=0.1, power=2, limit=0.1),
        tilt=HeavyTail(sigma=0.12, power=2, limit=0.2),
        ripple=HeavyTail(sigma=0.6, power=2, limit=8),
    )


def mild_background_motion() -> MotionConfig:
    """Give the motion of everything between near frames; affine."""
    return MotionConfig(
        still=0.2,
        shift=HeavyTail(sigma=1.6, power=2, limit=40),
        turn=HeavyTail(sigma=1.2, power=2, limit=10),
        zoom=HeavyTail(sigma=0.16, power=2, limit=0.15),
        shear=HeavyTail(sigma=0.1, power=2, limit=0.05),
    )


def mild_object_motion() -> MotionConfig:
    """Give the motion of a shape between near frames; affine."""
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
    *,
    height: int,
    scale: float,
) -> Motion:
    """Draw a motion about `centre`.

    Args:
        rng: source of chance.
        config: its law.
        centre: (x, y) in index coordinates of the current picture.
        height: of the picture; shifts and ripples grow with it.
        scale: further factor on shifts and ripples.
    """
    unit = scale * height / CHAIRS_HEIGHT
    shift = (config.shift.draw(rng) * unit, config.shift.draw(rng) * unit)
    turn = math.radians(config.turn.draw(rng))
    zoom = math.exp(config.zoom.draw(rng))
    shear = config.shear.draw(rng)
    tilt = (config.tilt.draw(rng) / height, config.tilt.draw(rng) / height)
    ripple = abs(config.ripple.draw(rng)) * unit
    if rng.random() < config.still:
        return Motion(np.eye(3))
    shifted = np.array([shift[0], shift[1]])
    tilted = np.array([tilt[0], tilt[1]])
    return Motion(about(centre, shifted, turn, zoom, shear, tilted), ripple)


def about(
    centre: npt.NDArray[np.float64],
    shift: npt.NDArray[np.float64],
    turn: Floats,
    zoom: Floats,
    shear: Floats,
    tilt: npt.NDArray[np.float64],
) -> Matrix:
    """Give the homography that does all this about a centre; all shapes broadcast.

    Args:
        centre: `(..., 2)` x, y.
        shift: `(..., 2)` pixels.
        turn: `(...)` radians, clockwise in a picture.
        zoom: `(...)` scale.
        shear: `(...)` slope.
        tilt: `(..., 2)` what a pixel away from the centre adds to the depth.

    Returns:
        `(..., 3, 3)`.
    """
    cos, sin = np.cos(turn) * zoom, np.sin(turn) * zoom
    matrix = np.empty((*np.shape(cos), 3, 3))
    matrix[..., 0, 0], matrix[..., 0, 1] = cos, cos * shear - sin
    matrix[..., 1, 0], matrix[..., 1, 1] = sin, sin * shear + cos
    matrix[..., 2, :2] = tilt
    matrix[..., :2, 2] = -(matrix[..., :2, :2] @ centre[..., None])[..., 0]
    matrix[..., 2, 2] = 1 - (tilt * centre).sum(-1)
    # Back to where the centre has gone.
    matrix[..., :2, :] += (centre + shift)[..., None] * matrix[..., 2:, :]
    return matrix
