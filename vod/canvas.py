"""What is drawn on: a picture in RGB, or the planes of a video frame as they are."""

import functools
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from vod.types import ByteArray, FloatArray

Colour = tuple[int, int, int]  # RGB, 0 to 255


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

    def paste(self, tile: ByteArray, *, top: int, left: int) -> None:
        """Copy an RGB tile `(h, w, 3)`; what does not fit is cut off."""
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

    def paste(self, tile: ByteArray, *, top: int, left: int) -> None:
        """See `Canvas`."""
        _copy(tile, self.picture, top, left)

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
        self._from_rgb = _from_rgb(to_rgb.tobytes())
        self.height, self.width = (int(side) for side in self._luma.shape)

    def fill(self, top: int, bottom: int, left: int, right: int, ink: Colour) -> None:
        """See `Canvas`; colour reaches half a sample beyond odd edges."""
        luma, *chroma = self._yuv(ink)
        self._luma[top:bottom, left:right] = luma
        if top < bottom and left < right:
            rows, columns = (
                slice(top // 2, -(-bottom // 2)),
                slice(left // 2, -(-right // 2)),
            )
            for plane, value in zip(self._chroma, chroma, strict=True):
                plane[rows, columns] = value

    def paste(self, tile: ByteArray, *, top: int, left: int) -> None:
        """See `Canvas`; moved by a pixel where that makes its corner even."""
        yuv = cv2.transform(tile, self._from_rgb)
        half = (-(-tile.shape[1] // 2), -(-tile.shape[0] // 2))
        small = cv2.resize(yuv[..., 1:], half, interpolation=cv2.INTER_AREA)
        _copy(np.asarray(yuv[..., 0], np.uint8), self._luma, top & ~1, left & ~1)
        for plane, part in zip(self._chroma, cv2.split(small), strict=True):
            _copy(np.asarray(part, np.uint8), plane, top // 2, left // 2)

    def dot(self, centre: tuple[int, int], radius: int, ink: Colour) -> None:
        """See `Canvas`."""
        luma, *chroma = self._yuv(ink)
        cv2.circle(self._luma, centre, radius, luma, -1, cv2.LINE_AA)
        half = (centre[0] // 2, centre[1] // 2)
        for plane, value in zip(self._chroma, chroma, strict=True):
            cv2.circle(plane, half, -(-radius // 2), value, -1, cv2.LINE_AA)

    def _yuv(self, ink: Colour) -> list[int]:
        values = self._from_rgb @ [*ink, 1]
        return [round(float(value)) for value in values]


@functools.lru_cache(maxsize=8)
def _from_rgb(to_rgb: bytes) -> npt.NDArray[np.float64]:
    """Give the inverse, `(3, 4)`, of a `(3, 4)` float32 matrix."""
    matrix = np.frombuffer(to_rgb, np.float32).reshape(3, 4).astype(np.float64)
    inverse = np.linalg.inv(matrix[:, :3])
    return np.c_[inverse, -inverse @ matrix[:, 3]]


def _copy(tile: ByteArray, plane: ByteArray, top: int, left: int) -> None:
    room = plane[top : top + tile.shape[0], left : left + tile.shape[1]]
    room[:] = tile[: room.shape[0], : room.shape[1]]
