"""What is remembered from frame to frame to tell key frames and cuts.

One value goes in and another comes out; causal and offline detection share it.
"""

from dataclasses import dataclass, replace
from typing import Self

from propagate.cuts import Usual
from propagate.evidence import Sight, change_between, evidence_of, look, surprise
from propagate.keyframes import KeyframePolicy, Pace
from propagate.tracked import Tracked
from vod.types import ByteArray


@dataclass(frozen=True, eq=False, slots=True)
class Watch:
    """A frame as seen by what decides on key frames.

    Attributes:
        sight: the frame, small.
        size: height and width of the decoded frame.
        pace: of the policy.
        usual: how much this scene has changed so far.
        is_cut: a new scene begins here.
    """

    sight: Sight
    size: tuple[int, int]
    pace: Pace
    usual: Usual
    is_cut: bool = False

    @classmethod
    def first(
        cls, policy: KeyframePolicy, picture: ByteArray, size: tuple[int, int]
    ) -> Self:
        """Look at the first frame of a video; see `look` for its picture."""
        return cls(look(picture), size, policy.start(), Usual())

    def next(
        self, policy: KeyframePolicy, picture: ByteArray, size: tuple[int, int]
    ) -> Self:
        """Look at the next frame."""
        sight = look(picture)
        change = change_between(sight, self.sight)
        # Boxes in pixels of one size mean nothing in a frame of another.
        is_cut = size != self.size or self.usual.is_cut(change)
        return type(self)(
            sight,
            size,
            policy.next_frame(self.pace),
            Usual() if is_cut else self.usual.with_change(change),
            is_cut=is_cut,
        )

    def unseen(self, policy: KeyframePolicy) -> Self:
        """Go on by a frame that has no picture."""
        return replace(self, pace=policy.next_frame(self.pace), is_cut=False)

    def is_key(self, policy: KeyframePolicy) -> bool:
        """Say whether this must be a key frame, as far as is known."""
        return self.is_cut or policy.is_key(self.pace)

    def doubted(
        self,
        policy: KeyframePolicy,
        earlier: Self,
        *,
        before: Tracked,
        after: Tracked | None,
    ) -> Self:
        """Take in how well the last frame explains this one; see `evidence_of`."""
        if not policy.wants_evidence:
            return self
        evidence = evidence_of(self.sight, earlier.sight, before=before, after=after)
        return replace(self, pace=policy.doubt(self.pace, evidence))

    def after_key(
        self,
        policy: KeyframePolicy,
        *,
        carried: Tracked | None = None,
        found: Tracked | None = None,
    ) -> Self:
        """Take in that the detector has run on this frame.

        Args:
            policy: that decides.
            carried: what the frames before had led to expect, where that is known.
            found: what the detector has found.
        """
        surprised = None
        if policy.wants_evidence and carried is not None and found is not None:
            surprised = surprise(carried, found)
        return replace(self, pace=policy.after_key(self.pace, surprised))
