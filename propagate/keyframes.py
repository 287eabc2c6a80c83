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

import math
from dataclasses import dataclass, replace
from typing import Final, Protocol

from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why what was carried to a frame may be wrong there; each since the last frame.

    Attributes:
        change: mean absolute difference of the two small pictures over their contrast.
        motion: mean distance that the boxes moved, in their own sides, weighted by
            score. None without flow or boxes.
        disagreement: by how much their confidence fell, in [0, 1]. None likewise.
    """

    change: float
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
        rate: factor on all doubt, from what the last key frame brought to light.
        begun: there was a key frame.
    """

    age: int = 0
    lead: float = 0.0
    doubt: float = 0.0
    rate: float = 1.0
    begun: bool = False


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
        first: from a video's first key frame to its second, 1 to the interval; None is
            the interval. Others shift all key frames, to measure what that is worth.
    """

    interval: int
    first: int | None = None

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ConfigError(
                f"keyframe_interval must be 1 or more, received {self.interval}. "
                "1 runs the detector on every frame."
            )
        if self.first is not None and not 1 <= self.first <= self.interval:
            raise ConfigError(
                f"the first interval must be 1 to {self.interval}, received "
                f"{self.first}."
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
        first = self.interval if self.first is None or pace.begun else self.first
        return replace(pace, age=self.interval - first, begun=True)


USUAL_CHANGE: Final = 0.18
USUAL_MOTION: Final = 0.04
USUAL_DISAGREEMENT: Final = 0.06
"""Evidence of a frame that counts as one: 22 real videos then keep a budget of 10."""

MOST: Final = 6.0
"""Times the usual beyond which evidence says no more: one bad box is no new scene."""

STANDING: Final = 0.4
"""Doubt of a frame on which nothing moved, as a share of the usual: things come."""

EXPONENT: Final = 0.5
"""Power of the doubt that is summed.

Where errors grow evenly at a rate r, the mean error of an interval of L frames is
r L / 2. Of all ways to spend the same number of key frames, L proportional to
1 / sqrt(r) then has the least sum of errors.
"""

USUAL_SURPRISE: Final = 0.3
"""Typical disagreement of the detector with what was carried ten frames."""

CALM: Final = 0.1
"""Added to it, so that one key frame without surprise does not stop all doubt."""

PULL: Final = 0.1
"""By how much a key frame ahead of the budget, or behind it, moves the next one.

The doubt that a key frame needs grows by this power of e. A scene that is twice as hard
as usual throughout ends 7 key frames ahead, the hardest and the calmest that can be end
13 ahead and behind; from then on each keeps the budget. On the 22 videos, 0 to .1 are
equally good, .2 is worse.
"""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A key frame where what is carried became doubtful; on average one in `budget`.

    Doubt is counted in frames of usual doubt, usual for all videos: a hard scene gets
    more key frames than an easy one. What it has had too many, or too few, is made up
    for over some hundred frames (`PULL`), so that a short clip may leave the budget.

    Attributes:
        budget: mean interval, at least 1.
        least: interval, as a share of the budget.
        greatest: interval, as a share of the budget.
        first: frames of usual doubt from a video's first key frame to its second; None
            is the budget.
    """

    budget: float
    least: float = 0.3
    greatest: float = 4.0
    first: float | None = None

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ConfigError(
                f"budget must be 1 or more frames a key frame, received {self.budget}. "
                "1 runs the detector on every frame."
            )
        if not 0 < self.least <= 1 <= self.greatest:
            raise ConfigError(
                "adaptive key frames need 0 < least <= 1 <= greatest, received least "
                f"{self.least}, greatest {self.greatest}."
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
        here = (relative_doubt(evidence) + STANDING) / (1 + STANDING)
        return replace(pace, doubt=pace.doubt + pace.rate * here**EXPONENT)

    def is_key(self, pace: Pace) -> bool:
        """See `KeyframePolicy`."""
        if pace.age < self.least * self.budget:
            return False
        if pace.age >= self.greatest * self.budget:
            return True
        return pace.doubt >= self.budget * math.exp(PULL * pace.lead) - TINY

    def after_key(self, pace: Pace, surprise: float | None = None) -> Pace:
        """See `KeyframePolicy`."""
        first = self.budget if self.first is None or pace.begun else self.first
        # Cuts may force more key frames than the budget has: past that, no debt grows.
        lead = min(pace.lead + first / self.budget, MOST_AHEAD)
        rate = 1.0
        if surprise is not None:
            rate = ((surprise + CALM) / (USUAL_SURPRISE + CALM)) ** EXPONENT
        return Pace(lead=lead, doubt=self.budget - first, rate=rate, begun=True)


MOST_AHEAD: Final = 20.0
"""Key frames ahead of the budget that are made up for; many cuts may have made more."""

TINY: Final = 1e-6
"""Far below one frame, far above what rounding adds up to."""


def relative_doubt(evidence: Evidence) -> float:
    """Give the mean of what the boxes say, as a multiple of the usual.

    Without boxes, or flow, what the pictures say. (How much of the picture the flow
    leaves unexplained was tried as well: it tells textures, not lost boxes.)
    """
    if evidence.motion is None or evidence.disagreement is None:
        return min(evidence.change / USUAL_CHANGE, MOST)
    motion = min(evidence.motion / USUAL_MOTION, MOST)
    return (motion + min(evidence.disagreement / USUAL_DISAGREEMENT, MOST)) / 2
