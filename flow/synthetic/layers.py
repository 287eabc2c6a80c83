"""Lay moving, textured layers on the two pictures of a pair, with their exact flow.

A layer's motion takes the point p of the current picture to M(p) = A (p + r(p)) of the
key picture, A a homography and r a smooth field. A texture placed by the matrix P in
the current picture is looked up at P^-1 (p + r(p)) there, and at P^-1 A^-1 q in the key
picture. The same texture point is met at p and at M(p), so flow M(p) - p is exact for
every pixel of the current picture that shows the layer, hidden in the key or not, and
no inverse of r is needed.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from flow.synthetic.motion import Matrix, Motion
from vod.types import ByteArray, FloatArray

Box = tuple[int, int, int, int]
"""top, bottom, left, right; bottom and right excluded."""

STEEPEST: Final = 0.28
"""Greatest slope between a ripple's control points. Cubic interpolation makes it 1.75
times as steep: below a half in each direction, so that the field cannot fold."""

LEAST_RIPPLE: Final = 0.02
"""Pixels below which a ripple is left out."""

LONGEST_TRAIL: Final = 0.06
"""Of motion blur, in heights of the picture."""

SEEN: Final = 127
"""Opacity above which a pixel is the layer's, of 255."""


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One thing that moves.

    Attributes:
        texture: `(h, w, 4)` uint8, colours already multiplied by opacity.
        placed: texture's to current picture's index coordinates, without ripple.
        motion: from the current to the key picture.
        endless: the texture is mirrored at its border; otherwise clear beyond it.
    """

    texture: ByteArray
    placed: Matrix
    motion: Motion
    endless: bool = False


class Canvas:
    """The two pictures, while layers are laid on them, farthest first.

    Attributes:
        pictures: current and key, `(H, W, 4)` uint8.
        layers: of each picture, `(H, W)` uint8, which layer is seen.
        flow: `(H, W, 2)` float32, current to key.
    """

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.pictures = [np.zeros((height, width, 4), np.uint8) for _ in range(2)]
        self.layers = [np.zeros((height, width), np.uint8) for _ in range(2)]
        self.flow = np.zeros((height, width, 2), np.float32)
        self._next = 0

    def lay(
        self, layer: Layer, rng: np.random.Generator, *, exposure: float = 0.0
    ) -> None:
        """Lay a layer on both pictures.

        Args:
            layer: nearer than all before it.
            rng: draws the ripple.
            exposure: share of the motion that happens while the shutter is open,
                about the moment that the flow is told for.
        """
        trail = _trail(layer, exposure, self.size)
        margin = 1 if trail is None else trail.shape[0] // 2 + 1
        deep = 3 * layer.motion.ripple
        box = self._box(layer, layer.placed, margin + deep)
        if box is not None:
            top, bottom, left, right = box
            pixels = _grid(*self.size)[top:bottom, left:right]
            ripple = _ripple(pixels, layer.motion.ripple, rng)
            points = pixels if ripple is None else pixels + ripple
            bent = None if ripple is None else points
            seen = self._composite(
                0, box, _drawn(layer, layer.placed, box, bent), trail
            )
            flow = _apply(layer.motion.matrix, points) - pixels
            # Both components at once: as one complex number.
            part = self.flow[top:bottom, left:right].view(np.complex64)[..., 0]
            np.copyto(part, flow.view(np.complex64)[..., 0], where=seen)
        placed = layer.motion.matrix @ layer.placed
        box = self._box(layer, placed, margin)
        if box is not None:
            self._composite(1, box, _drawn(layer, placed, box, None), trail)
        self._next += 1

    def _box(self, layer: Layer, placed: Matrix, margin: float) -> Box | None:
        """Give the part of the picture that a layer can touch, None if outside."""
        height, width = self.size
        if layer.endless:
            return 0, height, 0, width
        rows, columns = layer.texture.shape[:2]
        corners = np.array(
            [[-1, columns, -1, columns], [-1, -1, rows, rows], [1, 1, 1, 1]], float
        )
        x, y, depth = placed @ corners
        if depth.min() <= 0.05:
            return 0, height, 0, width
        x, y = x / depth, y / depth
        top = max(math.floor(y.min() - margin), 0)
        bottom = min(math.ceil(y.max() + margin) + 1, height)
        left = max(math.floor(x.min() - margin), 0)
        right = min(math.ceil(x.max() + margin) + 1, width)
        return (top, bottom, left, right) if top < bottom and left < right else None

    def _composite(
        self, index: int, box: Box, drawn: ByteArray, trail: FloatArray | None
    ) -> npt.NDArray[np.bool_]:
        top, bottom, left, right = box
        if trail is not None:
            drawn = cv2.filter2D(drawn, -1, trail, borderType=cv2.BORDER_REPLICATE)
        opacity = cv2.extractChannel(drawn, 3)
        seen: npt.NDArray[np.bool_] = opacity > SEEN
        part = self.pictures[index][top:bottom, left:right]
        rest = cv2.cvtColor(255 - opacity, cv2.COLOR_GRAY2RGBA)
        part[:] = cv2.add(cv2.multiply(part, rest, scale=1 / 255), drawn)
        np.copyto(self.layers[index][top:bottom, left:right], self._next, where=seen)
        return seen


@lru_cache(maxsize=16)
def _grid(height: int, width: int) -> FloatArray:
    """Give `(H, W, 2)` x and y of every pixel."""
    x, y = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return np.dstack([x, y])


def _apply(matrix: Matrix, points: FloatArray) -> FloatArray:
    if matrix[2, 0] == 0 and matrix[2, 1] == 0:
        moved: FloatArray = cv2.transform(points, matrix[:2] / matrix[2, 2])
    else:
        moved = cv2.perspectiveTransform(points, matrix)
    return moved


def _ripple(
    pixels: FloatArray, deviation: float, rng: np.random.Generator
) -> FloatArray | None:
    """Draw the smooth field r for the pixels of a box; None where it is nothing."""
    if deviation <= LEAST_RIPPLE:
        return None
    sides = np.array(pixels.shape[:2], float)
    cells = np.maximum(np.rint(sides / sides.max() * rng.integers(2, 6)), 1).astype(int)
    control = rng.standard_normal((*cells, 2)) * deviation
    steepest = max(
        np.abs(np.diff(control, axis=axis)).max() * cells[axis] / sides[axis]
        for axis in (0, 1)
        if cells[axis] > 1
    )
    control *= min(1.0, STEEPEST / steepest)
    field: FloatArray = cv2.resize(
        control.astype(np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC
    )
    return field


def _drawn(
    layer: Layer, placed: Matrix, box: Box, bent: FloatArray | None
) -> ByteArray:
    """Sample a texture for the pixels of a box, or for bent points instead."""
    top, bottom, left, right = box
    border = cv2.BORDER_REFLECT_101 if layer.endless else cv2.BORDER_CONSTANT
    lookup: Matrix = np.linalg.inv(placed).astype(np.float64)
    if bent is None:
        lookup = lookup @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
        drawn: ByteArray = cv2.warpPerspective(
            layer.texture,
            lookup,
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        )
        return drawn
    there = _apply(lookup, bent)
    drawn = cv2.remap(layer.texture, there, None, cv2.INTER_LINEAR, borderMode=border)
    return drawn


def _trail(layer: Layer, exposure: float, size: tuple[int, int]) -> FloatArray | None:
    """Give the kernel of motion blur, of the motion of the layer's middle."""
    if exposure <= 0:
        return None
    rows, columns = layer.texture.shape[:2]
    texture = np.array([(columns - 1) / 2, (rows - 1) / 2, 1])
    start = layer.placed @ texture
    end = layer.motion.matrix @ start
    motion = (end[:2] / end[2] - start[:2] / start[2]) * exposure
    most = LONGEST_TRAIL * size[0]
    length = math.hypot(*motion)
    if length < 1:
        return None
    motion *= min(1.0, most / length)
    half = math.ceil(np.abs(motion).max() / 2)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    ends = np.round((np.stack([-motion, motion]) / 2 + half) * 16).astype(int)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 255, 1, cv2.LINE_AA, shift=4)
    kernel = np.maximum(kernel, kernel[::-1, ::-1])  # its middle is the layer's place
    weights: FloatArray = kernel.astype(np.float32)
    return weights / weights.sum()
