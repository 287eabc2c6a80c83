"""Which frames a decoder leaves out, known from the packets that it was given."""

import heapq


class LeftOut:
    """Notice frames that were announced by a packet and never came out.

    A decoder gives frames in the order of their times, so whatever was to be shown
    before the one that it gives now will not come any more.
    """

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def announce(self, pts: int) -> None:
        """Take in the presentation time of a packet, in the order of decoding."""
        heapq.heappush(self._waiting, pts)

    def before(self, pts: int | None) -> list[int]:
        """Give the times of what was left out before a decoded frame, ascending.

        Args:
            pts: of that frame, which counts as come; None is the end: all that waits.
        """
        gone = []
        while self._waiting and (pts is None or self._waiting[0] < pts):
            gone.append(heapq.heappop(self._waiting))
        if self._waiting and self._waiting[0] == pts:
            heapq.heappop(self._waiting)
        return gone
