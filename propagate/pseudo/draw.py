"""Draw snippets from pictures with boxes."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from propagate.pseudo.config import PseudoConfig
from propagate.pseudo.paths import Matrix, draw_path
from propagate.pseudo.snippet import Sheet, Snippet
from propagate.refine.stills import Still
from vod.types import ByteArray, FloatArray

CUT_BY_EDGE = 2.0
"""Pixels from the picture's border up to which an object may be only a part of one."""

LEAST_CUT = 8
"""Pixels a side of the smallest object set before a background."""


def draw_snippet(
    stills: Sequence[Still], config: PseudoConfig, rng: np.random.Generator
) -> Snippet:
    """Draw one snippet; the same `rng` state gives the same.

    Args:
        stills: pictures of one size, with boxes; at least one.
        config: how they move.
        rng: chance.
    """
    ground = _one_of(stills, rng)
    height, width = ground.picture.shape[:2]
    side, middle = (height + width) / 2, np.array([width / 2, height / 2])
    pace = float(np.exp(rng.uniform(*np.log(config.pace))))
    camera = draw_path(rng, config, centre=middle, side=side, pace=pace * config.camera)
    sheets = [Sheet(ground.picture, None, camera)]
    owners = [0] * len(ground.boxes)
    homes = list(ground.boxes)
    for _ in range(int(rng.integers(config.objects[0], config.objects[1] + 1))):
        cut = _cut_out(_one_of(stills, rng), config, rng)
        rows, columns = cut.shape[:2]
        centre = rng.uniform(0.1, 0.9, 2) * (width, height)
        own = draw_path(rng, config, centre=centre, side=side, pace=pace)
        placed = _shifted(centre - (columns / 2, rows / 2))
        cover = superellipse(rows, columns, config)
        owners.append(len(sheets))
        homes.append(np.array([0, 0, columns, rows], np.float32))
        sheets.append(Sheet(cut, cover, camera @ own @ placed))
    return Snippet(
        (height, width),
        tuple(sheets),
        np.array(owners, np.int32),
        np.array(homes, np.float32),
        config.power,
    )


def superellipse(rows: int, columns: int, config: PseudoConfig) -> FloatArray:
    """Give `(rows, columns)` opacity: 1 inside, fading to 0 where the box touches."""
    y, x = (
        np.abs((np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1)
        for side in (rows, columns)
    )
    power = np.float32(config.power)
    out = (y[:, None] ** power + x[None] ** power) ** (1 / power)
    cover: FloatArray = np.clip((1 - out) / np.float32(config.rim), 0, 1)
    return cover


def _cut_out(still: Still, config: PseudoConfig, rng: np.random.Generator) -> ByteArray:
    """Give what a box frames, in the size at which it is set before a background."""
    height, width = still.picture.shape[:2]
    boxes = still.boxes
    whole = (boxes[:, :2] > CUT_BY_EDGE).all(1)
    whole &= (boxes[:, 2:] < np.array([width, height]) - CUT_BY_EDGE).all(1)
    boxes = boxes[whole] if whole.any() else boxes
    x1, y1, x2, y2 = np.round(boxes[int(rng.integers(len(boxes)))]).astype(int)
    part = still.picture[max(y1, 0) : y2, max(x1, 0) : x2]
    longest = max(part.shape[:2])
    wanted = float(np.exp(rng.uniform(*np.log(config.sides)))) * max(height, width)
    factor = min(wanted / longest, 1.5)  # much enlarged, a picture is a blur
    rows, columns = (max(round(side * factor), LEAST_CUT) for side in part.shape[:2])
    turned = part[:, ::-1] if rng.random() < 0.5 else part
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    cut: ByteArray = cv2.resize(
        np.ascontiguousarray(turned), (columns, rows), interpolation=method
    )
    return cut


def _one_of(stills: Sequence[Still], rng: np.random.Generator) -> Still:
    return stills[int(rng.integers(len(stills)))]


def _shifted(by: npt.NDArray[np.float64]) -> Matrix:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix
