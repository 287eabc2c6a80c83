"""Light and noise of an augmented pair, as flownet2-tf changes them.

The generator's own change of light (`flow.synthetic`) is stronger and works on whole
tables of grey values; here colours are balanced pixel by pixel, as published.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from flow.augment.config import AugmentConfig
from vod.types import ByteArray, FloatArray

DARK: Final = 0.01
"""Keeps the balance of black pixels finite (flownet2-tf, data_augmentation.cc)."""


@dataclass(frozen=True, slots=True)
class Light:
    """One change of light.

    Attributes:
        gamma: exponent.
        brightness: added, in parts of full white.
        contrast: factor about middle grey.
        colours: factor of red, green and blue; the pixel's sum is kept.
    """

    gamma: float
    brightness: float
    contrast: float
    colours: tuple[float, float, float]


def draw_light(
    rng: np.random.Generator, config: AugmentConfig, strength: float
) -> Light:
    """Draw a change of light."""
    return Light(
        gamma=float(np.exp(config.gamma.draw(rng, strength))),
        brightness=config.brightness.draw(rng, strength),
        contrast=float(np.exp(config.contrast.draw(rng, strength))),
        colours=(
            float(np.exp(config.colour.draw(rng, strength))),
            float(np.exp(config.colour.draw(rng, strength))),
            float(np.exp(config.colour.draw(rng, strength))),
        ),
    )


def change_light(picture: FloatArray, light: Light) -> FloatArray:
    """Change colour, gamma, brightness and contrast, in this order.

    Args:
        picture: `(H, W, 3)` in [0, 1].
        light: the change.

    Returns:
        The same shape, in [0, 1].
    """
    coloured = picture * np.array(light.colours, np.float32)
    # NumPy is slow at sums over a short last axis.
    total = np.ones((1, 3), np.float32)
    before, after = (cv2.transform(each, total) for each in (picture, coloured))
    balance = before / (after + np.float32(DARK))
    coloured = np.clip(coloured * balance[..., None], 0, 1)
    bent: FloatArray = cv2.pow(coloured, light.gamma)
    bent = (bent + (light.brightness - 0.5)) * light.contrast + 0.5
    return np.clip(bent, 0, 1).astype(np.float32)


def add_noise(
    picture: FloatArray, deviation: float, rng: np.random.Generator
) -> FloatArray:
    """Add normal noise to `(H, W, 3)` values in [0, 1]; each colour has its own."""
    if deviation <= 0:
        return picture
    grain = rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(picture + grain * np.float32(deviation), 0, 1)


def to_bytes(picture: FloatArray) -> ByteArray:
    """Round values in [0, 1] to bytes."""
    return np.round(picture * 255).astype(np.uint8)
