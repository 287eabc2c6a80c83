import json

import numpy as np
import pytest

from tests.scenes import DOG, make_found, make_truth, random_scene, square
from vod.analysis.bootstrap import Interval
from vod.analysis.comparison import Difference, compare
from vod.analysis.ranking import rank
from vod.errors import ConfigError

BOX = square(10, 10, 100)
VIDEOS = {f"v{i}": 1 for i in range(8)}


def rankings(first, second):
    """Rank two files that find the dogs of some of eight videos."""
    truth = make_truth(VIDEOS, *((name, 0, DOG, BOX, 0) for name in VIDEOS))
    return [
        rank(truth, make_found(*((i + 1, DOG, 0.9, BOX) for i in found)))
        for found in (first, second)
    ]


def test_a_clear_gain_is_called_clear():
    result = compare(*rankings([0], range(8)))
    mean = result.mean_ap
    assert (mean.first, mean.second) == pytest.approx((1 / 8, 1))
    assert mean.gain.value == pytest.approx(7 / 8)
    assert mean.gain.low > 0
    assert mean.is_clear
    assert mean.share_better == pytest.approx(1, abs=0.01)
    assert result.verdict().startswith("B is better")
    assert compare(*rankings(range(8), [0])).verdict().startswith("A is better")


def test_one_video_more_is_no_proof():
    result = compare(*rankings([0, 1, 2], [0, 1, 2, 3]))
    assert result.mean_ap.gain.value == pytest.approx(1 / 8)
    assert not result.mean_ap.is_clear
    # B is better wherever video 3 is drawn: 1 - (7 / 8) ** 8 = 0.656.
    assert result.mean_ap.share_better == pytest.approx(0.656, abs=0.05)
    assert "cannot be told apart" in result.verdict()


def test_equal_files_are_equal_in_every_resample():
    mean = compare(*rankings([0, 1], [0, 1])).mean_ap
    assert (mean.gain.low, mean.gain.high) == (0, 0)
    assert (mean.share_better, mean.share_equal) == (0, 1)


def test_pairing_cancels_what_both_files_share():
    truth, found = random_scene(3)
    first = rank(truth, found)
    result = compare(first, rank(truth, found))
    assert result.mean_ap.gain.low == result.mean_ap.gain.high == 0


def test_the_table_has_a_line_a_class_with_objects_and_the_mean():
    lines = compare(*rankings([0], [0, 1])).table().splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["class", "dog", "mAP"]
    assert "0.1250" in lines[1]
    assert "+0.1250" in lines[1]


def test_json_is_plain_even_without_objects():
    truth = make_truth({"v": 1})
    nothing = rank(truth, make_found())
    result = compare(nothing, nothing)
    values = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert values["mAP"]["A"] is None
    assert values["mAP"]["clear"] is False
    assert "No interval" in result.table()


def test_two_ground_truths_are_refused():
    (first, _), (second, _) = rankings([0], [1]), rankings([0], [1])
    with pytest.raises(ConfigError, match="the same ground truth"):
        compare(first, second)
    assert np.isfinite(compare(first, first).mean_ap.first)


def test_an_interval_on_the_other_side_than_the_difference_proves_nothing():
    gain = Interval(value=-0.1, low=0.1, high=0.2, bias=0.25)
    assert not Difference(0.5, 0.4, gain, 1.0, 0.0).is_clear
