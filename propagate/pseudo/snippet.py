"""A snippet: layers on affine paths, drawn frame by frame, with their exact flow."""

from dataclasses import dataclass

import cv2
import numpy as np

from propagate.pseudo.paths import Matrix, bounds
from vod.types import ByteArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Sheet:
    """One layer: a picture that moves as a whole.

    Attributes:
        texture: `(h, w, 3)` uint8.
        cover: `(h, w)` float32 opacity; None is endless: mirrored at its borders.
        path: `(T, 3, 3)` from pixels of the texture to pixels of every frame.
    """

    texture: ByteArray
    cover: FloatArray | None
    path: Matrix


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """One frame.

    Attributes:
        number: of the frame.
        picture: `(H, W, 3)` uint8.
        tops: `(H, W)` uint8, the layer that is seen there; 0 is the background.
    """

    number: int
    picture: ByteArray
    tops: ByteArray


@dataclass(frozen=True, eq=False, slots=True)
class Snippet:
    """A short generated video.

    Attributes:
        size: H, W of its frames.
        sheets: the background first, then what lies before it.
        owners: `(N,)` the layer that each object belongs to.
        homes: `(N, 4)` its box in pixels of that layer's texture.
        power: exponent of the superellipse that it fills.
    """

    size: tuple[int, int]
    sheets: tuple[Sheet, ...]
    owners: IntArray
    homes: FloatArray
    power: float

    def __len__(self) -> int:
        return len(self.sheets[0].path)

    def view(self, number: int) -> View:
        """Draw a frame."""
        ground, *things = self.sheets
        height, width = self.size
        picture = cv2.warpAffine(
            ground.texture,
            _on_indices(ground.path[number])[:2],
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        tops = np.zeros(self.size, np.uint8)
        for layer, thing in enumerate(things, start=1):
            _lay(picture, tops, thing, thing.path[number], layer)
        return View(number, picture, tops)

    def flow(self, current: View, earlier: View) -> FloatArray:
        """Give where everything in one frame is in another, exactly.

        Returns:
            `(H, W, 3)`: backward flow in pixels, and 1 where the same is seen in both,
            0 where it is hidden or out of the picture in the earlier one.
        """
        rows, columns = (
            np.arange(side, dtype=np.float32) + np.float32(0.5) for side in self.size
        )
        down = rows[:, None]
        x, y = np.empty(self.size, np.float32), np.empty(self.size, np.float32)
        for layer, sheet in enumerate(self.sheets):
            now, then = sheet.path[current.number], sheet.path[earlier.number]
            back = (then @ np.linalg.inv(now)).astype(np.float32)
            seen = current.tops == layer
            for place, (right, below, start) in zip((x, y), back, strict=False):
                np.copyto(place, right * columns + below * down + start, where=seen)
        # Nearest neighbour of a continuous place: the pixel that holds it.
        there = cv2.remap(
            earlier.tops,
            np.floor(x),
            np.floor(y),
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=255,
        )
        trust = (there == current.tops).astype(np.float32)
        return np.dstack([x - columns, y - down, trust])

    def boxes(self, number: int) -> FloatArray:
        """Give the `(N, 4)` boxes of a frame; they may reach beyond it."""
        paths = np.stack([sheet.path[number] for sheet in self.sheets])
        return bounds(paths[self.owners], self.homes, self.power)

    def visible(self, view: View) -> FloatArray:
        """Give `(N,)` which share of each object is in a frame and not covered.

        It is the share of its box that shows its own layer, against what it would show
        alone: as the box is its superellipse's.
        """
        height, width = self.size
        shares = np.zeros(len(self.owners), np.float32)
        for row, (box, owner) in enumerate(
            zip(self.boxes(view.number), self.owners, strict=True)
        ):
            x1, y1, x2, y2 = box
            within = np.round(np.clip(box, 0, [width, height] * 2)).astype(int)
            inside = view.tops[within[1] : within[3], within[0] : within[2]] == owner
            alone = (x2 - x1) * (y2 - y1)
            if owner:
                sheet = self.sheets[owner]
                area = np.abs(np.linalg.det(sheet.path[view.number][:2, :2]))
                alone = area * float((sheet.cover > 0.5).sum())  # type: ignore[operator]
            shares[row] = min(float(inside.sum()) / max(alone, 1.0), 1.0)
        return shares


def _on_indices(matrix: Matrix) -> Matrix:
    """Give a matrix of continuous coordinates for indices, a half less."""
    moved = matrix.copy()
    moved[:2, 2] += matrix[:2, :2].sum(1) / 2 - 0.5
    return moved


def _lay(
    picture: ByteArray, tops: ByteArray, thing: Sheet, matrix: Matrix, layer: int
) -> None:
    """Draw something cut out over a picture, in the part that it covers."""
    height, width = picture.shape[:2]
    rows, columns = thing.texture.shape[:2]
    x1, y1, x2, y2 = bounds(matrix, np.array([0, 0, columns, rows]), np.inf).tolist()
    left, top = max(int(x1) - 1, 0), max(int(y1) - 1, 0)
    right, bottom = min(int(x2) + 2, width), min(int(y2) + 2, height)
    if left >= right or top >= bottom:
        return
    placed = _on_indices(matrix)[:2]
    placed[:, 2] -= (left, top)
    size = (right - left, bottom - top)
    seen = cv2.warpAffine(
        thing.texture, placed, size, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    cover = cv2.warpAffine(thing.cover, placed, size, borderValue=0)[..., None]
    here = picture[top:bottom, left:right]
    here[:] = (here + cover * (seen - here) + 0.5).astype(np.uint8)
    tops[top:bottom, left:right][cover[..., 0] > 0.5] = layer
