"""Overlap of decoding, inference and encoding: a thread before and a thread behind.

An exception in either thread is raised in the user's thread, and neither side ever
waits for one that is gone.
"""

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from vod.errors import ConfigError
from vod.files import keeps_output

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How soon a waiting side notices that the other one is gone; costs nothing otherwise.
_POLL_S: Final = 0.05
# Longer than a network read may block (see NETWORK_TIMEOUT_S).
_JOIN_S: Final = 15.0


class _End:
    """The last thing in a queue, with what ended it; None is the ordinary end."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(
    iterable: Iterable[T], *, depth: int, keep_latest: bool = False
) -> Generator[T, None, None]:
    """Iterate in a thread, up to `depth` items ahead of the caller.

    The thread starts with the first item asked for, and has stopped when the generator
    is exhausted or closed; only then may what it reads be closed.

    Args:
        iterable: runs in the thread.
        depth: items that may wait; 1 or more.
        keep_latest: drop the oldest waiting item instead of making the producer wait,
            for live sources with a slow caller.

    Returns:
        A generator of the items, in order; an exception of `iterable` is raised after
        the items before it.

    Raises:
        ConfigError: if `depth` is below 1.
    """
    _check_depth(depth)
    return _prefetched(iterable, depth, keep_latest)


def _prefetched(
    iterable: Iterable[T], depth: int, keep_latest: bool
) -> Generator[T, None, None]:
    items: queue.Queue[T | _End] = queue.Queue(depth)
    stop = threading.Event()

    def produce() -> None:
        end = _End()
        try:
            for item in iterable:
                _put(items, item, stop, keep_latest=keep_latest)
                if stop.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 (raised in the user's thread)
            end = _End(error)
        finally:
            _put(items, end, stop)

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = items.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stop.set()
        thread.join(_JOIN_S)
        if thread.is_alive():
            logger.warning("the reading thread does not end; it is left behind.")


def _put(
    items: "queue.Queue[T | _End]",
    item: T | _End,
    stop: threading.Event,
    *,
    keep_latest: bool = False,
) -> None:
    """Put `item` when there is room, or give up when `stop` is set."""
    while not stop.is_set():
        try:
            items.put(item, timeout=0 if keep_latest else _POLL_S)
        except queue.Full:
            if keep_latest:
                _drop_one(items)
        else:
            return


def _drop_one(items: "queue.Queue[T | _End]") -> None:
    try:
        items.get_nowait()
    except queue.Empty:
        return  # the user has just taken it


class BackgroundSink(Generic[T]):
    """Run `consume` on each item in a thread; use as a context manager.

    Leaving the body waits for the items already put, after Ctrl+C too; after any other
    exception they are dropped. An exception of `consume` is raised by the next `put`,
    or when leaving the body.

    Args:
        consume: called in the thread, in the order of `put`.
        depth: items that may wait before `put` blocks; 1 or more.

    Raises:
        ConfigError: if `depth` is below 1.
    """

    def __init__(self, consume: Callable[[T], object], *, depth: int) -> None:
        _check_depth(depth)
        self._consume = consume
        self._items: queue.Queue[T | _End] = queue.Queue(depth)
        self._dropping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def put(self, item: T) -> None:
        """Hand over an item; waits while `depth` items wait.

        Raises:
            RuntimeError: outside the `with` body.
            BaseException: whatever `consume` raised on an earlier item.
        """
        self._put(item)
        if self._error is not None:
            raise self._error

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not keeps_output(error_type):
            self._dropping.set()
        if self._thread.is_alive():
            self._put(_End())
        self._thread.join()
        if error_type is None and self._error is not None:
            raise self._error

    def _put(self, item: T | _End) -> None:
        while self._error is None:
            if not self._thread.is_alive():
                raise RuntimeError("put() is for the body of the sink's with statement")
            try:
                self._items.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    def _run(self) -> None:
        try:
            while not isinstance(item := self._items.get(), _End):
                if not self._dropping.is_set():
                    self._consume(item)
        except BaseException as error:  # noqa: BLE001 (raised in the user's thread)
            self._error = error


def _check_depth(depth: int) -> None:
    if depth < 1:
        raise ConfigError(f"a queue needs a depth of 1 or more, received {depth}.")
