import math

from propagate.speed import rounds
from propagate.speed.rounds import measure, ratio


def test_variants_are_timed_in_turn_every_second_round_backwards(monkeypatch):
    order = []
    # Begin and end of a, b, then b, a, then a, b.
    wall = iter([0.0, 1.0, 1.0, 3.0, 3.0, 5.0, 5.0, 8.0, 8.0, 9.0, 9.0, 11.0])
    cpu = iter([0.0, 0.5] * 6)
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(rounds.time, "process_time", lambda: next(cpu))
    done = []

    def variant(name):
        return lambda: order.append(name) or 10

    rows = measure(
        {"a": variant("a"), "b": variant("b")},
        rounds=3,
        after_each=lambda: done.append(1),
    )
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert len(done) == 6
    assert rows["a"]["seconds"] == [1.0, 3.0, 1.0]
    assert rows["a"]["ms_per_frame"] == 100.0
    assert rows["a"]["ms_low"] == 100.0
    assert rows["a"]["ms_high"] == 300.0
    assert rows["b"]["ms_per_frame"] == 200.0
    assert rows["a"]["cpu_ms_per_frame"] == 50.0
    assert rows["a"]["fps"] == 10.0


def test_a_ratio_is_taken_within_each_round():
    fast = {"frames": 10, "seconds": [1.0, 4.0, 1.0], "cpu_seconds": [2.0, 2.0, 2.0]}
    slow = {"frames": 20, "seconds": [6.0, 16.0, 8.0], "cpu_seconds": [8.0, 8.0, 4.0]}
    # Frames a second: 10, 2.5, 10 against 3.33, 1.25, 2.5.
    found = ratio(fast, slow)
    assert found == {"median": 3.0, "low": 2.0, "high": 4.0, "cpu": 2.0}


def test_a_ratio_by_cpu_time_is_unknown_where_none_was_spent():
    row = {"frames": 1, "seconds": [1.0], "cpu_seconds": [0.0]}
    assert math.isnan(ratio(row, row)["cpu"])
