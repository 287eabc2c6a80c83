"""What is drawn on: a picture in RGB, or the planes of a video frame as they are."""

import functools
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from vod.types import ByteArray, FloatArray

Colour = tuple[int, int, int]  # RGB, 0 to 255


class Tile:
    """A small picture that is pasted again and again: what is made of it is kept.

    Attributes:
        rgb: `(h, w, 3)` uint8; not to be written to.
    """

    __slots__ = ("_planes", "rgb")

    def __init__(self, rgb: ByteArray) -> None:
        self.rgb = rgb
        self._planes: tuple[bytes, list[ByteArray]] | None = None

    def planes(self, to_rgb: bytes) -> list[ByteArray]:
        """Give it as Y `(h, w)`, U and V of half the size; see `YuvCanvas`."""
        found = self._planes
        if found is None or found[0] != to_rgb:
            yuv = cv2.transform(self.rgb, _from_rgb(to_rgb))
            half = (-(-yuv.shape[1] // 2), -(-yuv.shape[0] // 2))
            small = cv2.resize(yuv[..., 1:], half, interpolation=cv2.INTER_AREA)
            planes = [yuv[..., 0], *cv2.split(small)]
            found = to_rgb, [np.ascontiguousarray(plane, np.uint8) for plane in planes]
            self._planes = found
        return found[1]


class Canvas(Protocol):
    """A picture that shapes are drawn on, in place; what lies outside is left out."""

    @property
    def height(self) -> int:
        """Rows."""
        ...

    @property
    def width(self) -> int:
        """Columns."""
        ...

    def fill(self, top: int, bottom: int, left: int, right: int, ink: Colour) -> None:
        """Fill rows from top to before bottom, columns from left to before right."""
        ...

    def paste(self, tile: Tile, *, top: int, left: int) -> None:
        """Copy a tile; what does not fit is cut off."""
        ...

    def dot(self, centre: tuple[int, int], radius: int, ink: Colour) -> None:
        """Draw a filled circle around x, y."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class RgbCanvas:
    """An array `(H, W, 3)` uint8 RGB."""

    picture: ByteArray

    @property
    def height(self) -> int:
        """See `Canvas`."""
        return int(self.picture.shape[0])

    @property
    def width(self) -> int:
        """See `Canvas`."""
        return int(self.picture.shape[1])

    def fill(self, top: int, bottom: int, left: int, right: int, ink: Colour) -> None:
        """See `Canvas`."""
        self.picture[top:bottom, left:right] = ink

    def paste(self, tile: Tile, *, top: int, left: int) -> None:
        """See `Canvas`."""
        _copy(tile.rgb, self.picture, top, left)

    def dot(self, centre: tuple[int, int], radius: int, ink: Colour) -> None:
        """See `Canvas`."""
        cv2.circle(self.picture, centre, radius, ink, -1, cv2.LINE_AA)


class YuvCanvas:
    """Planes of brightness and, at half the size, of colour (4:2:0), 8 bits each.

    Saves turning a whole video frame into RGB and back to draw on a hundredth of it.

    Args:
        planes: Y `(H, W)`, U and V `(H / 2, W / 2)`; H and W are even.
        to_rgb: `(3, 4)` from (Y, U, V, 1) to RGB, as of `yuv_to_rgb`.
    """

    def __init__(self, planes: list[ByteArray], to_rgb: FloatArray) -> None:
        self._luma, *self._chroma = planes
        self._to_rgb = to_rgb.tobytes()
        self.height, self.width = (int(side) for side in self._luma.shape)

    def fill(self, top: int, bottom: int, left: int, right: int, ink: Colour) -> None:
        """See `Canvas`; colour reaches half a sample beyond odd edges."""
        luma, *chroma = _yuv(ink, self._to_rgb)
        self._luma[top:bottom, left:right].fill(luma)
        if top < bottom and left < right:
            rows, columns = (
                slice(top // 2, -(-bottom // 2)),
                slice(left // 2, -(-right // 2)),
            )
            for plane, value in zip(self._chroma, chroma, strict=True):
                plane[rows, columns].fill(value)

    def paste(self, tile: Tile, *, top: int, left: int) -> None:
        """See `Canvas`; moved by a pixel where that makes its corner even."""
        luma, *chroma = tile.planes(self._to_rgb)
        _copy(luma, self._luma, top & ~1, left & ~1)
        for plane, part in zip(self._chroma, chroma, strict=True):
            _copy(part, plane, top // 2, left // 2)

    def dot(self, centre: tuple[int, int], radius: int, ink: Colour) -> None:
        """See `Canvas`."""
        luma, *chroma = _yuv(ink, self._to_rgb)
        cv2.circle(self._luma, centre, radius, luma, -1, cv2.LINE_AA)
        half = (centre[0] // 2, centre[1] // 2)
        for plane, value in zip(self._chroma, chroma, strict=True):
            cv2.circle(plane, half, -(-radius // 2), value, -1, cv2.LINE_AA)


@functools.lru_cache(maxsize=8)
def _from_rgb(to_rgb: bytes) -> npt.NDArray[np.float64]:
    """Give the inverse, `(3, 4)`, of a `(3, 4)` float32 matrix."""
    matrix = np.frombuffer(to_rgb, np.float32).reshape(3, 4).astype(np.float64)
    inverse = np.linalg.inv(matrix[:, :3])
    return np.c_[inverse, -inverse @ matrix[:, 3]]


@functools.lru_cache(maxsize=1024)
def _yuv(ink: Colour, to_rgb: bytes) -> tuple[int, ...]:
    """Give a colour's Y, U and V."""
    values = _from_rgb(to_rgb) @ [*ink, 1]
    return tuple(round(float(value)) for value in values)


def _copy(tile: ByteArray, plane: ByteArray, top: int, left: int) -> None:
    room = plane[top : top + tile.shape[0], left : left + tile.shape[1]]
    room[:] = tile[: room.shape[0], : room.shape[1]]
