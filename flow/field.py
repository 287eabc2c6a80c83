"""The one statement of what a flow field means."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vod.errors import ShapeError
from vod.types import FloatArray


@lru_cache(maxsize=64)
def resample_matrix(new_size: int, old_size: int) -> FloatArray:
    """Give the `(new_size, old_size)` matrix of anti-aliased linear resampling.

    Half-pixel centres are aligned. The triangle filter is as wide as a cell of the
    coarser grid, so enlarging interpolates and shrinking averages; every row sums to 1.
    (`tf.image.resize(antialias=True)` does the same.)
    """
    scale = old_size / new_size
    support = max(scale, 1.0)
    centres = (np.arange(new_size) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(old_size)[None, :] - centres[:, None])
    weights = np.maximum(1 - distance / support, 0)
    matrix: FloatArray = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


@dataclass(frozen=True, eq=False, slots=True)
class FlowField:
    """Backward flow, current frame to key frame, on one grid.

    Law: what is at p = (x, y) in the current frame is at p + data[y, x] in the key
    frame. So a key-frame map is warped to the current frame by sampling it at p + flow.

    Attributes:
        data: `(H, W, 2)` float32; `[..., 0]` = u, right positive; `[..., 1]` = v, down
            positive; unit: cells of this `(H, W)` grid. Index coordinates: the centre
            of the first cell is 0.
        grain: cells of the finest motion that counts: 1, or less where the grid is
            coarser than the pictures that vectors were read from.
    """

    data: FloatArray
    grain: float = 1.0

    def __post_init__(self) -> None:
        if self.data.ndim != 3 or self.data.shape[2] != 2:
            raise ShapeError(f"flow must be (H, W, 2), received {self.data.shape}.")

    @classmethod
    def from_pixels(
        cls, data: FloatArray, *, image_height: int, image_width: int
    ) -> "FlowField":
        """Take `(H, W, 2)` flow in pixels of an image that the grid covers."""
        height, width = cls(data).data.shape[:2]
        unit = np.array([width / image_width, height / image_height], np.float32)
        return cls(data * unit)

    def in_pixels(self, *, image_height: int, image_width: int) -> FloatArray:
        """Give `(H, W, 2)` on the same grid, in pixels of an image that it covers."""
        height, width = self.data.shape[:2]
        unit = np.array([image_width / width, image_height / height], np.float32)
        return self.data * unit

    def resized(self, height: int, width: int) -> "FlowField":
        """Resample to another grid; u is scaled by W'/W and v by H'/H.

        Raises:
            ShapeError: the new grid has no cell.
        """
        if height < 1 or width < 1:
            raise ShapeError(f"flow cannot be resized to a {height} x {width} grid.")
        old_height, old_width = self.data.shape[:2]
        if (height, width) == (old_height, old_width):
            return self
        rows = np.tensordot(resample_matrix(height, old_height), self.data, axes=(1, 0))
        both = resample_matrix(width, old_width) @ rows
        unit = np.array([width / old_width, height / old_height], np.float32)
        return FlowField(both * unit, self.grain * width / old_width)
