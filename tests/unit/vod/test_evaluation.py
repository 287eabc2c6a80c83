import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.evaluation import (
    average_precision,
    evaluate,
    inclusive_iou,
    main,
    match_frame,
    report_values,
)
from vod.imagenet_vid import VidDataset, VidFrame, VidPredictions
from vod.types import Detections

CAR, DOG = 6, 8
HERE = Path("unused")


def frame(index, *objects):
    """One listed frame with objects `(label, xmin, ymin, xmax, ymax)`."""
    labels = np.array([label for label, *_ in objects], np.int32)
    boxes = np.array([box for _, *box in objects], np.float64).reshape(-1, 4)
    tracks = np.arange(len(objects), dtype=np.int32)
    return VidFrame("s", index - 1, index, HERE, HERE, boxes, labels, tracks)


def dataset(*frames):
    return VidDataset(HERE, "val", frames)


def predictions(*rows):
    """Rows `(index, label, score, xmin, ymin, xmax, ymax)`."""
    table = np.array(rows, np.float64).reshape(-1, 7)
    return VidPredictions(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int32),
        table[:, 2],
        table[:, 3:],
    )


BOX = (0, 0, 99, 99)
FAR = (500, 500, 599, 599)


def test_iou_counts_the_last_pixel():
    # 10 x 10 and 10 x 10 pixels share 5 columns: 50 / 150.
    iou = inclusive_iou(np.array([[0.0, 0, 9, 9]]), np.array([[5.0, 0, 14, 9]]))
    assert iou[0, 0] == 1 / 3


def test_boxes_side_by_side_do_not_overlap():
    iou = inclusive_iou(np.array([[0.0, 0, 9, 9]]), np.array([[10.0, 0, 19, 9]]))
    assert iou[0, 0] == 0


def test_a_box_turned_inside_out_has_iou_0():
    inside_out = np.array([[50.0, 50, 40, 40], [5, 5, 3, 6]])
    assert not inclusive_iou(
        inside_out, np.array([[0.0, 0, 99, 99], [5, 5, 5, 5]])
    ).any()


@pytest.mark.parametrize(("xmax", "hit"), [(49, True), (48.9, False)])
def test_an_iou_of_exactly_one_half_matches(xmax, hit):
    # 50 x 100 of 100 x 100 pixels; 100^2 / 110^2 = .826, so the threshold is 0.5.
    hits = match_frame(np.array([[0, 0, xmax, 99]]), np.array([[0.0, 0, 99, 99]]))
    assert hits.tolist() == [hit]


@pytest.mark.parametrize(("width", "hit"), [(9, True), (8, False)])
def test_a_small_object_tolerates_ten_pixels(width, hit):
    # 20 x 20: threshold 400 / 900 = .444; 9 / 20 = .45 matches, 8 / 20 = .4 does not.
    hits = match_frame(np.array([[0, 0, width - 1, 19]]), np.array([[0.0, 0, 19, 19]]))
    assert hits.tolist() == [hit]


def test_an_object_is_found_once():
    objects = np.array([BOX], np.float64)
    assert match_frame(objects[[0, 0]], objects).tolist() == [True, False]


def test_a_detection_takes_the_next_best_free_object():
    # Both overlap the first object most (the second one by 98 / 102); the second
    # object is free and the second detection reaches it with 82 / 118.
    objects = np.array([[0.0, 0, 99, 99], [20, 0, 119, 99]])
    boxes = np.array([[0.0, 0, 99, 99], [2, 0, 101, 99]])
    assert match_frame(boxes, objects).tolist() == [True, True]


def test_of_equal_overlaps_the_first_object_is_taken():
    # The first detection fits both objects alike (80 / 120). The second detection
    # reaches only the object at 40 (80 / 120; the other 40 / 160).
    objects = np.array([[0.0, 0, 99, 99], [40, 0, 139, 99]])
    boxes = np.array([[20.0, 0, 119, 99], [60, 0, 159, 99]])
    assert match_frame(boxes, objects).tolist() == [True, True]
    assert match_frame(boxes, objects[::-1]).tolist() == [True, False]


def test_no_objects_or_no_detections_match_nothing():
    none = np.zeros((0, 4))
    assert match_frame(none, np.array([BOX], np.float64)).shape == (0,)
    assert match_frame(np.array([BOX], np.float64), none).tolist() == [False]


@pytest.mark.parametrize(
    ("hits", "objects", "expected"),
    [
        ([], 3, 0),
        ([True], 1, 1),
        ([False, False], 2, 0),
        ([True, False, True], 2, (1 + 2 / 3) / 2),
        # Precisions 0, 1/2, 2/3: the envelope lifts the first hit to 2/3.
        ([False, True, True], 2, 2 / 3),
        ([True, False], 4, 1 / 4),
    ],
)
def test_average_precision_is_the_area_under_the_envelope(hits, objects, expected):
    assert average_precision(np.array(hits, np.bool_), objects) == pytest.approx(
        expected, abs=1e-12
    )


@given(st.lists(st.booleans(), max_size=20), st.integers(0, 5))
def test_average_precision_lies_between_0_and_1(hits, unfound):
    objects = max(sum(hits) + unfound, 1)
    ap = average_precision(np.array(hits, np.bool_), objects)
    assert 0 <= ap <= 1 + 1e-12
    worse = average_precision(np.array([False, *hits], np.bool_), objects)
    assert worse <= ap + 1e-12
    later = average_precision(np.array([*hits, False], np.bool_), objects)
    assert later == pytest.approx(ap, abs=1e-12)


def test_objects_as_detections_are_perfect():
    scores = evaluate(
        dataset(frame(1, (CAR, *BOX), (DOG, *FAR)), frame(2), frame(3, (CAR, *FAR))),
        predictions((1, CAR, 0.9, *BOX), (1, DOG, 0.1, *FAR), (3, CAR, 0.2, *FAR)),
    )
    assert scores.mean_ap == 1
    assert scores.ap == {"car": 1, "dog": 1}
    assert scores.num_frames == 3
    assert scores.num_ground_truth["car"] == 2
    assert scores.num_detections["dog"] == 1
    assert len(scores.num_ground_truth) == 30


def test_the_mean_is_over_classes_with_objects_only():
    scores = evaluate(
        dataset(frame(1, (CAR, *BOX), (DOG, *FAR))),
        predictions((1, CAR, 0.9, *BOX), (1, 0, 0.9, *BOX)),
    )
    assert scores.ap == {"car": 1, "dog": 0}
    assert scores.mean_ap == 1 / 2
    assert scores.num_detections["airplane"] == 1


def test_a_better_false_positive_on_an_empty_frame_counts():
    scores = evaluate(
        dataset(frame(1, (CAR, *BOX)), frame(2)),
        predictions((1, CAR, 0.5, *BOX), (2, CAR, 0.9, *BOX)),
    )
    assert scores.ap["car"] == 1 / 2


def test_detections_of_frames_that_are_not_listed_are_ignored():
    scores = evaluate(
        dataset(frame(4, (CAR, *BOX))),
        predictions((1, CAR, 0.99, *BOX), (4, CAR, 0.5, *BOX), (0, CAR, 0.9, *BOX)),
    )
    assert scores.ap["car"] == 1
    assert scores.num_detections["car"] == 1


def test_a_duplicate_is_a_false_positive():
    scores = evaluate(
        dataset(frame(1, (CAR, *BOX), (CAR, *FAR))),
        predictions((1, CAR, 0.9, *BOX), (1, CAR, 0.8, *BOX), (1, CAR, 0.7, *FAR)),
    )
    assert scores.ap["car"] == pytest.approx((1 + 2 / 3) / 2)


def test_equal_scores_keep_the_order_of_the_list_then_of_the_file():
    data = dataset(frame(2, (CAR, *BOX)), frame(1, (CAR, *BOX)))
    # Frame 2 is listed first, so its hit ranks before frame 1's false positive.
    rows = [(1, CAR, 0.5, *FAR), (2, CAR, 0.5, *BOX)]
    assert evaluate(data, predictions(*rows)).ap["car"] == 1 / 2
    rows = [(2, CAR, 0.5, *FAR), (2, CAR, 0.5, *BOX)]
    assert evaluate(data, predictions(*rows)).ap["car"] == 1 / 4
    assert evaluate(data, predictions(*rows[::-1])).ap["car"] == 1 / 2


def test_rows_may_come_in_any_order_of_frames():
    data = dataset(frame(1, (CAR, *BOX)), frame(2, (CAR, *FAR)))
    rows = [(2, CAR, 0.1, *FAR), (1, CAR, 0.2, *BOX), (2, CAR, 0.15, *BOX)]
    expected = (1 + 2 / 3) / 2
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        scores = evaluate(data, predictions(*(rows[i] for i in order)))
        assert scores.ap["car"] == pytest.approx(expected)


def test_detections_by_frame_are_scored_with_exclusive_ends():
    # An object of pixels 0..19 is the continuous box 0..20.
    found = Detections(np.float32([[0, 0, 20, 20]]), np.float32([0.9]), np.int32([CAR]))
    data = dataset(frame(1, (CAR, 0, 0, 19, 19)))
    assert evaluate(data, {1: found}).mean_ap == 1


@pytest.mark.parametrize("nothing", [{}, {1: Detections.empty()}, predictions()])
def test_no_detections_give_map_0(nothing):
    scores = evaluate(dataset(frame(1, (CAR, *BOX))), nothing)
    assert scores.mean_ap == 0
    assert scores.ap == {"car": 0}


def test_without_objects_there_is_no_mean():
    scores = evaluate(dataset(frame(1)), predictions((1, CAR, 0.5, *BOX)))
    assert math.isnan(scores.mean_ap)
    assert scores.ap == {}
    assert "mAP                  -" in scores.table()


def test_the_table_names_classes_with_objects_or_detections():
    scores = evaluate(
        dataset(frame(1, (CAR, *BOX))),
        predictions((1, CAR, 0.5, *BOX), (1, 0, 0.5, *BOX)),
    )
    assert scores.table().splitlines() == [
        "class               AP   objects  detections",
        "airplane             -         0           1",
        "car             1.0000         1           1",
        "mAP             1.0000         1           2",
        "(1 classes with objects, 1 frames)",
    ]


@pytest.fixture
def files(tmp_path):
    """A root with one frame, one car, and a result file that finds it."""
    lists = tmp_path / "ImageSets" / "VID"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("s/000000 1\n")
    xml = tmp_path / "Annotations" / "VID" / "val" / "s" / "000000.xml"
    xml.parent.mkdir(parents=True)
    xml.write_text(
        "<annotation><object><trackid>0</trackid><name>n02958343</name><bndbox>"
        "<xmin>0</xmin><ymin>0</ymin><xmax>99</xmax><ymax>99</ymax></bndbox></object>"
        "</annotation>"
    )
    results = tmp_path / "results.txt"
    results.write_text("1 7 0.9 0 0 99 99\n")
    return results, tmp_path


def test_the_command_line_prints_the_table_and_writes_the_report(files, capsys):
    results, root = files
    report = root / "report.json"
    assert main([str(results), str(root), "--report", str(report)]) == 0
    assert "mAP             1.0000" in capsys.readouterr().out
    values = json.loads(report.read_text())
    assert values["mean_ap"] == 1
    assert values["ap"] == {"car": 1}
    assert not list(root.glob("*.part"))


def test_an_empty_result_file_scores_0(files, capsys):
    results, root = files
    results.write_text("")
    assert main([str(results), str(root)]) == 0
    assert "mAP             0.0000" in capsys.readouterr().out


def test_wrong_input_is_one_sentence_and_exit_code_1(files, capsys):
    results, root = files
    assert main([str(results), str(root), "--image-set", "test"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "test.txt cannot be read" in captured.err
    assert captured.err.count("\n") == 1


def test_wrong_usage_is_exit_code_2(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([])
    assert exit_info.value.code == 2
    assert "usage: python -m vod.evaluation" in capsys.readouterr().err


def test_a_report_without_a_mean_holds_null():
    values = report_values(evaluate(dataset(frame(1)), predictions()))
    assert json.loads(json.dumps(values, allow_nan=False))["mean_ap"] is None
