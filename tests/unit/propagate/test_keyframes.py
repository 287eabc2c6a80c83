import pytest

from propagate.keyframes import FixedInterval
from vod.errors import ConfigError


def key_indices(interval, count):
    policy, last, keys = FixedInterval(interval), None, []
    for index in range(count):
        if policy.is_key(index, last):
            last = index
            keys.append(index)
    return keys


def test_first_frame_is_a_key_frame():
    assert FixedInterval(10).is_key(0, None)


@pytest.mark.parametrize(
    ("interval", "count", "expected"),
    [(1, 3, [0, 1, 2]), (3, 7, [0, 3, 6]), (10, 10, [0]), (10, 11, [0, 10])],
)
def test_every_nth_frame_is_a_key_frame(interval, count, expected):
    assert key_indices(interval, count) == expected


@pytest.mark.parametrize("interval", [0, -3])
def test_interval_below_one_is_refused(interval):
    with pytest.raises(ConfigError, match=f"1 or more, received {interval}"):
        FixedInterval(interval)
