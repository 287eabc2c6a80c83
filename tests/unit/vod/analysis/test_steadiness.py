import dataclasses
import json
import math

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, square
from vod.analysis.ranking import rank
from vod.analysis.steadiness import measure_steadiness
from vod.errors import ConfigError

BOX = square(10, 10, 100)
ANY = np.zeros(2)


def measure(found_in, *, present=None, frames=10, **options):
    """Measure one dog, detected in some frames of those that it is in, at 10 fps."""
    present = range(frames) if present is None else present
    truth = make_truth({"v": frames}, *(("v", i, DOG, BOX, 0) for i in present))
    found = make_found(*((i + 1, DOG, 0.9, BOX) for i in found_in))
    return measure_steadiness(rank(truth, found), ANY, frame_rate=10, **options)


def test_births_and_deaths_are_counted_a_second():
    # - - 1 1 - 1 - - 1 1: born again at 5 and 8, dead at 4 and 6, in 9 steps of 0.1 s.
    every = measure([2, 3, 5, 8, 9]).every
    assert (every.births, every.deaths) == (2, 2)
    assert every.seconds == pytest.approx(0.9)
    assert every.flicker == pytest.approx(4 / 0.9)
    assert every.detected == pytest.approx(5 / 10)


def test_the_first_detection_is_a_delay_and_no_birth():
    every = measure(range(4, 10)).every
    assert (every.births, every.deaths, every.flicker) == (0, 0, 0)
    assert every.mean_delay == every.median_delay == pytest.approx(0.4)


def test_a_gap_in_the_track_is_neither_death_nor_time():
    every = measure([0, 1, 8], present=[0, 1, 7, 8]).every
    # 0-1 steady, 1-7 no pair, 7-8 born again.
    assert (every.births, every.deaths) == (1, 0)
    assert every.seconds == pytest.approx(0.2)


def test_frames_that_are_listed_sparsely_follow_each_other():
    truth = make_truth({"v": 3}, *(("v", i, DOG, BOX, 0) for i in range(3)))
    truth = dataclasses.replace(truth, frame_numbers=truth.frame_numbers * 15)
    found = make_found((1, DOG, 0.9, BOX), (3, DOG, 0.9, BOX))
    every = measure_steadiness(rank(truth, found), ANY, frame_rate=10).every
    assert (every.births, every.deaths) == (1, 1)
    assert every.seconds == pytest.approx(3.0)


def test_a_track_that_is_never_found_is_infinitely_late_but_steady():
    every = measure([]).every
    assert (every.never_found, every.flicker, every.median_delay) == (1, 0, math.inf)
    assert math.isnan(every.mean_delay)
    values = every.to_json()
    assert values["mean_delay_s"] is None
    assert values["median_delay_s"] is None


def test_a_single_frame_has_no_rate():
    every = measure([0], frames=1).every
    assert math.isnan(every.flicker)
    assert every.to_json()["flicker_per_second"] is None
    assert every.mean_delay == 0


def test_only_detections_with_the_working_score_count():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, CAT, BOX, 1))
    found = make_found((1, DOG, 0.5, BOX), (2, CAT, 0.5, BOX))
    report = measure_steadiness(rank(truth, found), np.array([0.5, 0.6]))
    assert report.by_class["dog"].detected == 1
    assert report.by_class["cat"].detected == 0
    assert report.every.detected == 1 / 2


def test_tracks_of_two_videos_with_one_id_are_two():
    truth = make_truth({"a": 1, "b": 1}, ("a", 0, DOG, BOX, 0), ("b", 0, DOG, BOX, 0))
    every = measure_steadiness(rank(truth, make_found((1, DOG, 1, BOX))), ANY).every
    assert (every.tracks, every.never_found, every.median_delay) == (2, 1, 0)


def test_an_id_used_twice_in_a_frame_is_one_track_found_if_either_is():
    other = square(500, 500, 100)
    truth = make_truth(
        {"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 0, DOG, other, 0), ("v", 1, DOG, BOX, 0)
    )
    found = make_found((1, DOG, 0.9, other), (2, DOG, 0.9, BOX))
    every = measure_steadiness(rank(truth, found), ANY).every
    assert (every.tracks, every.frames, every.detected) == (1, 2, 1)


def test_objects_without_track_are_left_out_and_counted():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, -1))
    report = measure_steadiness(rank(truth, make_found()), ANY)
    assert (report.without_track, report.every.tracks) == (1, 0)
    values = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert values["detected"] is None
    assert values["by_class"] == {}


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_a_frame_rate_that_is_none_is_refused(rate):
    ranking = rank(make_truth({"v": 1}), make_found())
    with pytest.raises(ConfigError, match="frame_rate must be positive"):
        measure_steadiness(ranking, ANY, frame_rate=rate)


def test_scores_for_other_classes_are_refused():
    ranking = rank(make_truth({"v": 1}), make_found())
    with pytest.raises(ConfigError, match="one working score a class is needed, 2"):
        measure_steadiness(ranking, np.zeros(3))
