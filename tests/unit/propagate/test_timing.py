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
