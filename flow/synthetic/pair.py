"""Pairs of pictures with exact optical flow, made from any folder of photographs.

A scene is a photograph and, before it, things cut from others: drawn shapes, what
stands out in a photograph, chairs. Each layer moves by a homography and a smooth
non-rigid field; see `flow.synthetic.layers` for why the flow is exact. The idea is that
of Flying Chairs (Dosovitskiy et al., FlowNet, ICCV 2015, sec. 4.2); the numbers are
ours, chosen so that displacements resemble those of its pairs.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from flow.synthetic.config import NearFramesConfig, SyntheticConfig
from flow.synthetic.layers import Canvas, Layer
from flow.synthetic.motion import Matrix, Motion, draw_motion
from flow.synthetic.textures import TextureBank
from flow.synthetic.things import LEAST_SIDE, draw_thing, log_uniform
from vod.types import ByteArray, FloatArray

__all__ = [
    "NearFramesConfig",
    "SyntheticConfig",
    "SyntheticPair",
    "make_pair",
    "relight",
]

CANVAS: Final = 1.5
"""Side of the background's texture, in picture sides; beyond it, it is mirrored."""

UPRIGHT: Final = 0.6
"""Share of shapes that stand almost upright."""

LEAN: Final = 10.0
"""Standard deviation of their angle, in degrees."""


@dataclass(frozen=True, eq=False, slots=True)
class SyntheticPair:
    """One pair and its truth.

    Attributes:
        current: `(H, W, 3)` uint8 RGB.
        key: `(H, W, 3)` uint8 RGB.
        flow: `(H, W, 2)` float32, current to key, in pixels (u right, v down).
        current_layer: `(H, W)` uint8, which layer is seen there; 0 is the background.
        key_layer: the same for the key picture.
    """

    current: ByteArray
    key: ByteArray
    flow: FloatArray
    current_layer: ByteArray
    key_layer: ByteArray


def make_pair(
    bank: TextureBank,
    config: SyntheticConfig,
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
) -> SyntheticPair:
    """Draw one scene; the same `rng` state gives the same pair."""
    scale = log_uniform(rng, *config.motion_scale)
    zoom = log_uniform(rng, *config.texture_zoom)
    exposure = 0.0
    if rng.random() < config.motion_blur:
        exposure = rng.uniform(0, config.exposure)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    world = draw_motion(rng, config.background, middle, height=height, scale=scale)
    canvas = Canvas(height, width)
    canvas.lay(
        _background(bank, rng, (height, width), zoom, world), rng, exposure=exposure
    )
    least, most = config.object_count
    for _ in range(int(rng.integers(least, most + 1))):
        centre = rng.uniform(-0.05, 1.05, 2) * (width, height)
        own = draw_motion(rng, config.objects, centre, height=height, scale=scale)
        motion = Motion(world.matrix @ own.matrix, own.ripple)
        rows, columns = (
            max(log_uniform(rng, *config.object_size) * side, LEAST_SIDE)
            for side in (height, width)
        )
        thing = draw_thing(bank, config, rng, sides=(rows, columns), zoom=zoom)
        lean = rng.normal(0, LEAN) if rng.random() < UPRIGHT else rng.uniform(-180, 180)
        placed = _placed(thing.texture, thing.shown, centre, lean)
        canvas.lay(Layer(thing.texture, placed, motion), rng, exposure=exposure)
    return _finished(canvas, config, rng)


def _background(
    bank: TextureBank,
    rng: np.random.Generator,
    size: tuple[int, int],
    zoom: float,
    motion: Motion,
) -> Layer:
    rows, columns = int(size[0] * CANVAS), int(size[1] * CANVAS)
    texture = cv2.cvtColor(
        bank.patch(rng, rows, columns, zoom=zoom), cv2.COLOR_RGB2RGBA
    )
    # A fraction of a pixel, so that neither picture is the sharper one.
    centre = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2]) + rng.uniform(
        -0.5, 0.5, 2
    )
    placed = _placed(texture, (rows, columns), centre, 0.0)
    return Layer(texture, placed, motion, endless=True)


def _placed(
    texture: ByteArray,
    shown: tuple[float, float],
    centre: npt.NDArray[np.float64],
    angle: float,
) -> Matrix:
    """Place a texture's middle, stretched to `shown` rows and columns and turned."""
    rows, columns = texture.shape[:2]
    along, across = shown[0] / rows, shown[1] / columns
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    placed = np.eye(3)
    placed[:2, :2] = [[cos * across, -sin * along], [sin * across, cos * along]]
    placed[:2, 2] = centre - placed[:2, :2] @ [(columns - 1) / 2, (rows - 1) / 2]
    return placed


def _finished(
    canvas: Canvas, config: SyntheticConfig, rng: np.random.Generator
) -> SyntheticPair:
    """Add light, blur and noise."""
    blur = rng.uniform(0.4, 1.0) if rng.random() < config.blur else 0.0
    noise = rng.uniform(0, config.noise) if config.noise > 0 else 0.0
    finished = []
    for index, picture in enumerate(canvas.pictures):
        if blur > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        if index == 1 and config.photometric > 0:
            table = np.full((256, 1, 4), 255, np.uint8)
            table[:, 0, :3] = np.rint(_light(config.photometric, rng))
            picture = cv2.LUT(picture, table)
        if noise > 0:
            picture = _noisy(picture, noise, rng)
        finished.append(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB))
    current, key = finished
    return SyntheticPair(current, key, canvas.flow, *canvas.layers)


def relight(
    picture: FloatArray, strength: float, rng: np.random.Generator
) -> FloatArray:
    """Change brightness, contrast and gamma a little, each colour a bit apart."""
    table = _light(strength, rng).astype(np.float32).reshape(256, 1, 3)
    relit: FloatArray = cv2.LUT(picture.astype(np.uint8), table)
    return relit


def _light(strength: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw `(256, 3)`: what each grey value of each colour becomes, in [0, 255]."""
    contrast = np.exp(rng.normal(0, 0.06 * strength, 3) * 0.4 + rng.normal(0, 0.06))
    brightness = rng.normal(0, 6 * strength) + rng.normal(0, 2 * strength, 3)
    gamma = np.exp(rng.normal(0, 0.06 * strength))
    levels = np.arange(256)[:, None] / 255
    table = levels**gamma * 255
    table = (table - 127.5) * contrast + 127.5 + brightness
    return np.clip(table, 0, 255)


NOISE_SPARE: Final = 64
"""Rows and columns of stored noise beyond the picture: room to take it elsewhere."""


@lru_cache(maxsize=8)
def _noise(height: int, width: int) -> FloatArray:
    """Give stored noise: drawing it anew would take as long as the rest of a pair."""
    rng = np.random.default_rng(0)
    shape = (height + NOISE_SPARE, width + NOISE_SPARE, 1)
    # Mostly grey, a little coloured, deviation 1 in each colour; none in opacity.
    grey = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.9)
    shape = (*shape[:2], 4)
    colour = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.19**0.5)
    return np.ascontiguousarray(grey + colour)


def _noisy(picture: ByteArray, deviation: float, rng: np.random.Generator) -> ByteArray:
    height, width = picture.shape[:2]
    top, left = rng.integers(0, NOISE_SPARE, 2)
    grain = _noise(height, width)[top : top + height, left : left + width]
    values = picture.astype(np.float32)
    noisy: ByteArray = cv2.addWeighted(grain, deviation, values, 1, 0, dtype=cv2.CV_8U)
    return noisy
