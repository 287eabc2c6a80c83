"""Carry boxes along optical flow: each is moved, and scaled, by the flow inside it.

A warp moves features but leaves the key frame's width and height in them, and coarse
maps cannot shift at their border. A box, moved whole, suffers neither. Backward flow F
(current to earlier frame) takes a point p of the current frame to p + F(p) in the
earlier one. Inside a box it is described by

    F_x(p) = t_x + s_x (p_x - c_x),      F_y(p) = t_y + s_y (p_y - c_y)

with c the centre of the box in the current frame: t is its displacement backwards and
1 + s the size that it had, as a share of the size that it has now. So a box of centre b
and sides w lies in the current frame at c = b - t with sides w / (1 + s). As F is known
at points of the current frame only, c is found by iteration.

The fit is robust (iteratively reweighted least squares with Cauchy weights): what shows
through beside a silhouette moves with the background and must not count.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from flow.field import FlowField
from vod.errors import ConfigError, ShapeError
from vod.types import FloatArray


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """How the motion of a box is read from the flow inside it.

    Attributes:
        samples: points along each side of a box at which the flow is looked up.
        core: share of each side that the points span; the rim shows background.
        least_side: in cells of the flow's grid; a smaller box is sampled over this.
        stiffness: pull of s towards 0, in box sides: the greater, the less is read
            into a few uncertain vectors.
        resistance: residuals of so many times the typical one count half.
        iterations: of the position, each with one reweighting of the fit.
        scale: also change the size; False only moves.
    """

    samples: int = 8
    core: float = 0.7
    least_side: float = 2.0
    stiffness: float = 0.1
    resistance: float = 2.0
    iterations: int = 4
    scale: bool = True

    def __post_init__(self) -> None:
        if self.samples < 2 or self.iterations < 1:
            raise ConfigError("transport needs 2 samples and 1 iteration or more.")
        if not 0 < self.core <= 1:
            raise ConfigError(f"core must lie in (0, 1], received {self.core}.")
        if min(self.least_side, self.stiffness) < 0 or self.resistance <= 0:
            raise ConfigError("least_side, stiffness and resistance must be positive.")


LARGEST_CHANGE = 0.25
"""Most that a side may shrink or grow in one step, as |s|."""

LEAST_RESIDUAL = 0.05
"""Cells below which a residual is noise of the flow, not another motion."""

OFF = 0.1
"""Share of a box's side by which a vector that is off counts as wholly off."""


@lru_cache(maxsize=8)
def sample_offsets(samples: int) -> FloatArray:
    """Give `(samples ** 2, 2)` x, y of a regular grid over (-0.5, 0.5) squared."""
    line = ((np.arange(samples) + 0.5) / samples - 0.5).astype(np.float32)
    offsets: FloatArray = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    offsets.flags.writeable = False
    return offsets


Direction = Literal["forward", "backward"]


@dataclass(frozen=True, eq=False, slots=True)
class Carried:
    """Boxes after one step, `(N, ...)` float32.

    Attributes:
        boxes: `(N, 4)` x1, y1, x2, y2 in pixels of the frame, not clipped.
        shift: `(N,)` pixels by which the centres moved.
        agreement: `(N,)` in [0, 1]: 1 where all flow inside a box tells one motion,
            0.5 where half of it is off by a tenth of the box's sides or more.
    """

    boxes: FloatArray
    shift: FloatArray
    agreement: FloatArray


def transport_boxes(
    boxes: FloatArray,
    flow: FlowField,
    *,
    frame_size: tuple[float, float],
    config: TransportConfig,
    direction: Direction = "forward",
) -> Carried:
    """Find where the boxes of one frame lie in a neighbouring one.

    Args:
        boxes: `(N, 4)` x1, y1, x2, y2 in pixels of the frame, continuous.
        flow: backward flow, later to earlier frame, covering the frame.
        frame_size: height and width of the frame: the unit of the boxes.
        config: of the fit.
        direction: `forward` takes boxes of the earlier frame to the later one,
            `backward` the other way, which needs no iteration for the position.

    Returns:
        The boxes there; zero flow returns them unchanged.

    Raises:
        ShapeError: the boxes are not `(N, 4)`.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"boxes must be (N, 4), received {boxes.shape}.")
    none = np.zeros(0, np.float32)
    if not len(boxes):
        return Carried(boxes.astype(np.float32), none, none)
    rows, columns = flow.data.shape[:2]
    unit = np.array([frame_size[1] / columns, frame_size[0] / rows], np.float32)
    start = ((boxes[:, :2] + boxes[:, 2:]) / (2 * unit)).T.astype(np.float32)
    sides = ((boxes[:, 2:] - boxes[:, :2]) / unit).T.astype(np.float32)
    shift, scale = np.zeros_like(start), np.zeros_like(start)
    forward = direction == "forward"
    for iteration in range(config.iterations):
        if forward or iteration == 0:  # going back, the place is known
            seen = sides / (1 + scale)
            span = np.maximum(seen * config.core, config.least_side)
            # (2, N, P) from the centres
            away = sample_offsets(config.samples).T[:, None] * span[..., None]
            centres = start - shift
            vectors = _look_up(flow.data, centres[..., None] + away)
        residual = np.abs(vectors - shift[..., None] - scale[..., None] * away)
        shift, scale = _fit(vectors, away, residual.sum(0), sides, config)
    if forward:
        centres, sides = start - shift, sides / (1 + scale)
    else:
        centres, sides = start + shift, sides * (1 + scale)
    moved = np.concatenate([centres - sides / 2, centres + sides / 2]).T
    share = residual / np.maximum(sides, config.least_side)[..., None]
    off = np.mean(np.minimum(np.max(share, axis=0) / OFF, 1), axis=1)
    return Carried(
        (moved * np.tile(unit, 2)).astype(np.float32),
        np.linalg.norm(shift * unit[:, None], axis=0).astype(np.float32),
        (1 - off).astype(np.float32),
    )


def _look_up(grid: FloatArray, points: FloatArray) -> FloatArray:
    """Sample `(h, w, 2)` bilinearly at continuous `(2, N, P)` x, y; edges extend."""
    height, width = grid.shape[:2]
    x = np.clip(points[0] - np.float32(0.5), 0, width - 1)
    y = np.clip(points[1] - np.float32(0.5), 0, height - 1)
    left = np.minimum(x.astype(np.intp), max(width - 2, 0))
    top = np.minimum(y.astype(np.intp), max(height - 2, 0))
    across, along = x - left, y - top
    right, down = 2 * min(1, width - 1), 2 * min(1, height - 1) * width
    corners = np.array([0, right, down, down + right])[:, None] + [0, 1]  # u, v
    places = 2 * (top * width + left) + corners[..., None, None]
    cells = grid.reshape(-1).take(places)  # (4, 2, N, P), and no copy of the grid
    upper, lower = cells[::2] * (1 - across) + cells[1::2] * across
    found: FloatArray = (upper * (1 - along) + lower * along).astype(np.float32)
    return found


def _fit(
    vectors: FloatArray,
    away: FloatArray,
    residual: FloatArray,
    sides: FloatArray,
    config: TransportConfig,
) -> tuple[FloatArray, FloatArray]:
    """Fit shift and scale `(2, N)` to flow `(2, N, P)` sampled `away` from centres."""
    typical = np.maximum(_median(residual), LEAST_RESIDUAL)
    weight = 1 / (1 + np.square(residual / (config.resistance * typical[:, None])))
    weight /= weight.sum(1, keepdims=True)
    mean_away = np.einsum("np,cnp->cn", weight, away)
    mean_vector = np.einsum("np,cnp->cn", weight, vectors)
    if not config.scale:
        return mean_vector, np.zeros_like(mean_vector)
    spread = away - mean_away[..., None]
    weighted = weight * spread
    slope = np.einsum("cnp,cnp->cn", weighted, vectors - mean_vector[..., None])
    # Fewer cells than samples say less than they seem to: least_side stands in.
    prior = (config.stiffness * np.maximum(sides, config.least_side)) ** 2
    slope = slope / (np.einsum("cnp,cnp->cn", weighted, spread) + prior)
    scale = np.clip(slope, -LARGEST_CHANGE, LARGEST_CHANGE)
    return mean_vector - scale * mean_away, scale


def _median(values: FloatArray) -> FloatArray:
    """Give the `(N,)` medians of `(N, P)`; np.median spends longer on checks."""
    ranked, count = np.sort(values, axis=1), values.shape[1]
    middle: FloatArray = ranked[:, (count - 1) // 2] + ranked[:, count // 2]
    return middle / np.float32(2)
