import pytest

from propagate.speed.soak import _summary


def test_growth_is_the_slope_after_the_warm_up():
    # 10 frames a second at first, 5 from frame 50; 100 MiB, then 1 MiB each 10 frames.
    samples = [(0, 0.0, 50.0)]
    samples += [
        (n, n / 10 if n <= 50 else 5 + (n - 50) / 5, 99.0 + n / 10)
        for n in range(10, 101, 10)
    ]
    found = _summary(samples)
    assert found["warm_up_frames"] == 10
    assert found["growth_mib"] == pytest.approx(9.0)
    assert found["fps_first_tenth"] == pytest.approx(10)
    assert found["fps_last_tenth"] == pytest.approx(5)
    assert [row["frame"] for row in found["samples"]] == list(range(10, 101, 10))
