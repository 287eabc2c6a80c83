import json

import numpy as np
import pytest

from propagate.baselines import Row, format_table, main, track_video
from propagate.followers import Holding
from tests.toy_pipeline import dot_frame, make_parts


class Recorder:
    """Moves every box one pixel to the right; remembers what it was told."""

    def __init__(self):
        self.restarts = []
        self.boxes = np.zeros((0, 4), np.float32)

    def restart(self, frame, found):
        self.restarts.append(frame.index)
        self.boxes = found.boxes

    def follow(self, _frame):
        self.boxes = self.boxes + np.array([1, 0, 1, 0], np.float32)
        return self.boxes


def test_the_detector_runs_on_key_frames_and_the_tracker_between():
    parts, follower = make_parts(), Recorder()
    frames = [dot_frame(i, 2, 3) for i in range(5)]
    results = list(track_video(parts, frames, follower=follower, interval=2))
    assert [result.key_frame for result in results] == [True, False] * 2 + [True]
    assert follower.restarts == [0, 2, 4]
    assert parts.detector.features.calls == 3
    lefts = [result.detections.boxes[0, 0] for result in results]
    assert lefts == pytest.approx([1.5, 2.5, 1.5, 2.5, 1.5])


def test_ages_count_from_the_key_frame():
    frames = [dot_frame(i, 2, 3) for i in range(5)]
    results = track_video(make_parts(), frames, follower=Holding(), interval=3)
    assert [result.tracked.ages.tolist() for result in results] == [
        [0],
        [1],
        [2],
        [0],
        [1],
    ]


def test_boxes_that_leave_the_frame_are_gone():
    frames = [dot_frame(i, 6, 3) for i in range(5)]
    results = track_video(make_parts(), frames, follower=Recorder(), interval=10)
    assert [len(result.detections) for result in results] == [1, 1, 1, 0, 0]


def test_a_video_without_frames_gives_nothing():
    assert list(track_video(make_parts(), [], follower=Holding(), interval=2)) == []


def test_the_table_has_a_line_a_row():
    row = Row("kalman", 10, 0.5, 0.25, 1.5, 12.0, 20.0, 3.0, {"dog": 0.5})
    table = format_table([row, row])
    assert table.count("\n") == 3
    assert "0.5000" in table
    assert "0.25" in table


def test_a_missing_data_root_is_one_sentence(tmp_path, capsys):
    code = main(["--data", str(tmp_path), "--report", str(tmp_path / "r.json")])
    assert code == 1
    assert "val.txt" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_interval_below_1_is_refused_before_the_work(vod_data, capsys):
    code = main(["--data", str(vod_data / "davis"), "--keyframe-interval", "0"])
    assert code == 1
    assert "keyframe_interval must be 1 or more" in capsys.readouterr().err


def test_trackers_are_scored_between_holding_and_detecting(vod_data, tmp_path, capsys):
    report = tmp_path / "r.json"
    line = f"--data {vod_data / 'davis'} --videos davis_dog --keyframe-interval 20"
    code = main([*line.split(), "--tracker", "kalman", "--report", str(report)])
    assert code == 0
    assert "kalman" in capsys.readouterr().out
    rows = json.loads(report.read_text())["rows"]
    assert [(row["tracker"], row["keyframe_interval"]) for row in rows] == [
        ("hold", 1),
        ("hold", 20),
        ("kalman", 20),
    ]
    every, hold, kalman = (row["map"] for row in rows)
    assert 0 < hold < every
    expected = (kalman - hold) / (every - hold)
    assert rows[2]["recovery"] == pytest.approx(expected)
    assert rows[0]["recovery"] is None
