"""Recovery, scores and the table, worked by hand."""

import math

import pytest

from propagate.ways import Found, Way
from propagate.worth import (
    UNKNOWN,
    Worth,
    format_table,
    mean_worth,
    recovery,
    report_rows,
    worth_of,
)
from tests.builders import make_detections
from tests.scenes import DOG, make_truth, square

COST = {"ms_per_frame": 2.0, "cpu_ms_per_frame": 3.0}


@pytest.mark.parametrize(
    ("propagated", "expected"), [(0.8, 1.0), (0.5, 0.0), (0.65, 0.5), (0.35, -0.5)]
)
def test_recovery_is_the_share_of_the_loss_won_back(propagated, expected):
    assert recovery(propagated, hold=0.5, every_frame=0.8) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hold", "every"), [(0.5, 0.5), (0.6, 0.5), (math.nan, 0.5), (0.5, math.nan)]
)
def test_recovery_is_undefined_where_holding_loses_nothing_known(hold, every):
    assert recovery(0.5, hold=hold, every_frame=every) is None


def test_a_way_is_scored_by_class_by_snippet_and_over_time():
    # One dog in 4 frames of "a", found in frames 0 and 2; one in "b", found.
    objects = [("a", i, DOG, square(100, 100, 50), 0) for i in range(4)]
    truth = make_truth({"a": 4, "b": 1}, *objects, ("b", 0, DOG, square(0, 0, 50), 0))
    there = ((100, 100, 150, 150), 0.9, DOG)
    found = {index: make_detections() for index in (2, 4)}
    found |= {index: make_detections(there) for index in (1, 3)}
    found[5] = make_detections(((0, 0, 50, 50), 0.9, DOG))
    worth = worth_of(truth, Found(found, key_frames=2))
    assert worth.mean_ap == pytest.approx(3 / 5)
    assert worth.classes == {"dog": pytest.approx(3 / 5)}
    assert worth.snippets == {"a": pytest.approx(1 / 2), "b": pytest.approx(1)}
    # Lost, found again and lost, in 3 / 30 seconds.
    assert worth.flicker == pytest.approx(30)
    assert worth.detected == pytest.approx(3 / 5)
    assert worth.key_frame_share == pytest.approx(2 / 5)


def test_a_way_that_finds_nothing_is_worth_nothing():
    truth = make_truth({"a": 1}, ("a", 0, DOG, square(0, 0, 50), 0))
    worth = worth_of(truth, Found({1: make_detections()}, key_frames=1))
    assert (worth.mean_ap, worth.flicker, worth.detected) == (0, None, 0)


def worth(mean_ap, dog):
    return Worth(mean_ap, {"dog": dog}, {"a": mean_ap}, 1.0, 0.9, 0.1)


def test_rows_hold_recovery_overall_by_class_and_by_snippet():
    ways = {
        Way("per-frame", None, 1): worth(0.8, 0.6),
        Way("hold", None, 10): worth(0.4, 0.6),
        Way("causal", "lightflow", 10): worth(0.7, 0.5),
        Way("causal", "lightflow", 20): worth(0.2, 0.1),
    }
    every, hold, causal, far = report_rows(list(ways), list(ways.values()), [COST] * 4)
    assert causal["recovery"] == pytest.approx(0.75)
    assert causal["share_of_per_frame"] == pytest.approx(0.875)
    assert causal["snippets"]["a"] == {"map": 0.7, "recovery": pytest.approx(0.75)}
    # Holding loses nothing on dogs.
    assert causal["classes"]["dog"] == {"ap": 0.5, "recovery": None}
    # At interval 20, holding was not asked for.
    assert [row["recovery"] for row in (every, hold, far)] == [None] * 3
    assert causal["ms_per_frame"] == 2.0
    lines = format_table([every, hold, causal, far]).splitlines()
    assert lines[3].split() == [
        *("causal", "lightflow", "fixed", "10", "10.0", "0.7000"),
        *("0.750", "0.875", "1.000", "2.00", "3.00"),
    ]


def test_the_worth_of_shifted_key_frames_is_their_mean_with_its_error():
    one = Worth(0.6, {"dog": 0.4}, {"a": 0.6}, None, 0.9, 0.1)
    other = Worth(0.8, {"dog": 0.6}, {"a": 0.8}, 2.0, 0.7, 0.2)
    mean = mean_worth([one, other])
    assert mean.mean_ap == pytest.approx(0.7)
    assert mean.classes == {"dog": pytest.approx(0.5)}
    assert mean.snippets == {"a": pytest.approx(0.7)}
    assert (mean.flicker, mean.detected) == (2.0, pytest.approx(0.8))
    assert mean.key_frame_share == pytest.approx(0.15)
    assert mean.of_phases == (0.6, 0.8)
    assert mean.error == pytest.approx(0.1)  # half of the difference of two
    (row,) = report_rows([Way("causal", "dis-fast", 10)], [mean], [COST])
    assert row["map_of_phases"] == [0.6, 0.8]
    assert "0.7000 0.100" in format_table([row])


def test_a_single_phase_has_no_error():
    assert mean_worth([worth(0.6, 0.4)]).error is None


def test_nothing_is_known_of_a_way_that_was_not_asked_for():
    assert recovery(0.5, hold=UNKNOWN.mean_ap, every_frame=0.8) is None
