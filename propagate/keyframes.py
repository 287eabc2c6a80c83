"""When to run the whole detector: pure logic, no arrays.

A policy remembers nothing. What it must know of the frames before is a `Pace`, which
goes in and comes out, so that two videos can never disturb each other:

    pace = policy.after_key(policy.start())      the first frame is a key frame
    pace = policy.next_frame(pace)               for every further frame
    policy.is_key(pace)                          due, whatever the frame shows?
    pace = policy.doubt(pace, evidence)          else: flow, boxes carried, evidence
    policy.is_key(pace)                          too doubtful to show them?
    pace = policy.after_key(pace, surprise)      where the detector did run

Scene cuts are no policy: nothing is carried across one, so a key frame follows always
(`propagate.cuts`).
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why what was carried to a frame may be wrong there; each since the last frame.

    Attributes:
        change: mean absolute difference of the two small pictures over their contrast.
        residual: the same after the earlier was warped along the flow: what moved is
            explained, what appeared is not. None without flow.
        motion: mean distance that the boxes moved, in their own sides, weighted by
            score. None without flow or boxes.
        disagreement: by how much their confidence fell, in [0, 1]. None likewise.
    """

    change: float
    residual: float | None = None
    motion: float | None = None
    disagreement: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What a policy knows of the frames so far.

    Attributes:
        age: frames since the last key frame.
        lead: key frames so far, less those that the budget allows for the frames since
            the first: 1 after the first frame.
        doubt: sum since the last key frame, in frames of usual doubt.
        seen: frames of evidence so far, the older the less.
        total: their doubt, likewise.
        rate: factor on all doubt, from what the last key frame brought to light.
    """

    age: int = 0
    lead: float = 0.0
    doubt: float = 0.0
    seen: float = 0.0
    total: float = 0.0
    rate: float = 1.0


class KeyframePolicy(Protocol):
    """Decides which frames are key frames; see the module for the order of calls."""

    @property
    def wants_evidence(self) -> bool:
        """Say whether `doubt` listens, so that nobody gathers evidence for nothing."""
        ...

    def start(self) -> Pace:
        """Give the state before anything was detected."""
        ...

    def next_frame(self, pace: Pace) -> Pace:
        """Go one frame on."""
        ...

    def doubt(self, pace: Pace, evidence: Evidence) -> Pace:
        """Take in what the current frame shows."""
        ...

    def is_key(self, pace: Pace) -> bool:
        """Say whether the current frame must be a key frame."""
        ...

    def after_key(self, pace: Pace, surprise: float | None = None) -> Pace:
        """Take in that the detector has run on the current frame.

        Args:
            pace: of the current frame.
            surprise: how little it agreed with what was carried there, in [0, 1]; None
                where nothing was.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedInterval:
    """Every `interval`-th frame, counted from the last key frame (paper: 10).

    Attributes:
        interval: at least 1; 1 makes every frame a key frame.
    """

    interval: int

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ConfigError(
                f"keyframe_interval must be 1 or more, received {self.interval}. "
                "1 runs the detector on every frame."
            )

    @property
    def wants_evidence(self) -> bool:
        """See `KeyframePolicy`."""
        return False

    def start(self) -> Pace:
        """See `KeyframePolicy`."""
        return Pace()

    def next_frame(self, pace: Pace) -> Pace:
        """See `KeyframePolicy`."""
        return replace(pace, age=pace.age + 1)

    def doubt(self, pace: Pace, evidence: Evidence) -> Pace:  # noqa: ARG002 (protocol)
        """See `KeyframePolicy`; evidence changes nothing."""
        return pace

    def is_key(self, pace: Pace) -> bool:
        """See `KeyframePolicy`."""
        return pace.age >= self.interval

    def after_key(
        self,
        pace: Pace,
        surprise: float | None = None,  # noqa: ARG002 (protocol)
    ) -> Pace:
        """See `KeyframePolicy`."""
        return replace(pace, age=0)


USUAL: Final = Evidence(change=0.18, residual=0.08, motion=0.06, disagreement=0.09)
"""Typical evidence of one frame: means over three real videos, rounded."""

MOST: Final = 4.0
"""Times the usual beyond which evidence says no more: one bad box is no new scene."""

EXPONENT: Final = 0.35
"""Power of the doubt that is summed.

Where errors grow evenly at a rate r, the mean error of an interval of L frames is
r L / 2. Of all ways to spend the same number of key frames, L proportional to
1 / sqrt(r) then has the least sum of errors: an exponent of .5. But errors end at 1,
which lowers it; of .35, .5 and .7 this was best on videos kept aside.
"""

USUAL_SURPRISE: Final = 0.3
"""Typical disagreement of the detector with what was carried ten frames (likewise)."""

CALM: Final = 0.1
"""Added to it, so that one key frame without surprise does not stop all doubt."""

PRIOR_FRAMES: Final = 30
"""Frames of usual doubt that a video starts with."""

MEMORY: Final = 0.997
"""Weight that the usual doubt keeps at each frame: it looks back some 330 frames."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A key frame where what is carried became doubtful; on average one in `budget`.

    Doubt is counted in frames of usual doubt, so that a video which is equally hard
    throughout gets the fixed interval. The count of key frames never leaves the
    budget's by more than `credit`, scene cuts aside: who has saved must spend, who has
    spent must wait.

    Attributes:
        budget: mean interval, at least 1.
        credit: key frames that may be ahead of the budget, or behind it.
        least: interval, as a share of the budget.
        greatest: interval, as a share of the budget.
    """

    budget: float
    credit: float = 1.0
    least: float = 0.3
    greatest: float = 2.5

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ConfigError(
                f"budget must be 1 or more frames a key frame, received {self.budget}. "
                "1 runs the detector on every frame."
            )
        if not 0 < self.least <= 1 <= self.greatest or self.credit <= 0:
            raise ConfigError(
                "adaptive key frames need 0 < least <= 1 <= greatest and credit > 0, "
                f"received least {self.least}, greatest {self.greatest}, credit "
                f"{self.credit}."
            )

    @property
    def wants_evidence(self) -> bool:
        """See `KeyframePolicy`."""
        return True

    def start(self) -> Pace:
        """See `KeyframePolicy`."""
        return Pace()

    def next_frame(self, pace: Pace) -> Pace:
        """See `KeyframePolicy`."""
        return replace(pace, age=pace.age + 1, lead=pace.lead - 1 / self.budget)

    def doubt(self, pace: Pace, evidence: Evidence) -> Pace:
        """See `KeyframePolicy`."""
        here = pace.rate * relative_doubt(evidence) ** EXPONENT
        usual = (PRIOR_FRAMES + pace.total) / (PRIOR_FRAMES + pace.seen)
        return replace(
            pace,
            doubt=pace.doubt + here / usual,
            seen=MEMORY * pace.seen + 1,
            total=MEMORY * pace.total + here,
        )

    def is_key(self, pace: Pace) -> bool:
        """See `KeyframePolicy`."""
        if pace.age < self.least * self.budget:
            return False
        if pace.age >= self.greatest * self.budget or pace.lead <= -self.credit + TINY:
            return True
        return pace.doubt >= self.budget - TINY and pace.lead <= self.credit + TINY

    def after_key(self, pace: Pace, surprise: float | None = None) -> Pace:
        """See `KeyframePolicy`."""
        # Cuts may force more key frames than the budget has: past that, no debt grows.
        lead = min(pace.lead + 1, 2 * self.credit + 1)
        rate = 1.0
        if surprise is not None:
            rate = ((surprise + CALM) / (USUAL_SURPRISE + CALM)) ** EXPONENT
        return replace(pace, age=0, doubt=0.0, lead=lead, rate=rate)


TINY: Final = 1e-6
"""Far below one frame, far above what rounding adds up to."""


def relative_doubt(evidence: Evidence) -> float:
    """Give the mean of the evidence there is, each as a multiple of the usual."""
    if evidence.residual is None:
        return min(evidence.change / USUAL.change, MOST)
    pairs = [
        (evidence.residual, USUAL.residual),
        (evidence.motion, USUAL.motion),
        (evidence.disagreement, USUAL.disagreement),
    ]
    shares = [
        min(found / usual, MOST)
        for found, usual in pairs
        if found is not None and usual is not None
    ]
    return sum(shares) / len(shares)
