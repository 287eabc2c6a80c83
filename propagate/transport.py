"""Carry boxes along optical flow: each is moved, and scaled, by the flow inside it.

A warp moves features but leaves the key frame's width and height in them, and coarse
maps cannot shift at their border. A box, moved whole, suffers neither. How its motion
is read from the flow: see `propagate.box_motion`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from flow.field import FlowField
from propagate.box_motion import motion_of
from propagate.transport_config import TransportConfig
from vod.errors import ShapeError
from vod.types import FloatArray

OFF = 0.1
"""Share of a box's side by which a vector that is off counts as wholly off."""

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
    shift, scale, residual = motion_of(start, sides, count, flows, config)
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
    worst /= OFF
    off = np.add.reduce(np.minimum(worst, 1), (1, 2)) / np.float32(worst[0].size)
    moved *= np.concatenate([unit, unit]).T
    there = Carried(moved, np.hypot(*(shift * unit)), 1 - off)
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
