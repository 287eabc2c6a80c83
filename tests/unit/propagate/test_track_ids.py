import sys

import numpy as np
import pytest

from propagate.track_ids import NO_TRACK, TrackIds
from tests.builders import make_detections
from vod.errors import DependencyError
from vod.types import Detections

RATE = 25.0


@pytest.fixture
def track_ids():
    pytest.importorskip("trackers", reason="the extra vod[track] is not installed")
    return TrackIds(RATE)


def moving(index, *, score=0.9, label=0, left=10):
    start = left + 4 * index
    return (start, 10, start + 50, 60), score, label


def numbers_of(track_ids, frames):
    return [
        track_ids.assign(make_detections(*rows), index / RATE).tolist()
        for index, rows in enumerate(frames)
    ]


@pytest.mark.parametrize("missing", ["trackers", "supervision"])
def test_a_missing_package_is_one_sentence(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DependencyError, match=r"pip install 'vod\[track\]'"):
        TrackIds(RATE)


def test_an_object_keeps_its_number(track_ids):
    frames = [[moving(i), ((200, 100, 250, 150), 0.8, 0)] for i in range(6)]
    first, *later = numbers_of(track_ids, frames)
    assert first == [NO_TRACK, NO_TRACK]  # seen once
    assert later == [later[0]] * 5
    assert len({*later[0], NO_TRACK}) == 3


def test_numbers_follow_the_box_not_its_row(track_ids):
    still = ((200, 100, 250, 150), 0.8, 0)
    frames = [
        [moving(i), still] if i % 2 == 0 else [still, moving(i)] for i in range(6)
    ]
    numbers = numbers_of(track_ids, frames)[1:]
    assert all(
        row == (numbers[1] if i % 2 else numbers[1][::-1])
        for i, row in enumerate(numbers)
    )


def test_boxes_of_two_classes_in_one_place_are_two_tracks(track_ids):
    frames = [[moving(i), moving(i, label=89, score=0.8)] for i in range(4)]
    numbers = numbers_of(track_ids, frames)
    assert numbers[1] == numbers[3]
    assert len(set(numbers[1])) == 2


def test_a_class_does_not_go_on_with_the_track_of_another(track_ids):
    frames = [[moving(i, label=int(i >= 3))] for i in range(6)]
    numbers = [row[0] for row in numbers_of(track_ids, frames)]
    assert numbers[2] != numbers[5]
    assert numbers[5] != NO_TRACK


def test_a_weak_box_continues_a_track_but_starts_none(track_ids):
    frames = [
        [moving(i, score=0.9 if i < 3 else 0.2), moving(i, left=400, score=0.2)]
        for i in range(6)
    ]
    numbers = numbers_of(track_ids, frames)
    assert numbers[5][0] == numbers[2][0] != NO_TRACK
    assert all(row[1] == NO_TRACK for row in numbers)


def test_a_short_absence_keeps_the_number_a_long_one_does_not(track_ids):
    still = [((200, 100, 250, 150), 0.8, 0)]
    frames = [still] * 3 + [[]] * 10 + [still] + [[]] * 60 + [still] * 3
    numbers = numbers_of(track_ids, frames)
    assert numbers[13] == numbers[2]
    assert numbers[-1] != numbers[2]


def test_times_that_stand_still_are_taken_as_tiny_steps(track_ids):
    still = make_detections(((200, 100, 250, 150), 0.8, 0))
    numbers = [track_ids.assign(still, 0.5).tolist() for _ in range(4)]
    assert numbers[1:] == [[0]] * 3


def test_frames_without_boxes_have_no_numbers(track_ids):
    for index in range(3):
        numbers = track_ids.assign(Detections.empty(), index / RATE)
        assert numbers.shape == (0,)
        assert numbers.dtype == np.int32


def test_two_videos_are_numbered_apart(track_ids):
    frames = [[moving(i)] for i in range(3)]
    assert numbers_of(track_ids, frames) == numbers_of(TrackIds(RATE), frames)
