"""Textures of many sizes in one array, where an accelerator can look any of them up."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from flow.synthetic.config import SyntheticConfig
from flow.synthetic.textures import TextureBank, pyramid
from flow.synthetic.things import draw_thing, log_uniform
from vod.types import ByteArray

logger = logging.getLogger(__name__)

LEVELS: Final = 4
"""Copies of a texture, each of half the side of the one before; small ones have fewer,
and the last is repeated."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Atlas:
    """Photographs, then things, as pixels in one list.

    Attributes:
        pixels: `(P, 4)` uint8, colours already multiplied by opacity.
        first: `(T, LEVELS)` number of the first pixel of each texture's levels.
        sides: `(T, LEVELS, 2)` their rows and columns.
        elastic: `(T,)` may be shown with other proportions; see `Thing`.
        photographs: how many of the textures are photographs, to be backgrounds.
    """

    pixels: ByteArray
    first: Numbers
    sides: Numbers
    elastic: npt.NDArray[np.bool_]
    photographs: int


def build_atlas(
    bank: TextureBank,
    config: SyntheticConfig,
    *,
    things: int,
    side: int,
    seed: int,
) -> Atlas:
    """Draw things once, and lay them and all photographs into one list.

    Args:
        bank: photographs.
        config: shares of the kinds of things, and `texture_zoom`.
        things: how many.
        side: rows and columns to draw them with; they are shown larger and smaller.
        seed: of all chance.
    """
    textures = [
        [cv2.cvtColor(level, cv2.COLOR_RGB2RGBA) for level in levels]
        for levels in bank.levels
    ]
    elastic = [False] * len(textures)
    rng = np.random.default_rng((seed, things, side))
    for _ in range(things):
        # Shown at half its side, as is usual, it takes the zoom of the config.
        zoom = log_uniform(rng, *config.texture_zoom) / 2
        thing = draw_thing(bank, config, rng, sides=(side, side), zoom=zoom)
        levels = pyramid(thing.texture)
        for level in levels:
            _clear_border(level)
        textures.append(levels)
        elastic.append(thing.elastic)
    atlas = _listed(textures, np.array(elastic), len(bank))
    megabytes = atlas.pixels.nbytes / 2**20
    logger.info("%d textures for the accelerator: %.0f MB", len(textures), megabytes)
    return atlas


def _clear_border(level: ByteArray) -> None:
    """Let nothing of a thing reach its border: beyond it, it is looked up there."""
    level[[0, -1]] = 0
    level[:, [0, -1]] = 0


def _listed(
    textures: Sequence[Sequence[ByteArray]],
    elastic: npt.NDArray[np.bool_],
    photographs: int,
) -> Atlas:
    parts: list[ByteArray] = []
    first = np.zeros((len(textures), LEVELS), np.int64)
    sides = np.zeros((len(textures), LEVELS, 2), np.int64)
    used = 0
    for number, levels in enumerate(textures):
        for level in range(LEVELS):
            if level < len(levels):
                shape = levels[level].shape[:2]
                parts.append(levels[level].reshape(-1, 4))
                first[number, level], sides[number, level] = used, shape
                used += shape[0] * shape[1]
            else:
                first[number, level] = first[number, level - 1]
                sides[number, level] = sides[number, level - 1]
    return Atlas(np.concatenate(parts), first, sides, elastic, photographs)
