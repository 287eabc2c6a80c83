import json

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.evaluation.scoring import evaluate
from vod.report.content import analyse, report_values
from vod.report.table import format_table

BOX = square(20, 40, 60)
AWAY = square(500, 500, 60)


def test_the_table_without_analyses_is_one_line_a_class():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, DOG, BOX, 0))
    found = make_found((1, DOG, 0.9, BOX), (9, DOG, 0.9, BOX), (1, CAT, 0.9, AWAY))
    assert format_table(evaluate(truth, found)).splitlines() == [
        "class        AP     objects  detections",
        "dog      0.5000           2           1",
        "cat           -           0           1",
        "mAP      0.5000           2           2",
        "",
        "protocol devkit: 1 classes with objects, 2 frames",
        "ignored: 1 detections of frames not in the list",
    ]


def test_analyses_add_intervals_errors_and_the_worst_snippets():
    truth = make_truth({"v": 1, "w": 1}, ("v", 0, DOG, BOX, 0), ("w", 0, DOG, BOX, 0))
    found = make_found((1, DOG, 0.9, BOX), (2, DOG, 0.8, AWAY), ages=[0, 0])
    analyses = analyse(truth, found)
    lines = format_table(evaluate(truth, found), analyses).splitlines()
    ends = analyses.confidence.ap["dog"]
    # A resample has v alone, w alone, or both: AP 1, 0 or 1/2.
    assert ends.low < 0.1
    assert ends.high > 0.9
    shown = f"{ends.low:.4f} to {ends.high:.4f}"
    assert lines[1].split() == ["dog", "0.5000", *shown.split(), "2", "2"]
    assert "mAP lost to errors: missed 0.5000" in "\n".join(lines)
    assert "low: w 0.0000" in lines
    assert any(line.startswith("2 tracks: 50.0 % detected") for line in lines)


def test_tracks_that_nothing_finds_are_first_detected_never():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, DOG, BOX, 0))
    found = make_found()
    table = format_table(evaluate(truth, found), analyse(truth, found))
    assert "first detection never (median)" in table


def test_another_interpolation_says_what_the_intervals_are_of():
    truth, found = random_scene(3)
    for protocol, said in (("voc07", True), ("voc12", False)):
        scores = evaluate(truth, found, protocol=protocol)
        table = format_table(scores, analyse(truth, found, protocol=protocol))
        assert ("are of the area under the envelope: mAP 0." in table) == said


def test_motion_adds_a_column_a_speed():
    truth, found = random_scene(3)
    scores = evaluate(truth, found, motion=True)
    head, *_ = format_table(scores).splitlines()
    speeds = ["slow", "medium", "fast"]
    assert head.split() == ["class", "AP", *speeds, "objects", "detections"]


def test_nothing_scored_is_a_dash():
    truth = make_truth({"v": 1})
    lines = format_table(evaluate(truth, make_found())).splitlines()
    assert lines[1].split() == ["mAP", "-", "0", "0"]


def test_the_report_for_machines_is_json_with_the_analyses_in_it():
    truth, found = random_scene(3)
    scores, analyses = evaluate(truth, found, motion=True), analyse(truth, found)
    values = json.loads(json.dumps(report_values(scores, analyses), allow_nan=False))
    assert values["mAP"] == scores.mean_ap
    assert set(values["analysis"]) == {
        "confidence",
        "errors",
        "sizes",
        "ages",
        "steadiness",
        "confusion",
        "snippets",
        "curves",
    }
    assert "analysis" not in report_values(scores)


def test_the_report_of_no_detections_holds_no_nan_which_json_lacks():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, DOG, BOX, 0))
    found = make_found()
    values = report_values(evaluate(truth, found), analyse(truth, found))
    json.dumps(values, allow_nan=False)
    assert values["analysis"]["errors"]["dAP"]["missed"] is None
