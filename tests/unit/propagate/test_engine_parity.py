import json

import numpy as np
import pytest

from propagate import engine_parity
from propagate.engine_parity import Difference, difference, format_report, main
from tests.builders import make_detections


def finds(*boxes, scores=None, labels=None):
    scores = scores or [0.5] * len(boxes)
    labels = labels or [0] * len(boxes)
    return make_detections(*zip(boxes, scores, labels, strict=True))


A, B = (10.0, 10.0, 20.0, 30.0), (50.0, 60.0, 70.0, 90.0)


def test_the_same_finds_in_another_order_do_not_differ():
    ours = finds(A, B, scores=[0.9, 0.8], labels=[1, 2])
    theirs = finds(B, A, scores=[0.8, 0.8], labels=[2, 1])
    result = difference([ours], [theirs])
    assert (result.frames, result.boxes, result.unmatched) == (1, 2, 0)
    assert result.box_px == 0
    assert result.score == pytest.approx(0.1)


def test_the_largest_difference_of_a_coordinate_counts():
    moved = (10.25, 10.0, 20.0, 29.5)
    result = difference([finds(moved), finds(A)], [finds(A), finds(A)])
    assert result == Difference(frames=2, boxes=2, box_px=0.5)


def test_finds_of_one_engine_only_are_counted_on_either_side():
    assert difference([finds(A)], [finds(A, B)]).unmatched == 1
    assert difference([finds(A, B)], [finds(A)]).unmatched == 1
    assert difference([finds()], [finds(A)]).unmatched == 1
    far = (13.0, 10.0, 23.0, 30.0)
    assert difference([finds(far)], [finds(A)]).unmatched == 2
    other = difference([finds(A, labels=[1])], [finds(A, labels=[0])])
    assert (other.unmatched, other.box_px) == (2, 0.0)


def test_a_box_is_the_match_of_one_box_only():
    assert difference([finds(A)], [finds(A, A)]).unmatched == 1


def test_engines_take_turns_and_the_first_turn_does_not_count(monkeypatch):
    order = []
    ticks = iter(range(1000))
    monkeypatch.setattr(engine_parity.time, "perf_counter", lambda: next(ticks))
    monkeypatch.setattr(engine_parity.time, "process_time", lambda: 0.0)
    calls = {name: {"head": lambda name=name: order.append(name)} for name in "ab"}
    rows = engine_parity.timings(calls, rounds=2)
    turn = ["a"] * engine_parity.CALLS + ["b"] * engine_parity.CALLS
    assert order == turn * 3
    # One tick passes between the two readings of the clock.
    assert rows["a"] == {"head_cpu_ms": 0.0, "head_ms": 1e3 / engine_parity.CALLS}


def test_wrong_input_is_one_sentence(tmp_path, capsys):
    absent = str(tmp_path / "absent.mp4")
    assert main([absent, "--rounds", "0"]) == 1
    assert "--rounds must be 1 or more" in capsys.readouterr().err
    assert main([absent]) == 1
    assert "absent.mp4" in capsys.readouterr().err


def test_the_command_writes_a_table_and_a_report(monkeypatch, tmp_path, capsys):
    row = {"boxes": 3, "unmatched": 0, "box_px": 2.5e-4, "score": 0.0}
    units = ("cpu_ms", "ms")
    row |= {f"{c}_{u}": 1.0 for c in ("features", "head", "flow") for u in units}
    monkeypatch.setattr(engine_parity, "run", lambda _args: {"engines": {"x": row}})
    report = tmp_path / "out.json"
    assert main(["clip.mp4", "--report", str(report)]) == 0
    line = "| x | 3 | 0 | 2.5e-04 | 0.0e+00 | 1.00 / 1.00 | 1.00 / 1.00 | 1.00 / 1.00 |"
    assert line in capsys.readouterr().out
    assert json.loads(report.read_text())["engines"]["x"] == row
    assert line in format_report({"engines": {"x": row}})


def test_finds_are_left_as_they_were():
    ours, theirs = finds(A, B), finds(B, A)
    before = ours.boxes.copy()
    difference([ours], [theirs])
    np.testing.assert_array_equal(ours.boxes, before)
