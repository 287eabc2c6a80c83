import json

import numpy as np
import pytest

from tests.scenes import DOG, make_found, make_truth, square
from vod.analysis.ages import ages_of_frames, by_age
from vod.analysis.ranking import rank
from vod.errors import ConfigError

BOX = square(10, 10, 100)
ELSEWHERE = square(500, 500, 100)


def dogs(frames):
    return make_truth({"v": frames}, *(("v", i, DOG, BOX, 0) for i in range(frames)))


def test_every_age_is_scored_by_its_own_frames():
    found = make_found(
        (1, DOG, 0.9, BOX),
        (2, DOG, 0.8, ELSEWHERE),
        (2, DOG, 0.7, BOX),
        (3, DOG, 0.6, BOX),
        (4, DOG, 0.5, ELSEWHERE),
        ages=[0, 1, 1, 0, 1],
    )
    scores = by_age(rank(dogs(4), found))
    # Age 0: both found. Age 1: miss, hit, miss: precision 1 / 2 for 1 object of 2.
    assert scores.mean_ap.tolist() == pytest.approx([1, 1 / 4])
    assert scores.num_frames == scores.num_objects == (2, 2)
    assert scores.unknown_frames == 0


def test_a_frame_without_detections_takes_its_age_from_the_next_then_the_last():
    # Keys at 0 and 4; nothing was found in frames 1, 4 and 6.
    rows = [(frame + 1, DOG, 0.9, BOX) for frame in (0, 2, 3, 5)]
    found = make_found(*rows, ages=[0, 2, 3, 1])
    assert ages_of_frames(dogs(7), found).tolist() == [0, 1, 2, 3, 0, 1, 2]


def test_an_age_beyond_all_others_stays_unknown():
    found = make_found((1, DOG, 0.9, BOX), (2, DOG, 0.9, BOX), ages=[0, 1])
    assert ages_of_frames(dogs(4), found).tolist() == [0, 1, -1, -1]
    assert by_age(rank(dogs(4), found)).unknown_frames == 2


def test_an_age_does_not_cross_from_one_video_to_the_next():
    truth = make_truth({"a": 2, "b": 2})
    found = make_found((2, DOG, 0.9, BOX), ages=[1])
    assert ages_of_frames(truth, found).tolist() == [0, 1, -1, -1]


def test_unlisted_frames_have_no_age():
    found = make_found((9, DOG, 0.9, BOX), (1, DOG, 0.8, BOX), ages=[0, 3])
    assert ages_of_frames(dogs(1), found).tolist() == [3]


def test_a_file_without_ages_needs_the_interval():
    ranking = rank(dogs(5), make_found((2, DOG, 0.9, BOX), (3, DOG, 0.8, BOX)))
    unknown = by_age(ranking)
    assert (unknown.num_frames, unknown.unknown_frames) == ((), 5)
    assert json.dumps(unknown.to_json()) == '{"ages": [], "unknown_frames": 5}'
    scores = by_age(ranking, key_interval=2)
    assert scores.num_frames == (3, 2)
    assert scores.mean_ap.tolist() == pytest.approx([1 / 3, 1 / 2])


def test_json_leaves_out_ages_that_no_frame_has():
    found = make_found((1, DOG, 0.9, BOX), ages=[2])
    values = by_age(rank(dogs(1), found)).to_json()
    assert [entry["age"] for entry in values["ages"]] == [2]
    assert values["ages"][0]["AP"] == {"dog": 1.0, "cat": None}


def test_no_frames_have_no_ages():
    assert ages_of_frames(make_truth({}), make_found()).dtype == np.int32


def test_an_interval_below_one_is_refused():
    with pytest.raises(ConfigError, match="at least 1, received 0"):
        by_age(rank(dogs(1), make_found()), key_interval=0)
