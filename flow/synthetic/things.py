"""What moves before a scene's background: cut out of photographs, or drawn."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from flow.synthetic.config import SyntheticConfig
from flow.synthetic.shapes import chair, silhouette
from flow.synthetic.textures import TextureBank
from vod.types import ByteArray

LEAST_SIDE: Final = 12
"""Pixels of the smallest shape's sides."""


@dataclass(frozen=True, eq=False, slots=True)
class Thing:
    """One thing.

    Attributes:
        texture: `(h, w, 4)` uint8, colours already multiplied by opacity; the outermost
            cells are 0.
        shown: rows and columns that the texture stands for.
        elastic: it may as well be shown with other proportions.
    """

    texture: ByteArray
    shown: tuple[float, float]
    elastic: bool


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def draw_thing(
    bank: TextureBank,
    config: SyntheticConfig,
    rng: np.random.Generator,
    *,
    sides: tuple[float, float],
    zoom: float,
) -> Thing:
    """Draw a thing of one of the kinds, in the config's shares.

    Args:
        bank: photographs.
        config: `cutouts`, `chairs` and `plain` count.
        rng: source of chance.
        sides: rows and columns; what has proportions of its own takes the greater side.
        zoom: photograph pixels a pixel shown.
    """
    rows, columns = sides
    kind = rng.random()
    if kind < config.cutouts:
        side = max(rows, columns)
        lifted = bank.cutout(rng, round(side))
        if lifted is not None:
            factor = side / max(lifted.shape[:2])
            shown = (lifted.shape[0] * factor, lifted.shape[1] * factor)
            return Thing(lifted, shown, elastic=False)
    elif kind < config.cutouts + config.chairs:
        drawn = chair(rng, max(round(max(rows, columns)), 24))
        return Thing(drawn, (drawn.shape[0], drawn.shape[1]), elastic=False)
    patch = bank.patch(
        rng, round(rows), round(columns), zoom=zoom * rng.uniform(0.7, 1.5)
    )
    if rng.random() < config.plain:
        patch = _plain(patch, rng)
    opacity = silhouette(rng, *patch.shape[:2])
    texture = cv2.cvtColor(patch, cv2.COLOR_RGB2RGBA)
    covered = cv2.cvtColor(opacity, cv2.COLOR_GRAY2RGBA)
    texture = cv2.multiply(texture, covered, scale=1 / 255)
    texture[..., 3] = opacity
    return Thing(texture, (rows, columns), elastic=True)


def _plain(patch: ByteArray, rng: np.random.Generator) -> ByteArray:
    """Leave a tenth to a half of a patch's contrast, about some colour."""
    kept = rng.uniform(0.1, 0.5)
    colour = rng.uniform(0, 255, 3) * rng.uniform(0.2, 1)
    table = np.arange(256)[:, None] * kept + colour * (1 - kept)
    plain: ByteArray = cv2.LUT(patch, np.rint(table).astype(np.uint8)[:, None])
    return plain
