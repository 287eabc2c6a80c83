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
        least_side: in grains of the flow's grid; a smaller box is sampled over this.
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
"""Grains below which a residual is noise of the flow, not another motion."""

OFF = 0.1
"""Share of a box's side by which a vector that is off counts as wholly off."""


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

    @classmethod
    def still(cls, boxes: FloatArray) -> "Carried":
        """Leave boxes where they are, for sure."""
        count = len(boxes)
        return cls(boxes, np.zeros(count, np.float32), np.ones(count, np.float32))

    def __getitem__(self, rows: slice) -> "Carried":
        return Carried(self.boxes[rows], self.shift[rows], self.agreement[rows])


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
    none = np.zeros((0, 4), np.float32)
    forward = direction == "forward"
    ahead, back = (boxes, none) if forward else (none, boxes)
    pair = transport_both(ahead, back, flow, flow, frame_size=frame_size, config=config)
    return pair[0] if forward else pair[1]


def transport_both(
    ahead: FloatArray,
    back: FloatArray,
    flow_ahead: FlowField,
    flow_back: FlowField,
    *,
    frame_size: tuple[float, float],
    config: TransportConfig,
) -> tuple[Carried, Carried]:
    """Carry some boxes forwards along one flow and others backwards along another.

    What `transport_boxes` does for each, in little more than the time of one: a few
    boxes take as long as one.

    Args:
        ahead: `(N, 4)` boxes of the earlier frame of `flow_ahead`.
        back: `(M, 4)` boxes of the later frame of `flow_back`.
        flow_ahead: backward flow.
        flow_back: backward flow between two other frames, on a grid of the same size.
        frame_size: height and width of all frames.
        config: of the fit.

    Raises:
        ShapeError: boxes are not `(N, 4)`, or the grids differ.
    """
    _check(ahead, back, flow_ahead, flow_back)
    # Lengths that follow are in grains: cells, where a grid is as fine as motion is.
    rows, columns = np.array(flow_ahead.data.shape[:2]) / flow_ahead.grain
    unit = np.array([[frame_size[1] / columns], [frame_size[0] / rows]], np.float32)
    boxes, count = np.concatenate([ahead, back]).astype(np.float32), len(ahead)
    if not len(boxes):
        none = np.zeros(0, np.float32)
        return (Carried(boxes, none, none),) * 2
    start = (boxes[:, :2] + boxes[:, 2:]).T / (2 * unit)
    sides = (boxes[:, 2:] - boxes[:, :2]).T / unit
    flows = (flow_ahead, flow_back)
    shift, scale, residual = _motion(start, sides, count, flows, config)
    centres = np.concatenate(
        [start[:, :count] - shift[:, :count], start[:, count:] + shift[:, count:]], 1
    )
    grown = 1 + scale
    grown[:, :count] = 1 / grown[:, :count]
    sides = sides * grown
    moved = np.concatenate([centres - sides / 2, centres + sides / 2]).T
    least = config.least_side
    share = residual / np.maximum(sides, least)[..., None, None]
    worst = np.maximum(share[0], share[1].swapaxes(1, 2))
    off = np.minimum(worst / OFF, 1).mean((1, 2))
    there = Carried(moved * np.tile(unit.T, 2), np.hypot(*(shift * unit)), (1 - off))
    return there[:count], there[count:]


def _check(
    ahead: FloatArray, back: FloatArray, flow_ahead: FlowField, flow_back: FlowField
) -> None:
    for boxes in (ahead, back):
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ShapeError(f"boxes must be (N, 4), received {boxes.shape}.")
    grids = [(*flow.data.shape, flow.grain) for flow in (flow_ahead, flow_back)]
    if grids[0] != grids[1]:
        raise ShapeError(
            f"both flows must be on one grid, received {flow_ahead.data.shape} and "
            f"{flow_back.data.shape}, grain {flow_ahead.grain:g} and "
            f"{flow_back.grain:g}."
        )


def _motion(
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
    shift, scale = np.zeros_like(start), np.zeros_like(start)
    span = np.maximum(sides * config.core, config.least_side)
    away = np.multiply.outer(span, line)  # (2, N, P), from the centres
    here, there = slice(0, count), slice(count, None)
    vectors = np.empty((2, len(start[0]), len(line), len(line)), np.float32)
    for flow, side in zip(flows, (here, there), strict=True):
        vectors[:, side] = _look_up(flow, start[:, side], away[:, side])
    residual = np.abs(vectors)
    for iteration in range(config.iterations):
        if iteration:
            # Going back, the place is known; going forwards, it is what is looked for.
            if count:
                seen = sides[:, here] / (1 + scale[:, here])
                span = np.maximum(seen * config.core, config.least_side)
                away[:, here] = np.multiply.outer(span, line)
                centres = start[:, here] - shift[:, here]
                vectors[:, here] = _look_up(flows[0], centres, away[:, here])
            told = shift[..., None] + scale[..., None] * away
            residual = np.abs(vectors - told[:, :, None])
        shift, scale = _fit(vectors, away, residual, sides, config)
    return shift, scale, residual


def _look_up(flow: FlowField, centres: FloatArray, away: FloatArray) -> FloatArray:
    """Sample flow bilinearly at all pairs of x and y; edges extend.

    Args:
        flow: backward flow.
        centres: `(2, N)` x, y, continuous, in grains.
        away: `(2, N, P)` x, y of the samples from there.

    Returns:
        `(2, N, P, P)` in grains; see `_motion` for the order of its axes.
    """
    height, width = flow.data.shape[:2]
    found = np.empty((*away.shape, away.shape[-1]), np.float32)
    if not found.size:
        return found
    last = np.array([[[width - 1]], [[height - 1]]])
    at = (centres[..., None] + away) * np.float32(flow.grain) - np.float32(0.5)
    at = np.minimum(np.maximum(at, 0), last, dtype=np.float32)
    low = np.minimum(at.astype(np.intp), np.maximum(last - 1, 0))
    at -= low
    (left, top), (across, along) = low, at
    right, down = min(1, width - 1), min(1, height - 1) * width
    corners = np.array([0, down, right, right + down]).reshape(4, 1, 1, 1)
    # Both channels at once, as one number; and no copy of the grid.
    cells = np.ascontiguousarray(flow.data, np.float32).view(np.complex64).ravel()
    four = cells.take((top * width)[:, :, None] + left[:, None] + corners)
    two = four[:2] + (four[2:] - four[:2]) * across[:, None]
    one = two[0] + (two[1] - two[0]) * along[:, :, None]
    one *= np.float32(1 / flow.grain)
    found[0], found[1] = one.real, one.imag.swapaxes(1, 2)
    return found


def _fit(
    vectors: FloatArray,
    away: FloatArray,
    residual: FloatArray,
    sides: FloatArray,
    config: TransportConfig,
) -> tuple[FloatArray, FloatArray]:
    """Fit shift and scale `(2, N)` to flow `(2, N, P, P)` at `away` from centres.

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
    # Fewer cells than samples say less than they seem to: least_side stands in.
    prior = np.square(config.stiffness * np.maximum(sides, config.least_side))
    slope /= total(own * np.square(spread), -1) + prior
    scale = np.minimum(np.maximum(slope, -LARGEST_CHANGE), LARGEST_CHANGE)
    return mean_vector - scale * mean_away, scale


def _weights(residual: FloatArray, config: TransportConfig) -> FloatArray:
    """Give Cauchy weights that add up to 1 for each box, as both channels want them."""
    off = residual[0] + residual[1].swapaxes(1, 2)
    typical = np.maximum(_median(off.reshape(len(off), -1)), LEAST_RESIDUAL)
    off /= (config.resistance * typical)[:, None, None]
    weight = np.reciprocal(1 + np.square(off))
    weight /= np.add.reduce(weight, (1, 2), keepdims=True)
    both = np.empty_like(residual)
    both[0], both[1] = weight, weight.swapaxes(1, 2)
    return both


def _median(values: FloatArray) -> FloatArray:
    """Give the `(N,)` medians of `(N, P)`; np.median spends longer on checks."""
    ranked, count = np.sort(values, axis=1), values.shape[1]
    middle: FloatArray = ranked[:, (count - 1) // 2] + ranked[:, count // 2]
    return middle / np.float32(2)
