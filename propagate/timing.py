"""Where the time of a frame goes."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class StageTimer:
    """Adds up wall time by stage; not thread-safe, one timer a thread.

    Attributes:
        seconds: total by stage name.
        calls: number of times by stage name.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body under `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start
            self.calls[name] += 1

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
