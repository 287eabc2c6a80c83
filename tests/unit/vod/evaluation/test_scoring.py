import json

import numpy as np
import pytest

from tests.builders import make_detections
from tests.scenes import CAT, DOG, make_found, make_truth, square
from vod.errors import AnnotationError, ConfigError
from vod.evaluation import PROTOCOLS, evaluate

BOX = square(0, 0, 100)
FAR = square(500, 500, 100)


def one_dog():
    return make_truth({"a": 1}, ("a", 0, DOG, BOX, 0))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_objects_as_detections_are_perfect(protocol):
    truth = make_truth(
        {"a": 3},
        ("a", 0, DOG, BOX, 0),
        ("a", 0, CAT, FAR, 1),
        ("a", 2, DOG, FAR, 0),
    )
    found = make_found((1, DOG, 0.9, BOX), (1, CAT, 0.1, FAR), (3, DOG, 0.2, FAR))
    scores = evaluate(truth, found, protocol=protocol)
    assert scores.mean_ap == pytest.approx(1, abs=1e-12)
    assert scores.ap == pytest.approx({"dog": 1, "cat": 1}, abs=1e-12)
    assert scores.num_frames == 3
    assert scores.num_ground_truth == {"dog": 2, "cat": 1}
    assert scores.num_detections == {"dog": 2, "cat": 1}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "nothing", [{}, {1: make_detections()}, make_found()], ids=["{}", "frame", "file"]
)
def test_no_detections_give_map_0(protocol, nothing):
    scores = evaluate(one_dog(), nothing, protocol=protocol)
    assert scores.mean_ap == 0
    assert scores.ap == {"dog": 0, "cat": None}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_mean_is_over_classes_with_objects(protocol):
    truth = make_truth({"a": 1}, ("a", 0, DOG, BOX, 0), classes=("dog", "cat", "bear"))
    found = make_found((1, DOG, 0.9, BOX), (1, CAT, 0.9, BOX), classes=truth.classes)
    scores = evaluate(truth, found, protocol=protocol)
    assert scores.ap == pytest.approx({"dog": 1, "cat": None, "bear": None})
    assert scores.mean_ap == pytest.approx(1)
    assert scores.num_detections == {"dog": 1, "cat": 1, "bear": 0}


def test_the_mean_over_all_classes_counts_absent_ones_as_0():
    found = make_found((1, DOG, 0.9, BOX))
    assert evaluate(one_dog(), found, mean_over_all=True).mean_ap == 1 / 2


def test_the_mean_over_all_classes_is_none_where_an_absent_one_was_detected():
    found = make_found((1, DOG, 0.9, BOX), (1, CAT, 0.9, BOX))
    assert evaluate(one_dog(), found, mean_over_all=True).mean_ap is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_objects_there_is_no_mean(protocol):
    found = make_found((1, DOG, 0.5, BOX))
    scores = evaluate(make_truth({"a": 1}), found, protocol=protocol)
    assert scores.mean_ap is None
    assert json.loads(json.dumps(scores.to_json(), allow_nan=False))["mAP"] is None


def test_a_better_false_positive_on_an_empty_frame_counts():
    truth = make_truth({"a": 2}, ("a", 0, DOG, BOX, 0))
    found = make_found((1, DOG, 0.5, BOX), (2, DOG, 0.9, BOX))
    assert evaluate(truth, found).ap["dog"] == 1 / 2


def test_what_cannot_be_placed_is_ignored_and_counted():
    found = make_found(
        (9, DOG, 0.99, BOX),
        (0, DOG, 0.99, BOX),
        (1, 2, 0.99, BOX),
        (1, DOG, 0.5, BOX),
        classes=("dog", "cat", "sofa"),
    )
    scores = evaluate(one_dog(), found)
    assert scores.mean_ap == 1
    assert scores.num_detections == {"dog": 1, "cat": 0}
    assert (scores.num_unlisted, scores.num_unknown) == (2, 1)
    ignored = {"frame_not_listed": 2, "class_unknown": 1}
    assert scores.to_json()["ignored"] == ignored


def test_a_repeated_line_is_a_false_positive():
    truth = make_truth({"a": 1}, ("a", 0, DOG, BOX, 0), ("a", 0, DOG, FAR, 1))
    found = make_found((1, DOG, 0.9, BOX), (1, DOG, 0.9, BOX), (1, DOG, 0.7, FAR))
    assert evaluate(truth, found).ap["dog"] == pytest.approx((1 + 2 / 3) / 2)


def test_boxes_beyond_the_picture_are_scored_as_they_are():
    truth = make_truth({"a": 1}, ("a", 0, DOG, (0.0, 0.0, 49.0, 99.0), 0))
    # Clipped at 0 it would be the object; as it is, IoU is 50 / 150.
    found = make_found((1, DOG, 0.9, (-100.0, 0.0, 49.0, 99.0)))
    assert evaluate(truth, found).mean_ap == 0


def test_equal_scores_keep_the_order_of_the_list_then_of_the_file():
    truth = make_truth({"a": 2}, ("a", 0, DOG, BOX, 0), ("a", 1, DOG, BOX, 0))
    truth.frame_indices[:] = [2, 1]
    # Frame 2 is listed first, so its hit ranks before frame 1's false positive.
    rows = [(1, DOG, 0.5, FAR), (2, DOG, 0.5, BOX)]
    assert evaluate(truth, make_found(*rows)).ap["dog"] == 1 / 2
    rows = [(2, DOG, 0.5, FAR), (2, DOG, 0.5, BOX)]
    assert evaluate(truth, make_found(*rows)).ap["dog"] == 1 / 4
    assert evaluate(truth, make_found(*rows[::-1])).ap["dog"] == 1 / 2


def test_detections_in_memory_are_scored_with_exclusive_ends():
    # An object of pixels 0..19 is the continuous box 0..20.
    truth = make_truth({"a": 1}, ("a", 0, CAT, square(0, 0, 20), 0))
    found = {1: make_detections(((0, 0, 20, 20), 0.9, CAT))}
    assert evaluate(truth, found).mean_ap == 1


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_scores_must_be_finite(score):
    found = make_found((1, DOG, 0.5, BOX), (7, DOG, score, BOX))
    with pytest.raises(
        AnnotationError, match=r"detection 1 \(frame index 7\).*must be finite"
    ):
        evaluate(one_dog(), found)


def test_a_protocol_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match=r"'voc' is no protocol; choose one of devk"):
        evaluate(one_dog(), {}, protocol="voc")


def test_the_report_has_the_keys_of_the_papers():
    values = evaluate(one_dog(), make_found((1, DOG, 0.9, BOX)), motion=True).to_json()
    assert values["protocol"] == "devkit"
    assert values["mAP"] == 1
    assert values["AP"] == {"dog": 1, "cat": None}
    assert set(values["motion"]) == {"slow", "medium", "fast"}
    assert values["motion"]["slow"] == {
        "mAP": 1,
        "AP": {"dog": 1, "cat": None},
        "objects": 1,
    }
    assert values["motion_strict"]["fast"]["mAP"] is None
    assert "motion" not in evaluate(one_dog(), {}).to_json()


def test_cocos_report_has_its_two_figures():
    found = make_found((1, DOG, 0.9, BOX))
    values = evaluate(one_dog(), found, protocol="coco").to_json()
    assert values["AP"] == pytest.approx(1)
    assert values["AP50"] == values["mAP"] == pytest.approx(1)
    assert values["AP50_per_class"] == pytest.approx({"dog": 1, "cat": None})
