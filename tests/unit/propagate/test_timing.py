from propagate.timing import StageTimer, timed


def test_stages_are_counted_by_name():
    timer = StageTimer()
    for _ in range(3):
        with timer.stage("warp"):
            pass
    assert timer.calls == {"warp": 3}
    assert set(timer.milliseconds()) == {"warp"}


def test_a_failing_stage_is_still_counted():
    timer = StageTimer()
    try:
        with timer.stage("warp"):
            raise ValueError
    except ValueError:
        pass
    assert timer.calls["warp"] == 1


def test_timed_passes_everything_on_in_order():
    timer = StageTimer()
    assert list(timed([3, 1, 2], timer, "decode")) == [3, 1, 2]
    assert timer.calls["decode"] == 4  # three items and the end


def test_a_stage_inside_another_is_not_counted_twice(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 6.0])  # carry from 0 to 6, refine from 1 to 3
    monkeypatch.setattr("propagate.timing.time.perf_counter", lambda: next(now))
    timer = StageTimer()
    with timer.stage("carry"), timer.stage("refine"):
        pass
    assert timer.seconds == {"refine": 2.0, "carry": 4.0}
