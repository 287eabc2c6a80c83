import numpy as np
import pytest

from vod.errors import ShapeError
from vod.types import Detections, Frame


def detections(scores=(0.9, 0.5), labels=(3, 1)):
    count = len(scores)
    boxes = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    return Detections(boxes, np.float32(scores), np.int32(labels))


def test_a_frame_tells_its_size_rows_first():
    frame = Frame(7, 0.28, np.zeros((4, 6, 3), np.uint8))
    assert (frame.height, frame.width) == (4, 6)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((4, 6, 3), np.float32),
    ],
)
def test_a_frame_that_is_not_rgb_bytes_is_refused_by_index(rgb):
    with pytest.raises(ShapeError, match=r"frame 7 must be \(H, W, 3\) uint8"):
        Frame(7, 0.0, rgb)


def test_detections_have_a_length():
    assert len(detections()) == 2


def test_empty_detections_are_ordinary():
    empty = Detections.empty()
    assert len(empty) == 0
    assert empty.boxes.shape == (0, 4)
    assert empty.boxes.dtype == np.float32
    assert empty.labels.dtype == np.int32
    assert len(empty.select(np.zeros(0, np.bool_))) == 0


def test_select_takes_a_mask():
    chosen = detections().select(np.array([False, True]))
    assert chosen.labels.tolist() == [1]
    assert chosen.boxes.tolist() == [[4, 5, 6, 7]]


def test_select_takes_indices_in_their_order():
    chosen = detections().select(np.array([1, 0]))
    assert chosen.scores.tolist() == [0.5, pytest.approx(0.9)]
    assert chosen.labels.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("boxes", "labels"), [((2, 4), (1,)), ((1, 4), (2,)), ((2, 5), (2,)), ((8,), (2,))]
)
def test_arrays_of_unequal_length_are_refused(boxes, labels):
    with pytest.raises(ShapeError, match="detections must share their length"):
        Detections(
            np.zeros(boxes, np.float32),
            np.zeros(2, np.float32),
            np.zeros(labels, np.int32),
        )


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan, np.inf])
def test_scores_outside_0_to_1_are_refused(score):
    with pytest.raises(ValueError, match=r"scores must lie in \[0, 1\]"):
        detections(scores=(0.5, score))
