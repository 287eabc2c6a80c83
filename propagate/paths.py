"""The boxes of the key frames on either side, on every frame between them.

Carried frame by frame, but both ways at once (`transport_both`), and without a
`Tracked` for each frame: only arrays grow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from flow.field import FlowField
from propagate.tracked import Tracked
from propagate.transport import Carried, transport_both
from propagate.transport_config import TransportConfig
from vod.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Path:
    """N boxes of one key frame on F frames.

    Attributes:
        found: the boxes on their key frame.
        ages: `(F,)` int32, frames between it and each of the frames.
        boxes: `(F, N, 4)` float32, as in `Tracked`.
        shifts: `(F, N)` float32, likewise.
        confidences: `(F, N)` float32, likewise.
    """

    found: Tracked
    ages: IntArray
    boxes: FloatArray
    shifts: FloatArray
    confidences: FloatArray

    def __len__(self) -> int:
        return len(self.ages)

    @classmethod
    def of(cls, found: Tracked, steps: Sequence[Tracked]) -> Self:
        """Take what was carried to one frame after another from a key frame."""
        return cls(
            found,
            np.arange(1, len(steps) + 1, dtype=np.int32),
            np.stack([step.detections.boxes for step in steps]),
            np.stack([step.shifts for step in steps]),
            np.stack([step.confidences for step in steps]),
        )

    @classmethod
    def held(cls, found: Tracked, ages: IntArray) -> Self:
        """Leave every box where it is."""
        count = (len(ages), 1)
        return cls(
            found,
            ages,
            np.tile(found.detections.boxes, (len(ages), 1, 1)),
            np.tile(found.shifts, count),
            np.tile(found.confidences, count),
        )

    def _arrive(self, place: int, before: int, there: Carried) -> None:
        """Write down a step, from the frame `before` (-1: the key frame) to `place`."""
        came = self.found if before < 0 else None
        self.boxes[place] = there.boxes
        shifts = came.shifts if came else self.shifts[before]
        confidences = came.confidences if came else self.confidences[before]
        self.shifts[place] = shifts + there.shift
        self.confidences[place] = confidences * there.agreement


def carry_between(
    first: Tracked,
    last: Tracked,
    flows: Sequence[FlowField | None],
    *,
    frame_size: tuple[int, int],
    config: TransportConfig,
    steps: int,
) -> tuple[Path, Path]:
    """Carry the boxes of two key frames to the frames after the first, up to the last.

    Args:
        first: what was found on the earlier key frame.
        last: on the later one.
        flows: the backward flow of each frame after the first key frame; None where
            nothing moved, or nobody knows.
        frame_size: height and width.
        config: how boxes are carried.
        steps: frames after the first key frame, the last key frame included.

    Returns:
        The boxes of the first and those of the last on all these frames, in the order
        of the frames.
    """
    since = np.arange(1, steps + 1, dtype=np.int32)
    ahead, back = Path.held(first, since), Path.held(last, steps - since)
    if not len(first) + len(last) or not any(flows):
        return ahead, back
    here, there = first.detections.boxes, last.detections.boxes
    for step in range(steps):
        # The last key frame's boxes come to the mirrored frame, and not beyond.
        behind = steps - 2 - step
        found = _step(
            (here, there if behind >= 0 else there[:0]),
            (flows[step], flows[behind + 1]),
            frame_size,
            config,
        )
        ahead._arrive(step, step - 1, found[0])
        if behind >= 0:
            back._arrive(behind, behind + 1, found[1])
        here, there = found[0].boxes, found[1].boxes
    return ahead, back


def _step(
    boxes: tuple[FloatArray, FloatArray],
    flows: tuple[FlowField | None, FlowField | None],
    frame_size: tuple[int, int],
    config: TransportConfig,
) -> tuple[Carried, Carried]:
    """Carry some boxes forwards and others back by one frame each."""
    one, other = flows
    if one is not None and other is not None:
        return transport_both(*boxes, one, other, frame_size=frame_size, config=config)
    none, here, there = boxes[0][:0], Carried.still(boxes[0]), Carried.still(boxes[1])
    carry = partial(transport_both, frame_size=frame_size, config=config)
    if one is not None:
        here = carry(boxes[0], none, one, one)[0]
    if other is not None:
        there = carry(none, boxes[1], other, other)[1]
    return here, there
