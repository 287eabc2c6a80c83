"""Read the motion of boxes from the flow inside them.

Backward flow F (current to earlier frame) takes a point p of the current frame to
p + F(p) in the earlier one. Inside a box it is described by

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
from typing import Self

import numpy as np
import numpy.typing as npt

from flow.field import FlowField
from propagate.transport_config import TransportConfig
from vod.types import FloatArray

LARGEST_CHANGE = 0.25
"""Most that a side may shrink or grow in one step, as |s|."""

LEAST_RESIDUAL = 0.05
"""Grains below which a residual is noise of the flow, not another motion."""


@lru_cache(maxsize=8)
def sample_line(samples: int) -> FloatArray:
    """Give `(samples,)` evenly over (-0.5, 0.5): one side of the grid of samples."""
    line: FloatArray = ((np.arange(samples) + 0.5) / samples - 0.5).astype(np.float32)
    line.flags.writeable = False
    return line


@lru_cache(maxsize=8)
def sample_offsets(samples: int) -> FloatArray:
    """Give `(samples ** 2, 2)` x, y of a regular grid over (-0.5, 0.5) squared."""
    line = sample_line(samples)
    offsets: FloatArray = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    offsets.flags.writeable = False
    return offsets


def motion_of(
    start: FloatArray,
    sides: FloatArray,
    count: int,
    flows: tuple[FlowField, FlowField],
    config: TransportConfig,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give shift and scale `(2, N)` of boxes, and the residuals before the last fit.

    Args:
        start: `(2, N)` x, y of the centres, in grains.
        sides: `(2, N)` in grains.
        count: so many boxes go forwards along the first flow, the others back along
            the second.
        flows: on one grid.
        config: of the fit.

    All that has two axes of samples, `(2, N, P, P)`, has the one along which its own
    coordinate changes last: x for x, y for y.
    """
    line = sample_line(config.samples)
    shift = scale = np.zeros(start.shape, np.float32)
    span = np.maximum(sides * config.core, config.least_side)
    away = span[..., None] * line  # (2, N, P), from the centres
    here, there = slice(0, count), slice(count, None)
    vectors = np.empty((*away.shape, len(line)), np.float32)
    grid, other = _Grid.of(flows[0]), flows[1]
    _look_up(grid, start[:, here], away[:, here], vectors[:, here])
    if count < len(start[0]):
        _look_up(_Grid.of(other), start[:, there], away[:, there], vectors[:, there])
    residual = np.abs(vectors)
    # Fewer cells than samples say less than they seem to: least_side stands in.
    prior = np.square(config.stiffness * np.maximum(sides, config.least_side))
    for iteration in range(config.iterations):
        if iteration:
            # Going back, the place is known; going forwards, it is what is looked for.
            if count:
                seen = sides[:, here] / (1 + scale[:, here])
                span = np.maximum(seen * config.core, config.least_side)
                np.multiply(span[..., None], line, out=away[:, here])
                centres = start[:, here] - shift[:, here]
                _look_up(grid, centres, away[:, here], vectors[:, here])
            told = shift[..., None] + scale[..., None] * away
            residual = np.abs(vectors - told[:, :, None])
        shift, scale = _fit(vectors, away, residual, prior, config)
    return shift, scale, residual


@dataclass(frozen=True, eq=False, slots=True)
class _Grid:
    """A flow field, laid out for looking it up.

    Attributes:
        cells: `(H * W,)` complex64: both channels at once, as one number.
        width: W.
        last: `(2, 1, 1)` x, y of the last cell.
        below: `(2, 1, 1)` x, y of the last cell that has one after it.
        corners: `(4, 1, 1, 1)` from a cell to itself and the ones below, to the right
            and below that.
        grain: of the flow.
    """

    cells: npt.NDArray[np.complex64]
    width: int
    last: FloatArray
    below: FloatArray
    corners: npt.NDArray[np.intp]
    grain: float

    @classmethod
    def of(cls, flow: FlowField) -> Self:
        """Lay out a flow field; the grid is not copied."""
        height, width = flow.data.shape[:2]
        last = np.array([[[width - 1]], [[height - 1]]], np.float32)
        right, down = min(1, width - 1), min(1, height - 1) * width
        corners = np.array([[[[0]]], [[[down]]], [[[right]]], [[[right + down]]]])
        cells = np.ascontiguousarray(flow.data, np.float32).view(np.complex64).ravel()
        return cls(cells, width, last, np.maximum(last - 1, 0), corners, flow.grain)


def _look_up(
    grid: _Grid, centres: FloatArray, away: FloatArray, found: FloatArray
) -> None:
    """Sample flow bilinearly at all pairs of x and y; edges extend.

    Args:
        grid: of the backward flow.
        centres: `(2, N)` x, y, continuous, in grains.
        away: `(2, N, P)` x, y of the samples from there.
        found: `(2, N, P, P)` in grains, to be written; see `motion_of` for the order of
            its axes.
    """
    if not found.size:
        return
    at = (centres[..., None] + away) * np.float32(grid.grain) - np.float32(0.5)
    at = np.minimum(np.maximum(at, 0), grid.last)
    low = np.minimum(np.floor(at), grid.below)
    at -= low
    (left, top), (across, along) = low.astype(np.intp), at
    places = (top * grid.width)[:, :, None] + left[:, None] + grid.corners
    four = grid.cells.take(places)
    two = four[:2] + (four[2:] - four[:2]) * across[:, None]
    one = two[0] + (two[1] - two[0]) * along[:, :, None]
    one *= np.float32(1 / grid.grain)
    found[0], found[1] = one.real, one.imag.swapaxes(1, 2)


def _fit(
    vectors: FloatArray,
    away: FloatArray,
    residual: FloatArray,
    prior: FloatArray,
    config: TransportConfig,
) -> tuple[FloatArray, FloatArray]:
    """Fit shift and scale `(2, N)` to flow `(2, N, P, P)` at `away` from centres.

    `prior`, `(2, N)`, pulls the scale towards 0.
    As a coordinate of the model depends on its own axis alone, the sums over the other
    one come first.
    """
    total = np.add.reduce  # a method call of an array costs half as much again
    both = _weights(residual, config)
    own, found = total(both, 2), total(both * vectors, 2)  # (2, N, P)
    mean_away, mean_vector = total(own * away, -1), total(found, -1)
    if not config.scale:
        return mean_vector, np.zeros_like(mean_vector)
    spread = away - mean_away[..., None]
    slope = total(spread * (found - mean_vector[..., None] * own), -1)
    slope /= total(own * np.square(spread), -1) + prior
    scale = np.minimum(np.maximum(slope, -LARGEST_CHANGE), LARGEST_CHANGE)
    return mean_vector - scale * mean_away, scale


def _weights(residual: FloatArray, config: TransportConfig) -> FloatArray:
    """Give Cauchy weights that add up to 1 for each box, as both channels want them."""
    off = residual[0] + residual[1].swapaxes(1, 2)
    typical = np.maximum(_median(off.reshape(len(off), -1)), LEAST_RESIDUAL)
    off /= (config.resistance * typical)[:, None, None]
    np.square(off, out=off)
    off += 1
    weight = np.reciprocal(off, out=off)
    weight /= np.add.reduce(weight, (1, 2), keepdims=True)
    both = np.empty_like(residual)
    both[0], both[1] = weight, weight.swapaxes(1, 2)
    return both


def _median(values: FloatArray) -> FloatArray:
    """Give the `(N,)` medians of `(N, P)`; np.median spends longer on checks."""
    ranked, count = np.sort(values, axis=1), values.shape[1]
    middle: FloatArray = ranked[:, (count - 1) // 2] + ranked[:, count // 2]
    return middle / np.float32(2)
