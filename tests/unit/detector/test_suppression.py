"""Suppression in fixed shapes against OpenCV's, which goes box by box."""

import cv2
import numpy as np
import pytest

from detector.suppression import (
    ClasswiseSuppression,
    pairwise_iou,
    survivors,
    take_rows,
)
from vod import boxes as numpy_boxes


def random_boxes(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corners, sides = rng.uniform(0, 60, (count, 2)), rng.uniform(5, 40, (count, 2))
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def opencv_kept(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    as_sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(as_sides.tolist(), scores.tolist(), 0.0, threshold)
    return sorted(np.asarray(kept).ravel().tolist())


def test_rows_are_taken_from_their_own_batch_entry():
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    taken = np.asarray(take_rows(values, np.array([[2, 0], [1, 1]])))
    assert taken.tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]


def test_iou_of_half_overlapping_squares_is_a_third_and_of_points_zero():
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [1, 1, 1, 1]], np.float32)
    found = np.asarray(pairwise_iou(boxes))
    np.testing.assert_allclose(found[0, 1], 1 / 3, rtol=1e-6)
    assert found[2].tolist() == [0, 0, 0]
    np.testing.assert_allclose(
        pairwise_iou(random_boxes(0, 20)),
        numpy_boxes.pairwise_iou(random_boxes(0, 20), random_boxes(0, 20)),
        atol=1e-6,
    )


def test_a_chain_is_judged_by_hand():
    # 0 drops 1, so 1 cannot drop 2: every second one stays.
    boxes = np.array([[x, 0, x + 10, 10] for x in (0, 4, 8, 12, 16)], np.float32)
    valid = np.ones(5, np.float32)
    kept = np.asarray(survivors(boxes, valid, iou_threshold=0.4, rounds=4))
    assert kept.tolist() == [1, 0, 1, 0, 1]
    # Two rounds judge only the first three boxes for good, and keep the rest.
    kept = np.asarray(survivors(boxes, valid, iou_threshold=0.4, rounds=2))
    assert kept.tolist() == [1, 0, 1, 1, 1]


def test_what_takes_no_part_drops_nothing():
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9]], np.float32)
    valid = np.array([0, 1], np.float32)
    kept = survivors(boxes, valid, iou_threshold=0.5, rounds=4)
    assert np.asarray(kept).tolist() == [0, 1]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_survivors_are_those_of_opencv(threshold):
    boxes = np.stack([random_boxes(seed, 120) for seed in range(4)])
    scores = np.linspace(1, 0.1, 120, dtype=np.float32)
    valid = np.ones((4, 120), np.float32)
    alive = survivors(boxes, valid, iou_threshold=threshold, rounds=32)
    for ours, entry in zip(np.asarray(alive), boxes, strict=True):
        assert np.flatnonzero(ours).tolist() == opencv_kept(entry, scores, threshold)


def test_detections_of_every_class_are_those_of_opencv():
    boxes = np.stack([random_boxes(seed, 60) for seed in (5, 6)])
    scores = np.random.default_rng(7).random((2, 60, 3), np.float32)
    layer = ClasswiseSuppression(
        candidates=60, detections=180, score_threshold=0.2, iou_threshold=0.4
    )
    found, values, labels = (np.asarray(x) for x in layer([boxes, scores]))
    assert (np.diff(values) <= 0).all()
    for entry in range(2):
        expected = set()
        for label in range(3):
            able = np.flatnonzero(scores[entry, :, label] > 0.2)
            kept = opencv_kept(boxes[entry, able], scores[entry, able, label], 0.4)
            expected |= {(label, *boxes[entry, able[i]].tolist()) for i in kept}
        real = values[entry] > 0
        ours = np.c_[labels[entry], found[entry]][real]
        assert {tuple(row) for row in ours.tolist()} == expected


def test_fewer_detections_than_asked_for_are_padded_with_score_zero():
    boxes = np.array([[[0, 0, 9, 9], [0, 0, 9, 9], [20, 0, 29, 9]]], np.float32)
    scores = np.array([[[0.9], [0.8], [0.7]]], np.float32)
    layer = ClasswiseSuppression(detections=3)
    found, values, labels = (np.asarray(x) for x in layer([boxes, scores]))
    np.testing.assert_allclose(values, [[0.9, 0.7, 0]])
    assert found[0, 1].tolist() == [20, 0, 29, 9]
    assert labels.dtype == np.int32


def test_the_layers_arguments_survive_its_config():
    layer = ClasswiseSuppression(candidates=7, iou_threshold=0.45)
    again = ClasswiseSuppression.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
