"""Targets and sampling against plain NumPy loops."""

import numpy as np
import pytest

from detector.box_coding import encode_boxes
from detector.box_coding_layer import decode_codes, encode_codes
from detector.matching import chance, draw, draw_both, inside, match, usable_objects
from vod.boxes import pairwise_iou


def some_boxes(rng, *shape, side=100.0):
    start = rng.uniform(0, side * 0.6, (*shape, 2))
    size = rng.uniform(4, side * 0.4, (*shape, 2))
    return np.concatenate([start, start + size], axis=-1).astype(np.float32)


def test_every_reference_finds_its_object_as_a_loop_does():
    rng = np.random.default_rng(0)
    references, boxes = some_boxes(rng, 40), some_boxes(rng, 3, 5)
    labels = np.array([[0, 1, 2, -1, -1], [3, 0, 0, 1, 2], [-1] * 5], np.int32)
    clean, usable = usable_objects(boxes, labels)
    overlap, owner, is_best = map(np.asarray, match(references, clean, usable))
    for picture in range(3):
        rows = np.flatnonzero(labels[picture] >= 0)
        best = np.full(40, -1.0)
        for n in range(40):
            for row in rows:
                iou = pairwise_iou(references[n : n + 1], boxes[picture, row : row + 1])
                if iou.item() > best[n]:
                    best[n] = iou.item()
                    assert owner[picture, n] == row or iou.item() <= overlap[picture, n]
        np.testing.assert_allclose(overlap[picture], best, atol=1e-6)
        iou = pairwise_iou(references, boxes[picture][rows])
        expected = np.zeros(40, bool)
        for column in iou.T:
            if column.max() > 0:
                expected |= np.isclose(column, column.max(), atol=1e-7)
        np.testing.assert_array_equal(is_best[picture], expected)


@pytest.mark.parametrize(
    "box",
    [
        (10, 10, 10, 30),  # no width
        (30, 10, 10, 30),  # turned over
        (10, 10, 10.5, 30),  # narrower than a pixel
        (np.nan, 10, 30, 30),
        (10, 10, np.inf, 30),
    ],
)
def test_a_degenerate_box_is_no_object(box):
    boxes = np.array([[box, (0, 0, 8, 8)]], np.float32)
    clean, usable = usable_objects(boxes, np.array([[1, 1]], np.int32))
    assert np.asarray(usable).tolist() == [[False, True]]
    assert np.asarray(clean).tolist() == [[[0, 0, 0, 0], [0, 0, 8, 8]]]


def test_without_objects_nothing_overlaps():
    boxes, labels = np.zeros((1, 2, 4), np.float32), np.full((1, 2), -1, np.int32)
    references = some_boxes(np.random.default_rng(1), 6)
    overlap, _, is_best = match(references, *usable_objects(boxes, labels))
    assert (np.asarray(overlap) == -1).all()
    assert not np.asarray(is_best).any()


def test_drawing_takes_the_greatest_numbers():
    mask = np.array([[1, 0, 1, 1, 1], [0, 0, 0, 1, 0]], bool)
    numbers = np.array([[0.1, 0.9, 0.4, 0.3, 0.2]] * 2, np.float32)
    chosen = np.asarray(draw(mask, numbers, 2, most=4))
    assert chosen.tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 1, 0]]
    chosen = np.asarray(draw(mask, numbers, np.array([0, 3], np.int32), most=4))
    assert chosen.tolist() == [[0] * 5, [0, 0, 0, 1, 0]]


def test_negatives_fill_up_what_positives_leave():
    rng = np.random.default_rng(2)
    positive = rng.random((4, 200)) < np.array([[0.0], [0.02], [0.5], [1.0]])
    numbers = rng.random((4, 200)).astype(np.float32)
    ours = draw_both(positive, ~positive, numbers, samples=32, share=0.5)
    for row in range(4):
        order = np.argsort(-numbers[row])
        yes = [n for n in order if positive[row, n]][:16]
        no = [n for n in order if not positive[row, n]][: 32 - len(yes)]
        assert np.flatnonzero(np.asarray(ours[0])[row]).tolist() == sorted(yes)
        assert np.flatnonzero(np.asarray(ours[1])[row]).tolist() == sorted(no)


def test_chance_is_even_and_changes_with_what_it_comes_from():
    values = np.random.default_rng(3).normal(0, 1, (2, 4000)).astype(np.float32)
    numbers = np.asarray(chance(values))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.histogram(numbers, 10, (0, 1))[0]
    assert counts.min() > 0.85 * counts.mean()  # 3.5 standard deviations of 800
    after = np.asarray(chance(values + 1e-3))
    assert abs(np.corrcoef(numbers[0], after[0])[0, 1]) < 0.3
    np.testing.assert_array_equal(numbers, np.asarray(chance(values)))


def test_codes_in_a_graph_are_those_of_numpy_and_decode_again():
    rng = np.random.default_rng(4)
    boxes, references = some_boxes(rng, 9), some_boxes(rng, 9)
    centres = (references[:, :2] + references[:, 2:]) / 2
    as_anchors = np.concatenate([centres, references[:, 2:] - references[:, :2]], 1)
    codes = np.asarray(encode_codes(boxes, references))
    np.testing.assert_allclose(codes, encode_boxes(boxes, as_anchors), atol=1e-4)
    np.testing.assert_allclose(decode_codes(codes, references), boxes, atol=1e-3)


def test_the_code_of_nothing_is_a_number():
    nothing = np.zeros((1, 4), np.float32)
    whole = np.array([[0, 0, 10, 10]], np.float32)
    for pair in ((nothing, whole), (whole, nothing), (nothing, nothing)):
        assert np.isfinite(np.asarray(encode_codes(*pair))).all()


def test_a_border_leaves_anchors_out_that_stick_out_further():
    anchors = np.array([[0, 0, 9, 9], [-1, 0, 9, 9], [0, 0, 9, 12]], np.float32)
    assert inside(anchors, 0.0, 10, 20).tolist() == [True, False, False]
    assert inside(anchors, 1.0, 10, 20).tolist() == [True, True, False]
    assert inside(anchors, None, 10, 20).tolist() == [True, True, True]
