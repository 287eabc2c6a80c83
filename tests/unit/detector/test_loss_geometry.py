import numpy as np
import pytest

from detector.loss_geometry import generalised_iou, is_object, overlaps
from vod.boxes import pairwise_iou


def boxes_at_random(*shape):
    corners = np.random.default_rng(0).uniform(0, 50, (*shape, 2, 2))
    return np.sort(corners, axis=-2).reshape(*shape, 4).astype(np.float32)


def test_overlaps_are_those_of_vod_boxes_picture_by_picture():
    references, boxes = boxes_at_random(2, 7), boxes_at_random(2, 3)
    for first in (references, references[0]):
        got = np.asarray(overlaps(first, boxes))
        for picture in range(2):
            own = first[picture] if first.ndim == 3 else first
            expected = pairwise_iou(own, boxes[picture])
            np.testing.assert_allclose(got[picture], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([0, 0, 2, 2], 1.0),
        ([1, 0, 3, 2], 1 / 3),  # nothing of the box around both is left over
        ([4, 0, 6, 2], -1 / 3),  # 6 by 2 around two of 4: a third is empty
        ([1, 1, 3, 3], 1 / 7 - 2 / 9),
    ],
)
def test_generalised_iou_of_hand_worked_boxes(other, expected):
    one = np.array([0, 0, 2, 2], np.float32)
    got = generalised_iou(one, np.array(other, np.float32))
    assert float(got) == pytest.approx(expected, abs=1e-6)


def test_padding_and_boxes_without_area_are_no_objects():
    boxes = np.array([[[0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 1, 5], [3, 3, 2, 2]]], "f4")
    labels = np.array([[0, -1, 0, 0]], np.int32)
    assert np.asarray(is_object(boxes, labels)).tolist() == [
        [True, False, False, False]
    ]
