"""Strength of the augmentation of flow pairs, with flownet2-tf's published figures."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vod.errors import ConfigError


class Law(Protocol):
    """A random number whose spread a schedule scales."""

    def draw(self, rng: np.random.Generator, strength: float) -> float:
        """Draw one value, with the spread multiplied by `strength`."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Values from `mean - spread` to `mean + spread`."""

    mean: float
    spread: float

    def __post_init__(self) -> None:
        _check_spread(self.spread)

    def draw(self, rng: np.random.Generator, strength: float) -> float:
        """Draw one value, with the spread multiplied by `strength`."""
        spread = self.spread * strength
        return float(rng.uniform(self.mean - spread, self.mean + spread))


@dataclass(frozen=True, slots=True)
class Normal:
    """Values about `mean` with the standard deviation `spread`."""

    mean: float
    spread: float

    def __post_init__(self) -> None:
        _check_spread(self.spread)

    def draw(self, rng: np.random.Generator, strength: float) -> float:
        """Draw one value, with the spread multiplied by `strength`."""
        return float(rng.normal(self.mean, self.spread * strength))


def _check_spread(spread: float) -> None:
    if spread < 0:
        raise ConfigError(f"spread must not be negative, received {spread}.")


@dataclass(frozen=True, slots=True)
class StrengthConfig:
    """How strong the augmentation is at a step: the spreads are multiplied by it.

    flownet2-tf states these figures and its code deletes them before use, so it trained
    at full strength from the first step. Set `initial` to 1 for that.

    Attributes:
        initial: at step 0.
        final: in the end.
        half_life: steps until the middle between the two.
    """

    initial: float = 0.5
    final: float = 1.0
    half_life: float = 50_000.0

    def __post_init__(self) -> None:
        if min(self.initial, self.final) < 0 or self.half_life <= 0:
            raise ConfigError(
                "initial and final must not be negative and half_life be positive, "
                f"received {self.initial}, {self.final}, {self.half_life}."
            )

    def at(self, step: int) -> float:
        """Give the strength at a step.

        Source: flownet2-tf, dataloader.py: 2 / (1 + exp(-ln 3 n / half_life)) - 1 rises
        from 0 through 1/2 at n = half_life to 1.
        """
        done = 2 / (1 + 3 ** (-step / self.half_life)) - 1
        return self.initial + (self.final - self.initial) * done


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Random changes of a pair.

    Defaults are those of flownet2-tf (dataset_configs.py), which meant them for crops
    of 320x448 from pictures of 384x512. Every zoom, `squeeze`, `gamma`, `contrast` and
    `colour` is the logarithm of a factor.

    Attributes:
        translate: shift of both pictures, across and down, in sides of the crop.
        rotate: of both, in radians.
        zoom: of both; greater shows less of the picture.
        squeeze: widens both pictures by the factor and flattens them by it.
        noise: standard deviation of pixel noise on both, in parts of full white.
        key_translate: what the key picture is shifted on top.
        key_rotate: what the key picture is turned on top.
        key_zoom: what the key picture is zoomed on top.
        gamma: exponent of the key picture's brightness.
        brightness: added to the key picture, in parts of full white.
        contrast: of the key picture, about middle grey.
        colour: of each colour of the key picture; the pixel's sum stays.
        mirror: shares of pairs mirrored left-right and up-down. Not in flownet2-tf.
        view: None takes crops from pictures as large as they are, as flownet2-tf does;
            a number first scales pictures so that a crop shows this share of their
            sides, for training on small crops whose motion shall be small too.
        tries: draws of a geometry that shows nothing beyond the pictures' borders,
            before the middle is taken unchanged.
    """

    translate: Uniform = Uniform(0.0, 0.4)
    rotate: Uniform = Uniform(0.0, 0.4)
    zoom: Uniform = Uniform(0.2, 0.4)
    squeeze: Uniform = Uniform(0.0, 0.3)
    noise: Uniform = Uniform(0.03, 0.03)
    key_translate: Normal = Normal(0.0, 0.03)
    key_rotate: Normal = Normal(0.0, 0.03)
    key_zoom: Normal = Normal(0.0, 0.03)
    gamma: Normal = Normal(0.0, 0.02)
    brightness: Normal = Normal(0.0, 0.02)
    contrast: Normal = Normal(0.0, 0.02)
    colour: Normal = Normal(0.0, 0.02)
    mirror: tuple[float, float] = (0.0, 0.0)
    view: float | None = None
    tries: int = 50

    def __post_init__(self) -> None:
        if not all(0 <= share <= 1 for share in self.mirror):
            raise ConfigError(
                f"mirror must be two shares in [0, 1], received {list(self.mirror)}."
            )
        if self.view is not None and not 0 < self.view <= 1:
            raise ConfigError(f"view must lie in (0, 1], received {self.view}.")
        if self.tries < 0:
            raise ConfigError(f"tries must not be negative, received {self.tries}.")
