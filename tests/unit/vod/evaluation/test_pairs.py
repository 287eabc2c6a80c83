import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, square
from vod.evaluation.pairs import aligned_iou, joined, place, rows_by_class

BOX = square(0, 0, 10)


def iou(first, second, pixel=1):
    boxes = np.array([first], np.float64), np.array([second], np.float64)
    return float(aligned_iou(*boxes, pixel=pixel)[0])


def test_iou_counts_the_last_pixel():
    # 10 x 10 and 10 x 10 pixels share 5 columns: 50 / 150.
    assert iou((0, 0, 9, 9), (5, 0, 14, 9)) == 1 / 3


def test_iou_without_the_last_pixel_is_that_of_coco():
    # 9 x 9 and 9 x 9 share 4 columns: 36 / 126.
    assert iou((0, 0, 9, 9), (5, 0, 14, 9), pixel=0) == 36 / 126


def test_boxes_side_by_side_do_not_overlap():
    assert iou((0, 0, 9, 9), (10, 0, 19, 9)) == 0


@pytest.mark.parametrize("box", [(50, 50, 40, 40), (5, 5, 3, 60), (5, 5, 4, 4)])
def test_a_box_turned_inside_out_overlaps_nothing(box):
    assert iou(box, (0, 0, 99, 99)) == 0
    assert iou((0, 0, 99, 99), box) == 0
    assert iou(box, box) == 0


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_joining_gives_every_pair_whatever_the_chunk(chunk):
    first, count = np.array([4, 0, 0, 2]), np.array([2, 0, 3, 1])
    pairs = list(joined(first, count, chunk=chunk))
    rows, partners = (
        np.concatenate(column).tolist() for column in zip(*pairs, strict=True)
    )
    assert rows == [0, 0, 2, 2, 2, 3]
    assert partners == [4, 5, 0, 1, 2, 2]
    # A row's pairs are never torn apart.
    assert sum(len(np.unique(part)) for part, _ in pairs) == 3


def test_nothing_to_join_yields_nothing():
    none = np.zeros(0, np.int64)
    assert list(joined(none, none)) == []
    assert list(joined(np.array([3]), np.array([0]))) == []


def test_frames_are_found_by_index_in_any_order():
    truth = make_truth({"a": 3})
    truth.frame_indices[:] = [30, 10, 20]
    found = make_found(*((index, DOG, 0.5, BOX) for index in (10, 99, 30, 5, 20)))
    assert place(truth, found).frames.tolist() == [1, -1, 0, -1, 2]


def test_classes_are_found_by_name():
    truth = make_truth({"a": 1}, classes=("domestic_cat", "dog"))
    found = make_found((1, 0, 0.5, BOX), (1, 1, 0.5, BOX), (1, 2, 0.5, BOX),
                       classes=("dog", "cat", "sofa"))  # fmt: skip
    placement = place(truth, found)
    assert placement.labels.tolist() == [1, 0, -1]
    assert placement.known.tolist() == [True, True, False]


def test_no_frames_and_no_detections_are_placed_nowhere():
    assert place(make_truth({}), make_found((1, DOG, 1, BOX))).frames.tolist() == [-1]
    assert len(place(make_truth({"a": 1}), make_found()).frames) == 0


def test_rows_come_by_class_best_first_then_by_frame_then_by_file():
    truth = make_truth({"a": 3})
    found = make_found(
        (3, DOG, 0.5, BOX),
        (1, CAT, 0.5, BOX),
        (2, DOG, 0.5, BOX),
        (2, DOG, 0.5, BOX),
        (3, DOG, 0.9, BOX),
        (9, DOG, 0.9, BOX),
    )
    ranked = dict(rows_by_class(truth, found.scores, place(truth, found)))
    assert {label: rows.tolist() for label, rows in ranked.items()} == {
        DOG: [4, 2, 3, 0],
        CAT: [1],
    }
