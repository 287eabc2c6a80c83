"""How boxes are carried: what `propagate.transport` and `box_motion` can be told."""

from dataclasses import dataclass

from vod.errors import ConfigError


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
