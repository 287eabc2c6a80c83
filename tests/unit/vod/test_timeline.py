from fractions import Fraction

import pytest

from vod.timeline import Timeline


def timeline(*, start=0, time_base=Fraction(1, 1000), period_s=Fraction(1, 25)):
    return Timeline(time_base, start=start, period_s=period_s)


def test_time_is_pts_minus_start_times_the_time_base():
    line = timeline(start=500)
    assert [line.time_of(pts) for pts in (500, 533, 700)] == [0.0, 0.033, 0.2]
    assert line.repaired == 0


def test_fractional_rates_do_not_drift():
    line = timeline(time_base=Fraction(1001, 30000))
    times = [line.time_of(pts) for pts in range(30001)]
    assert times[-1] == 1001.0


def test_a_missing_time_follows_by_one_period():
    line = timeline()
    assert [line.time_of(pts) for pts in (0, None, 80)] == [0.0, 0.04, 0.08]
    assert line.repaired == 1


def test_a_clip_without_any_time_starts_at_zero():
    line = timeline(start=7)
    assert [line.time_of(None) for _ in range(3)] == [0.0, 0.04, 0.08]


def test_after_a_jump_back_the_intervals_go_on():
    line = timeline()
    # 100 repeats after 140: it becomes 140 + 40, and what follows keeps its distance.
    times = [line.time_of(pts) for pts in (100, 140, 100, 130, 200)]
    assert times == [0.1, 0.14, 0.18, 0.21, 0.28]
    assert line.repaired == 1


def test_a_gap_in_a_steady_clip_counts_its_missing_frames():
    line = timeline()
    for i in range(50):
        line.time_of(40 * (i if i < 25 else i + 3))
    assert line.missing_frames() == 3


def test_rounded_milliseconds_are_steady():
    line = timeline()
    for i in range(100):
        line.time_of(round(i * 1001 / 24))
    assert line.missing_frames() == 0


def test_gaps_mean_nothing_where_the_rate_varies():
    line = timeline()
    pts = 0
    for i in range(60):
        line.time_of(pts)
        pts += 40 if i % 3 else 120
    assert line.missing_frames() == 0


@pytest.mark.parametrize("count", [0, 1, 5])
def test_few_frames_say_nothing_about_gaps(count):
    line = timeline()
    for i in range(count):
        line.time_of(i**3 * 40)
    assert line.missing_frames() == 0
