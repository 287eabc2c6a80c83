import numpy as np
import pytest

from vod.boxes import box_area, non_maximum_suppression, pairwise_iou

NONE = np.zeros((0, 4), np.float32)


def nms(boxes, scores, labels=None, iou_threshold=0.5):
    labels = np.zeros(len(scores)) if labels is None else labels
    kept = non_maximum_suppression(
        np.float32(boxes).reshape(-1, 4),
        np.float32(scores),
        np.int32(labels),
        iou_threshold=iou_threshold,
    )
    return kept.tolist()


def test_area_is_width_times_height_without_plus_one():
    boxes = np.float32([[1, 2, 4, 7], [0, 0, 0, 5], [4, 4, 1, 1]])
    assert box_area(boxes).tolist() == [15, 0, 0]


def test_iou_of_a_quarter_overlap():
    # Two 2 x 2 squares share one cell: 1 / (4 + 4 - 1).
    iou = pairwise_iou(np.float32([[0, 0, 2, 2]]), np.float32([[1, 1, 3, 3]]))
    assert iou[0, 0] == pytest.approx(1 / 7)


def test_iou_has_a_row_for_each_first_and_a_column_for_each_second():
    first = np.float32([[0, 0, 2, 1], [5, 5, 6, 6]])
    second = np.float32([[0, 0, 1, 1], [0, 0, 2, 1], [1, 0, 3, 1]])
    expected = [[1 / 2, 1, 1 / 3], [0, 0, 0]]
    np.testing.assert_allclose(pairwise_iou(first, second), expected, rtol=1e-6)


def test_boxes_that_only_touch_do_not_overlap():
    iou = pairwise_iou(np.float32([[0, 0, 1, 1]]), np.float32([[1, 0, 2, 1]]))
    assert iou[0, 0] == 0


def test_boxes_without_area_have_iou_0():
    point = np.float32([[3, 3, 3, 3]])
    assert pairwise_iou(point, point)[0, 0] == 0


def test_no_boxes_give_an_empty_table():
    assert pairwise_iou(NONE, np.float32([[0, 0, 1, 1]])).shape == (0, 1)
    assert pairwise_iou(NONE, NONE).shape == (0, 0)


def test_of_two_equal_boxes_the_better_is_kept():
    assert nms([[0, 0, 2, 2], [0, 0, 2, 2]], [0.3, 0.8]) == [1]


def test_other_classes_do_not_suppress():
    assert nms([[0, 0, 2, 2], [0, 0, 2, 2]], [0.3, 0.8], [0, 1]) == [1, 0]


def test_an_overlap_of_exactly_the_threshold_is_kept():
    # 2 / 4 = 0.5, not greater than the threshold.
    boxes = [[0, 0, 4, 1], [0, 0, 2, 1]]
    assert nms(boxes, [0.9, 0.8], iou_threshold=0.5) == [0, 1]
    assert nms(boxes, [0.9, 0.8], iou_threshold=0.49) == [0]


def test_a_suppressed_box_suppresses_nothing():
    # Steps of 1 on width 3: neighbours 2 / 4, next but one 1 / 5.
    boxes = [[0, 0, 3, 1], [1, 0, 4, 1], [2, 0, 5, 1]]
    assert nms(boxes, [0.9, 0.8, 0.7], iou_threshold=0.4) == [0, 2]


def test_equal_scores_keep_the_order_of_their_input():
    boxes = [[0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]]
    assert nms(boxes, [0.5, 0.5, 0.5]) == [0, 1, 2]


def test_nothing_in_nothing_out():
    assert nms([], []) == []
