"""Where the time of a frame goes."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class StageTimer:
    """Adds up wall time by stage; not thread-safe, one timer a thread.

    The time of a stage inside another is the inner one's alone.

    Attributes:
        seconds: total by stage name.
        calls: number of times by stage name.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inside: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body under `name`."""
        start = time.perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            whole = time.perf_counter() - start
            self.seconds[name] += whole - self._inside.pop()
            self.calls[name] += 1
            if self._inside:
                self._inside[-1] += whole

    def milliseconds(self) -> dict[str, float]:
        """Give the mean of each stage in ms a call, in the order of first use."""
        return {
            name: 1e3 * total / self.calls[name] for name, total in self.seconds.items()
        }


def timed(items: Iterable[T], timer: StageTimer, stage: str) -> Iterator[T]:
    """Yield `items`, adding the time that producing each one takes."""
    iterator = iter(items)
    while True:
        with timer.stage(stage):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
