import itertools
import threading
from collections.abc import Iterator

import pytest

from vod.background import BackgroundSink, prefetch
from vod.errors import ConfigError

JOIN_S = 20.0


def threads_named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_prefetch_keeps_the_items_and_their_order():
    assert list(prefetch(range(100), depth=3)) == list(range(100))


def test_prefetch_of_nothing_is_nothing():
    assert list(prefetch([], depth=1)) == []


def test_prefetch_reads_ahead_without_being_asked_again():
    read_two = threading.Event()

    def produce() -> Iterator[int]:
        yield 0
        yield 1
        read_two.set()
        yield 2

    items = prefetch(produce(), depth=2)
    assert next(items) == 0
    assert read_two.wait(JOIN_S)
    assert list(items) == [1, 2]


def test_an_error_of_the_producer_comes_after_the_items_before_it():
    def produce() -> Iterator[int]:
        yield 1
        raise ValueError("frame 1 is unreadable")

    items = prefetch(produce(), depth=4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="frame 1 is unreadable"):
        next(items)
    assert not threads_named("prefetch")


def test_closing_early_stops_a_producer_that_waits_for_room():
    items = prefetch(itertools.count(), depth=1)
    assert next(items) == 0
    items.close()
    assert not threads_named("prefetch")


def test_a_failing_user_stops_the_producer():
    def use() -> None:
        for item in prefetch(itertools.count(), depth=2):
            if item == 3:
                raise RuntimeError("the user fails")

    with pytest.raises(RuntimeError, match="the user fails"):
        use()
    assert not threads_named("prefetch")


def test_keep_latest_drops_what_a_slow_caller_missed():
    first_taken, nearly_all_read = threading.Event(), threading.Event()

    def produce() -> Iterator[int]:
        yield 0
        assert first_taken.wait(JOIN_S)
        yield from range(1, 50)
        nearly_all_read.set()
        yield 50

    items = prefetch(produce(), depth=1, keep_latest=True)
    assert next(items) == 0
    first_taken.set()
    assert nearly_all_read.wait(JOIN_S)
    rest = list(items)
    assert rest in ([49, 50], [50])


def test_a_depth_of_zero_is_refused_at_the_call():
    with pytest.raises(ConfigError, match="depth of 1 or more, received 0"):
        prefetch([1], depth=0)
    with pytest.raises(ConfigError, match="depth of 1 or more, received 0"):
        BackgroundSink(print, depth=0)


def test_the_sink_has_consumed_everything_in_order_at_the_end():
    seen: list[int] = []
    with BackgroundSink(seen.append, depth=2) as sink:
        for item in range(50):
            sink.put(item)
    assert seen == list(range(50))
    assert not threads_named("sink")


def test_an_error_of_the_consumer_reaches_the_user_who_keeps_putting():
    def consume(item: int) -> None:
        raise OSError(f"disk full at {item}")

    def put_for_ever() -> None:
        with BackgroundSink(consume, depth=1) as sink:
            for item in itertools.count():
                sink.put(item)

    with pytest.raises(OSError, match="disk full at 0"):
        put_for_ever()
    assert not threads_named("sink")


def test_an_error_on_the_last_item_is_raised_when_leaving():
    def consume(item: int) -> None:
        raise OSError(f"disk full at {item}")

    with (
        pytest.raises(OSError, match="disk full at 7"),
        BackgroundSink(consume, depth=1) as sink,
    ):
        sink.put(7)


def test_an_error_in_the_body_drops_what_waits_and_is_not_masked():
    seen: list[int] = []
    gate = threading.Event()

    def consume(item: int) -> None:
        assert gate.wait(JOIN_S)
        seen.append(item)

    def fail() -> None:
        with BackgroundSink(consume, depth=4) as sink:
            for item in range(4):
                sink.put(item)
            threading.Timer(0.1, gate.set).start()
            raise RuntimeError("inference fails")

    with pytest.raises(RuntimeError, match="inference fails"):
        fail()
    assert seen in ([], [0])
    assert not threads_named("sink")


def test_ctrl_c_in_the_body_still_consumes_what_waits():
    seen: list[int] = []

    def interrupt() -> None:
        with BackgroundSink(seen.append, depth=4) as sink:
            for item in range(4):
                sink.put(item)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert seen == [0, 1, 2, 3]


def test_put_outside_the_body_is_an_error():
    sink = BackgroundSink(print, depth=1)
    with pytest.raises(RuntimeError, match="with statement"):
        sink.put(1)
