"""The boxes of the key frames on either side, on every frame between them.

Carried frame by frame, but both ways at once (`transport_both`), and without a
`Tracked` for each frame: only arrays grow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, Self

import numpy as np

from flow.field import FlowField
from propagate.tracked import Tracked
from propagate.transport import Carried, transport_both
from propagate.transport_config import TransportConfig
from vod.types import Detections, FloatArray, IntArray


class Correction(Protocol):
    """Puts boxes right that were carried to a frame, where that is due."""

    def __call__(self, place: int, carried: Tracked, *, before: int) -> Tracked:
        """Give all rows, changed or not.

        Args:
            place: frames since the first key frame.
            carried: the boxes there.
            before: their age at the knot before.
        """
        ...


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


def carry_between(
    first: Tracked,
    last: Tracked,
    flows: Sequence[FlowField | None],
    *,
    frame_size: tuple[int, int],
    config: TransportConfig,
    places: Sequence[int],
    corrections: Sequence[Correction] | None = None,
) -> tuple[Path, Path]:
    """Carry the boxes of two key frames to the frames after the first, up to the last.

    From place to place along the flows; on the way between two of them, a box moves
    and grows evenly.

    Args:
        first: what was found on the earlier key frame.
        last: on the later one.
        flows: the backward flow of each place but the first to the one before; None
            where nothing moved, or nobody knows.
        frame_size: height and width.
        config: how boxes are carried.
        places: frames since the first key frame, from 0 to the last key frame, of the
            frames between which there are flows.
        corrections: of the boxes of the first, and of the last; None for none.

    Returns:
        The boxes of the first and those of the last on all these frames, in the order
        of the frames.
    """
    steps = places[-1]
    since = np.arange(1, steps + 1, dtype=np.int32)
    if not len(first) + len(last) or not any(flows):
        return Path.held(first, since), Path.held(last, steps - since)
    ahead, back = _Knots.of(first, len(places)), _Knots.of(last, len(places))
    # Nobody asks for the last key frame's boxes on the first, but what lies between.
    least = 0 if places[1] > 1 else 1
    for step in range(len(flows)):
        behind = len(flows) - 1 - step  # the mirrored step, of the last one's boxes
        there = back.boxes[behind + 1]
        found = _step(
            (ahead.boxes[step], there if behind >= least else there[:0]),
            (flows[step], flows[behind]),
            frame_size,
            config,
        )
        ahead.arrive(step + 1, step, found[0])
        if corrections is not None:
            ahead.correct(step + 1, places, corrections[0], age=places[step + 1])
        if behind >= least:
            back.arrive(behind, behind + 1, found[1])
            if corrections is not None:
                age = steps - places[behind]
                back.correct(behind, places, corrections[1], age=age)
    return ahead.path(since, places), back.path(steps - since, places)


@dataclass(frozen=True, eq=False, slots=True)
class _Knots:
    """N boxes of one key frame on K frames, with others between them."""

    found: Tracked
    boxes: FloatArray
    shifts: FloatArray
    confidences: FloatArray

    @classmethod
    def of(cls, found: Tracked, count: int) -> Self:
        """Begin with the boxes held, whichever of the `count` is their key frame."""
        held = Path.held(found, np.zeros(count, np.int32))
        return cls(found, held.boxes, held.shifts, held.confidences)

    def arrive(self, place: int, before: int, there: Carried) -> None:
        """Write down a step from one knot to the next, or the one before."""
        self.boxes[place] = there.boxes
        self.shifts[place] = self.shifts[before] + there.shift
        self.confidences[place] = self.confidences[before] * there.agreement

    def correct(
        self, place: int, places: Sequence[int], correction: Correction, *, age: int
    ) -> None:
        """Put the boxes at a knot right, if that is due at this age."""
        behind = place - 1 if places[place] == age else place + 1
        found = self.found.detections
        carried = replace(
            self.found,
            detections=Detections(self.boxes[place], found.scores, found.labels),
            ages=self.found.ages + age,
            shifts=self.shifts[place],
            confidences=self.confidences[place],
        )
        before = age - abs(places[place] - places[behind])
        there = correction(places[place], carried, before=before)
        self.boxes[place] = there.detections.boxes

    def path(self, ages: IntArray, places: Sequence[int]) -> Path:
        """Give all frames after the first knot; between two knots, evenly."""
        knots = (self.boxes, self.shifts, self.confidences)
        if places[-1] == len(places) - 1:
            return Path(self.found, ages, *(values[1:] for values in knots))
        frames, at = np.arange(1, places[-1] + 1), np.asarray(places)
        after = np.searchsorted(at, frames)
        before = after - 1
        share = (frames - at[before]) / (at[after] - at[before])
        return Path(
            self.found, ages, *(_between(k[before], k[after], share) for k in knots)
        )


def _between(one: FloatArray, other: FloatArray, share: FloatArray) -> FloatArray:
    """Give values `(F, ...)` at a share `(F,)` of the way from one to the other."""
    share = share.astype(np.float32).reshape(-1, *(1,) * (one.ndim - 1))
    return (1 - share) * one + share * other


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
