"""The times of a clip's frames, taken from its presentation time stamps (PTS)."""

import math
from collections import Counter
from fractions import Fraction

_MOST_INTERVALS = 1000  # distinct intervals remembered; keeps memory constant
_STEADY_SHARE = 0.95  # of equal intervals, from which a rate counts as constant
_ENOUGH_INTERVALS = 20


class Timeline:
    """Turn PTS into seconds, strictly increasing, and notice what is missing.

    A variable frame rate is kept as it is: time = (pts - start) x time base. Only a
    PTS that is absent or goes back is replaced, by the previous one plus a period.

    Args:
        time_base: seconds a PTS tick.
        start: PTS of time 0.
        period_s: usual time between frames, for the frames without a PTS.
    """

    def __init__(self, time_base: Fraction, *, start: int, period_s: Fraction) -> None:
        self._time_base = time_base
        self._start = start
        self._period = max(1, round(period_s / time_base))
        self._offset = 0
        self._last: int | None = None
        self._intervals: Counter[int] = Counter()
        self.repaired = 0

    def time_of(self, pts: int | None) -> float:
        """Give the time in seconds of the next frame in presentation order."""
        ticks = self._start + self._period if pts is None else pts + self._offset
        if self._last is None:
            ticks = self._start if pts is None else pts
        elif pts is None or ticks <= self._last:
            repaired = self._last + self._period
            self._offset += 0 if pts is None else repaired - ticks
            self.repaired += 1
            ticks = repaired
        if self._last is not None:
            interval = ticks - self._last
            if interval in self._intervals or len(self._intervals) < _MOST_INTERVALS:
                self._intervals[interval] += 1
        self._last = ticks
        return float((ticks - self._start) * self._time_base)

    def missing_frames(self) -> int:
        """Estimate the frames lost in gaps; 0 where the rate varies anyway.

        A gap says something only in a clip whose other intervals are equal, up to the
        rounding of its PTS.
        """
        total = self._intervals.total()
        if total < _ENOUGH_INTERVALS:
            return 0
        usual = self._intervals.most_common(1)[0][0]
        slack = max(1, math.floor(0.05 * usual))
        steady = sum(
            count
            for interval, count in self._intervals.items()
            if abs(interval - usual) <= slack
        )
        if steady < _STEADY_SHARE * total:
            return 0
        return sum(
            (round(interval / usual) - 1) * count
            for interval, count in self._intervals.items()
            if interval > 1.5 * usual and interval - usual > slack
        )
