"""Two sets of boxes become one."""

from dataclasses import replace

import numpy as np
import pytest

from propagate.fusion import associate, fuse
from propagate.tracked import Tracked
from tests.builders import make_detections
from vod.types import Detections

HERE, RIGHT, FAR = (0, 0, 10, 10), (5, 0, 15, 10), (40, 40, 50, 50)  # IoU 1/3, 0


def tracked(*rows, key_frame=0, age=0):
    found = Tracked.fresh(make_detections(*rows), key_frame)
    return replace(found, ages=found.ages + age)


def pairs_of(forward, backward):
    found = associate(forward, backward)
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_boxes_that_overlap_are_one_object():
    forward = tracked((FAR, 0.5, 0), (HERE, 0.9, 0))
    backward = tracked((RIGHT, 0.8, 0))
    found = associate([forward], [backward])
    assert (found.first.tolist(), found.second.tolist()) == ([1], [0])
    assert found.first_alone.tolist() == [0]
    assert found.second_alone.tolist() == []


def test_boxes_of_two_classes_are_two_objects():
    assert pairs_of([tracked((HERE, 0.9, 0))], [tracked((HERE, 0.9, 1))]) == []


def test_the_overlap_is_the_mean_over_the_frames():
    here, right, far = (tracked((box, 0.9, 0)) for box in (HERE, RIGHT, FAR))
    # IoU 1/3 is enough, (1 + 0 + 0) / 3 too, (1/3 + 0) / 2 is not.
    assert pairs_of([here], [right]) == [(0, 0)]
    assert pairs_of([here] * 3, [here, far, far]) == [(0, 0)]
    assert pairs_of([here] * 2, [right, far]) == []


def wide(*lefts):
    """Boxes 20 pixels wide in one row: d pixels apart, IoU (20 - d) / (20 + d)."""
    return tracked(*(((left, 0, left + 20, 10), 0.9, 0) for left in lefts))


def test_pairs_have_the_greatest_overlap_in_all():
    # The best single pair is (0, 0), 18/22; with (1, 1), 4/36, that is less than
    # 13/27 twice.
    assert pairs_of([wide(0, 9)], [wide(2, -7)]) == [(0, 1), (1, 0)]
    # Two pixels on, it is more than 13/27 + 11/29; 2/38 is too little for a pair.
    assert pairs_of([wide(0, 11)], [wide(2, -7)]) == [(0, 0)]


@pytest.mark.parametrize("swap", [False, True])
def test_an_empty_side_leaves_the_other_alone(swap):
    none, one = Tracked.fresh(Detections.empty(), 0), tracked((HERE, 0.9, 0))
    sides = ([one], [none]) if swap else ([none], [one])
    found = associate(*sides)
    assert len(found.first) == len(found.second) == 0
    assert (len(found.first_alone), len(found.second_alone)) == (swap, not swap)


def test_a_pair_is_the_mean_weighted_by_nearness():
    forward = [tracked(((0, 0, 8, 8), 0.8, 3), key_frame=10, age=1)]
    backward = [tracked(((2, 0, 10, 12), 0.4, 3), key_frame=14, age=3)]
    pairs = associate(forward, backward)
    found = fuse(forward[0], backward[0], pairs, share=0.25)
    assert found.detections.boxes.tolist() == [[0.5, 0, 8.5, 9]]
    assert found.detections.scores.tolist() == pytest.approx([0.7])
    assert found.detections.labels.tolist() == [3]


@pytest.mark.parametrize(
    ("share", "key_frame", "age"), [(0.25, 10, 1), (0.5, 10, 2), (0.75, 14, 1)]
)
def test_a_pair_comes_from_the_nearer_key_frame(share, key_frame, age):
    forward = tracked((HERE, 0.8, 0), key_frame=10, age=round(4 * share))
    backward = tracked((HERE, 0.8, 0), key_frame=14, age=round(4 * (1 - share)))
    forward = replace(forward, confidences=np.array([0.5], np.float32))
    pairs = associate([forward], [backward])
    found = fuse(forward, backward, pairs, share=share)
    assert (found.key_frames.tolist(), found.ages.tolist()) == ([key_frame], [age])
    assert found.confidences.tolist() == pytest.approx([0.5 + share / 2])


def test_a_lone_boxs_score_falls_with_the_root_of_the_distance():
    forward, backward = tracked((HERE, 0.8, 0)), tracked((FAR, 0.8, 1), key_frame=4)
    found = fuse(forward, backward, associate([forward], [backward]), share=0.75)
    # Nearness 1/4 to the first key frame, 3/4 to the second.
    assert found.detections.scores.tolist() == pytest.approx([0.4, 0.8 * 0.75**0.5])
    assert found.detections.boxes.tolist() == [list(HERE), list(FAR)]
    assert found.key_frames.tolist() == [0, 4]


def test_a_fused_set_is_single_precision():
    forward = tracked((HERE, 0.8, 0), (FAR, 0.8, 0))
    backward = tracked((RIGHT, 0.8, 0))
    found = fuse(forward, backward, associate([forward], [backward]), share=0.3)
    detections = found.detections
    kinds = {a.dtype for a in (detections.boxes, detections.scores, found.confidences)}
    assert kinds == {np.dtype(np.float32)}
