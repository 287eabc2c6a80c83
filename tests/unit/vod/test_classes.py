import numpy as np
import pytest

from vod.classes import keep_labels, select_labels
from vod.errors import ConfigError
from vod.types import Detections

NAMES = ("person", "bicycle", "car")


def test_names_become_labels_in_their_order():
    assert select_labels("car, person", NAMES).tolist() == [2, 0]


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown class 'bycicle'.*'bicycle'"):
        select_labels("car,bycicle", NAMES)


@pytest.mark.parametrize("wanted", ["", " , "])
def test_no_name_at_all_is_refused(wanted):
    with pytest.raises(ConfigError, match="at least one class"):
        select_labels(wanted, NAMES)


def test_only_wanted_labels_are_kept_in_order():
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    scores = np.array([0.9, 0.5, 0.4], np.float32)
    found = Detections(boxes, scores, np.array([2, 1, 2], np.int32))
    kept = keep_labels(found, np.array([2, 0], np.int32))
    assert kept.labels.tolist() == [2, 2]
    assert np.array_equal(kept.boxes, boxes[[0, 2]])


def test_keeping_from_nothing_gives_nothing():
    assert len(keep_labels(Detections.empty(), np.array([1], np.int32))) == 0
