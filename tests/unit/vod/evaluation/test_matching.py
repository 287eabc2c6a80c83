import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.evaluation.matching import FALSE_POSITIVE, LEFT_OUT, MatchRule, match
from vod.evaluation.plain_loop import plain_match
from vod.evaluation.protocols import PROTOCOLS

DEVKIT, VOC, COCO = (PROTOCOLS[name].rule for name in ("devkit", "voc12", "coco"))
BOX = (0.0, 0.0, 99.0, 99.0)
FAR = (500.0, 500.0, 599.0, 599.0)


def taken(objects, boxes, rule=DEVKIT):
    """Match boxes, best first, with objects of their class in one frame."""
    truth = make_truth(
        {"a": 1}, *(("a", 0, DOG, box, i) for i, box in enumerate(objects))
    )
    found = make_found(*((1, DOG, 1 - i / 1000, box) for i, box in enumerate(boxes)))
    return match(truth, found, rule).tolist()


@pytest.mark.parametrize(("xmax", "expected"), [(49, 0), (48.9, FALSE_POSITIVE)])
def test_an_iou_of_exactly_one_half_matches(xmax, expected):
    # 50 x 100 of 100 x 100 pixels; 100^2 / 110^2 = .826, so the threshold is 0.5.
    assert taken([BOX], [(0, 0, xmax, 99)]) == [expected]


@pytest.mark.parametrize(("width", "expected"), [(9, 0), (8, FALSE_POSITIVE)])
def test_a_small_object_tolerates_ten_pixels(width, expected):
    # 20 x 20: threshold 400 / 900 = .444; 9 / 20 = .45 matches, 8 / 20 = .4 does not.
    small, half = square(0, 0, 20), (0, 0, width - 1, 19)
    assert taken([small], [half]) == [expected]
    assert taken([small], [half], PROTOCOLS["fixed50"].rule) == [FALSE_POSITIVE]


@pytest.mark.parametrize("rule", [DEVKIT, VOC, COCO])
def test_an_object_is_found_once(rule):
    assert taken([BOX], [BOX, BOX, BOX], rule) == [0, FALSE_POSITIVE, FALSE_POSITIVE]


def test_a_detection_takes_the_next_free_object_but_not_under_voc():
    # Both overlap the first object most (the second one by 98 / 102); the second
    # object is free and the second detection reaches it with 82 / 118.
    objects, boxes = [BOX, (20, 0, 119, 99)], [BOX, (2, 0, 101, 99)]
    assert taken(objects, boxes) == [0, 1]
    assert taken(objects, boxes, VOC) == [0, FALSE_POSITIVE]


def test_of_equal_overlaps_the_first_object_is_taken_or_the_last_under_coco():
    # The detection fits both objects alike (80 / 120).
    objects, boxes = [BOX, (40, 0, 139, 99)], [(20, 0, 119, 99)]
    assert taken(objects, boxes) == [0]
    assert taken(objects, boxes, COCO) == [1]


def test_a_detection_left_without_an_object_lets_worse_ones_have_theirs():
    objects = [BOX, FAR]
    assert taken(objects, [BOX, BOX, FAR]) == [0, FALSE_POSITIVE, 1]


def test_equal_scores_keep_the_order_of_the_file():
    truth = make_truth({"a": 1}, ("a", 0, DOG, BOX, 0))
    near = (10.0, 0.0, 109.0, 99.0)
    found = make_found((1, DOG, 0.5, near), (1, DOG, 0.5, BOX))
    assert match(truth, found, DEVKIT).tolist() == [0, FALSE_POSITIVE]


def test_classes_and_frames_are_matched_apart():
    truth = make_truth({"a": 2}, ("a", 0, DOG, BOX, 0), ("a", 1, CAT, BOX, 0))
    found = make_found((1, CAT, 0.9, BOX), (2, CAT, 0.9, BOX), (1, DOG, 0.1, BOX))
    assert match(truth, found, DEVKIT).tolist() == [FALSE_POSITIVE, 1, 0]


def test_unlisted_frames_and_unknown_classes_are_left_out():
    truth = make_truth({"a": 1}, ("a", 0, DOG, BOX, 0))
    found = make_found(
        (0, 0, 0.9, BOX), (1, 1, 0.9, BOX), (1, 0, 0.9, BOX), classes=("dog", "sofa")
    )
    assert match(truth, found, DEVKIT).tolist() == [LEFT_OUT, LEFT_OUT, 0]


def test_a_box_inside_out_is_a_false_positive_but_left_out_under_voc():
    boxes = [(50, 50, 40, 40), BOX]
    assert taken([BOX], boxes) == [FALSE_POSITIVE, 0]
    assert taken([BOX], boxes, VOC) == [LEFT_OUT, 0]


def test_the_best_detections_of_a_frame_and_class_are_looked_at():
    rule = MatchRule(max_detections=2)
    assert taken([BOX], [FAR, FAR, BOX], rule) == [-1, -1, LEFT_OUT]
    assert taken([BOX], [FAR, BOX, FAR], rule) == [-1, 0, LEFT_OUT]


def test_no_objects_or_no_detections_match_nothing():
    assert taken([], [BOX]) == [FALSE_POSITIVE]
    assert taken([BOX], []) == []
    assert match(make_truth({}), make_found(), DEVKIT).tolist() == []


@pytest.mark.parametrize("rule", [DEVKIT, VOC, COCO, MatchRule(max_detections=1)])
@pytest.mark.parametrize("seed", range(5))
def test_matching_all_at_once_equals_matching_one_by_one(rule, seed):
    truth, found = random_scene(seed)
    # Scores that repeat: ties must fall the same way.
    found.scores[:] = np.round(found.scores, 1)
    assert match(truth, found, rule).tolist() == plain_match(truth, found, rule)
