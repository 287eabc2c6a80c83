"""Pairs of pictures with exact optical flow, made from any folder of photographs.

A scene is a background and a few shapes cut from photographs. Each layer has one
affine motion M from the current to the key picture, so flow at a pixel p of the current
picture is exactly M p - p for the M of the layer seen there. The idea, and heavy-tailed
motion, are those of Flying Chairs (Dosovitskiy et al., FlowNet, ICCV 2015); the numbers
are ours.
"""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from flow.motion import (
    CHAIRS_HEIGHT,
    Affine,
    MotionConfig,
    background_motion,
    draw_motion,
    object_motion,
)
from flow.textures import TextureBank, silhouette
from vod.errors import ConfigError
from vod.types import ByteArray, FloatArray

CANVAS: Final = 1.5
"""Side of the background's texture, in picture sides; beyond it, it is mirrored."""


@dataclass(frozen=True, slots=True)
class SyntheticConfig:
    """Statistics of the scenes.

    Attributes:
        background: motion of everything.
        objects: motion of a shape, on top of the background's.
        object_count: least and most shapes.
        object_size: least and greatest height and width of a shape, in picture sides.
        motion_scale: least and greatest factor on every shift, drawn log-uniformly
            once a pair: pictures of one height differ in how much they show.
        texture_zoom: least and greatest photograph pixels a picture pixel.
        photometric: strength of the key picture's change of light; 0 for none.
        noise: greatest standard deviation of pixel noise, in grey values.
        blur: share of pairs that are slightly blurred.
    """

    background: MotionConfig = field(default_factory=background_motion)
    objects: MotionConfig = field(default_factory=object_motion)
    object_count: tuple[int, int] = (2, 6)
    object_size: tuple[float, float] = (0.12, 0.9)
    motion_scale: tuple[float, float] = (0.4, 2.0)
    texture_zoom: tuple[float, float] = (0.6, 2.5)
    photometric: float = 0.6
    noise: float = 4.0
    blur: float = 0.15

    def __post_init__(self) -> None:
        for name in ("object_count", "object_size", "motion_scale", "texture_zoom"):
            low, high = getattr(self, name)
            if not 0 <= low <= high or (high == 0 and name != "object_count"):
                raise ConfigError(
                    f"{name} must be two rising, positive numbers, received "
                    f"[{low}, {high}]."
                )


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
    scene = _Scene(height, width)
    unit = _log_uniform(rng, *config.motion_scale) * height / CHAIRS_HEIGHT
    zoom = _log_uniform(rng, *config.texture_zoom)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    world = draw_motion(rng, config.background, centre, unit)
    scene.add_background(bank.patch(rng, *scene.canvas_size, zoom=zoom), world, rng)
    least, most = config.object_count
    for _ in range(int(rng.integers(least, most + 1))):
        sides = np.array(
            [_log_uniform(rng, *config.object_size) * side for side in (height, width)]
        )
        rows, columns = np.maximum(sides, 12).astype(int)
        centre = rng.uniform(-0.05, 1.05, 2) * (width, height)
        own = draw_motion(rng, config.objects, centre, unit)
        texture = bank.patch(rng, rows, columns, zoom=zoom * rng.uniform(0.7, 1.5))
        opacity = silhouette(rng, rows, columns)
        scene.add_object(texture, opacity, centre, own @ world, rng.uniform(-180, 180))
    return scene.finish(config, rng)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


class _Scene:
    """The two pictures while layers are laid on them, farthest first."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.canvas_size = (int(height * CANVAS), int(width * CANVAS))
        self.pictures: list[FloatArray] = []
        self.layers = [np.zeros(self.size, np.uint8) for _ in range(2)]
        self.flow = np.zeros((height, width, 2), np.float32)
        self.count = 0

    def add_background(
        self, texture: ByteArray, motion: Affine, rng: np.random.Generator
    ) -> None:
        height, width = self.size
        placed = np.eye(3)
        spare = np.array(self.canvas_size[::-1]) - (width, height)
        # A fraction of a pixel, so that neither picture is the sharper one.
        placed[:2, 2] = -spare / 2 + rng.uniform(-0.5, 0.5, 2)
        for matrix in (placed, motion @ placed):
            picture = cv2.warpAffine(
                texture,
                matrix[:2],
                (width, height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            self.pictures.append(picture.astype(np.float32))
        self._write_flow(motion, (0, height, 0, width), np.ones(self.size, bool))

    def add_object(
        self,
        texture: ByteArray,
        opacity: FloatArray,
        centre: npt.NDArray[np.float64],
        motion: Affine,
        angle: float,
    ) -> None:
        self.count += 1
        rows, columns = opacity.shape
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        placed = np.eye(3)
        placed[:2, :2] = [[cos, -sin], [sin, cos]]
        placed[:2, 2] = centre - placed[:2, :2] @ [(columns - 1) / 2, (rows - 1) / 2]
        # Premultiplied by opacity, a layer is laid on with one product and one sum.
        layer = np.empty((rows, columns, 4), np.float32)
        layer[..., :3] = texture * opacity[..., None]
        layer[..., 3] = opacity
        for index, matrix in enumerate((placed, motion @ placed)):
            box = self._box(matrix, rows, columns)
            if box is None:
                continue
            seen = self._lay(layer, matrix, box, index)
            if index == 0:
                self._write_flow(motion, box, seen)

    def _box(
        self, matrix: Affine, rows: int, columns: int
    ) -> tuple[int, int, int, int] | None:
        """Give the part of the picture that a layer can touch, None if outside."""
        corners = np.array(
            [[0, columns, 0, columns], [0, 0, rows, rows], [1, 1, 1, 1]], np.float64
        )
        x, y = (matrix @ corners)[:2]
        top, bottom = max(int(y.min()) - 1, 0), min(int(y.max()) + 2, self.size[0])
        left, right = max(int(x.min()) - 1, 0), min(int(x.max()) + 2, self.size[1])
        return (top, bottom, left, right) if top < bottom and left < right else None

    def _lay(
        self,
        layer: FloatArray,
        matrix: Affine,
        box: tuple[int, int, int, int],
        index: int,
    ) -> npt.NDArray[np.bool_]:
        top, bottom, left, right = box
        inside = matrix[:2].copy()
        inside[:, 2] -= (left, top)
        drawn = cv2.warpAffine(
            layer, inside, (right - left, bottom - top), flags=cv2.INTER_LINEAR
        )
        opacity = drawn[..., 3]
        part = self.pictures[index][top:bottom, left:right]
        part *= (1 - opacity)[..., None]
        part += drawn[..., :3]
        seen: npt.NDArray[np.bool_] = opacity > 0.5
        self.layers[index][top:bottom, left:right][seen] = self.count
        return seen

    def _write_flow(
        self,
        motion: Affine,
        box: tuple[int, int, int, int],
        seen: npt.NDArray[np.bool_],
    ) -> None:
        top, bottom, left, right = box
        change = motion[:2] - np.eye(3)[:2]
        x = np.arange(left, right)[None, :]
        y = np.arange(top, bottom)[:, None]
        part = self.flow[top:bottom, left:right]
        for axis in range(2):
            values = change[axis, 0] * x + change[axis, 1] * y + change[axis, 2]
            np.copyto(part[..., axis], values, where=seen, casting="same_kind")

    def finish(
        self, config: SyntheticConfig, rng: np.random.Generator
    ) -> SyntheticPair:
        """Add light, blur and noise, and round to bytes."""
        blur = rng.uniform(0.4, 1.0) if rng.random() < config.blur else 0.0
        noise = rng.uniform(0, config.noise) if config.noise > 0 else 0.0
        finished = []
        for index, picture in enumerate(self.pictures):
            if blur > 0:
                picture = cv2.GaussianBlur(picture, (0, 0), blur)
            if index == 1 and config.photometric > 0:
                picture = relight(picture, config.photometric, rng)
            if noise > 0:
                # One value a pixel for all colours, drawn in float32: it costs less.
                grain = rng.standard_normal(self.size, dtype=np.float32)[..., None]
                picture = picture + grain * np.float32(noise)
            finished.append(np.clip(picture + 0.5, 0, 255).astype(np.uint8))
        current, key = finished
        return SyntheticPair(current, key, self.flow, *self.layers)


def relight(
    picture: FloatArray, strength: float, rng: np.random.Generator
) -> FloatArray:
    """Change brightness, contrast and gamma a little, each colour a bit apart."""
    contrast = np.exp(rng.normal(0, 0.06 * strength, 3) * 0.4 + rng.normal(0, 0.06))
    brightness = rng.normal(0, 6 * strength) + rng.normal(0, 2 * strength, 3)
    gamma = np.exp(rng.normal(0, 0.06 * strength))
    levels = np.arange(256)[:, None] / 255
    table = levels**gamma * 255
    table = (table - 127.5) * contrast + 127.5 + brightness
    table = np.clip(table, 0, 255).astype(np.float32).reshape(256, 1, 3)
    relit: FloatArray = cv2.LUT(picture.astype(np.uint8), table)
    return relit
