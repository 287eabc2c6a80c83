"""Where one scene ends and the next begins: pure logic, no arrays.

Two measures must both say so. Motion, however fast, moves colours about but keeps them;
a flash or a change of exposure changes colours but keeps where things are. Only a cut
does both at once.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two pictures in a row.

    Attributes:
        colour: share of the picture whose colours the one before did not have, in
            [0, 1].
        layout: 1 - correlation of the two, shrunk to a few grey cells, in [0, 2].
    """

    colour: float
    layout: float


LEAST_COLOUR = 0.22
"""Real neighbours of nine videos reach .07 (.16 five frames apart), cuts begin at .38.

Between the two; measured as in `propagate.evidence.change_between`.
"""

LEAST_LAYOUT = 0.25
"""Likewise: real neighbours reach .11, cuts between the same videos begin at .44."""

TIMES_USUAL = 3.0
"""A video that flickers must change by more than so many times its own mean."""

MEMORY = 0.9
"""Weight that the running mean keeps at each frame: it looks back some ten frames."""


@dataclass(frozen=True, slots=True)
class Usual:
    """How much this scene has changed from frame to frame so far.

    Attributes:
        colour: running mean of `Change.colour`.
        layout: running mean of `Change.layout`.
    """

    colour: float = 0.0
    layout: float = 0.0

    def is_cut(self, change: Change) -> bool:
        """Say whether a new scene begins."""
        return change.colour > max(
            LEAST_COLOUR, TIMES_USUAL * self.colour
        ) and change.layout > max(LEAST_LAYOUT, TIMES_USUAL * self.layout)

    def with_change(self, change: Change) -> Self:
        """Give the means with one more frame of the same scene."""
        return replace(
            self,
            colour=MEMORY * self.colour + (1 - MEMORY) * change.colour,
            layout=MEMORY * self.layout + (1 - MEMORY) * change.layout,
        )
