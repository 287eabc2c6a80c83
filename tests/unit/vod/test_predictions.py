import numpy as np
import pytest

from tests.builders import make_detections
from vod.errors import ShapeError
from vod.predictions import Predictions


def test_detections_become_columns_with_the_last_pixel_included():
    frame = make_detections(((10, 20, 30, 60), 0.5, 1), ((0, 0, 8, 8), 0.25, 0))
    found = Predictions.from_detections({7: frame}, ["car", "dog"])
    assert len(found) == 2
    assert found.indices.tolist() == [7, 7]
    assert found.labels.tolist() == [1, 0]
    assert found.boxes[0].tolist() == [10, 20, 29, 59]
    assert found.ages.tolist() == [-1, -1]


def test_a_label_outside_the_classes_is_refused():
    frame = make_detections(((0, 0, 8, 8), 0.5, 2))
    with pytest.raises(ShapeError, match=r"labels must lie in 0 to 1, received 2 to 2"):
        Predictions.from_detections({1: frame}, ["car", "dog"])


def test_aligned_labels_are_the_ground_truths_and_unknown_classes_come_behind():
    frame = make_detections(*(((0, 0, 8, 8), 0.5, label) for label in (0, 1, 2, 0)))
    found = Predictions.from_detections({1: frame}, ["person", "cow", "sofa"])
    aligned = found.aligned(["dog", "cattle"])
    assert aligned.classes == ("dog", "cattle", "person", "sofa")
    assert aligned.labels.tolist() == [2, 1, 3, 2]
    assert aligned.labels.dtype == np.int32
    assert aligned.class_map(["dog", "cattle"]).to_json() == {
        "renamed": {"cow": "cattle"},
        "left_out": ["person", "sofa"],
        "never_found": ["dog"],
    }
    assert aligned.aligned(["dog", "cattle"]) is aligned


def test_no_detection_at_all_can_be_aligned():
    found = Predictions.from_detections({}, ["person"]).aligned(["dog"])
    assert len(found) == 0
    assert found.classes == ("dog", "person")
