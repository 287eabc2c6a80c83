import numpy as np
import pytest

from tests.scenes import DOG, make_found, make_truth, square
from vod.errors import AnnotationError
from vod.evaluation.motion import motion_iou
from vod.evaluation.scoring import evaluate

STILL = square(0, 0, 100)


def moving(step, frames, *, track=0, snippet="a"):
    """A box of 100 pixels that moves `step` pixels a frame."""
    return [(snippet, f, DOG, square(200.0 + step * f, 0, 100), track) for f in frames]


def test_an_object_that_stands_still_has_motion_iou_1():
    truth = make_truth({"a": 3}, *moving(0, range(3)))
    assert motion_iou(truth).tolist() == [1, 1, 1]


def test_motion_iou_is_the_mean_over_the_frames_around():
    truth = make_truth({"a": 3}, *moving(50, range(3)))
    # One frame apart 50 / 150, two apart 0.
    assert motion_iou(truth) == pytest.approx([1 / 6, 1 / 3, 1 / 6])


def test_frames_without_the_object_are_skipped():
    truth = make_truth({"a": 6}, *moving(10, [0, 5]))
    assert motion_iou(truth) == pytest.approx([50 / 150, 50 / 150])


def test_the_window_ends_ten_frames_away():
    truth = make_truth({"a": 30}, *moving(1, [0, 10]), *moving(1, [0, 11], track=1))
    # By frame: both objects of frame 0, then frame 10, then frame 11.
    assert motion_iou(truth) == pytest.approx([90 / 110, 1, 90 / 110, 1])


def test_an_object_that_never_overlaps_itself_has_almost_no_motion_iou():
    truth = make_truth({"a": 3}, *moving(500, range(3)))
    assert motion_iou(truth) == pytest.approx([5e-11] * 3, rel=1e-9)


def test_tracks_of_other_snippets_are_other_objects():
    truth = make_truth(
        {"a": 1, "b": 1}, *moving(0, [0]), *moving(0, [0], snippet="b", track=0)
    )
    assert motion_iou(truth).tolist() == [1, 1]


def test_a_track_that_a_frame_holds_twice_is_compared_with_other_frames_only():
    truth = make_truth(
        {"a": 2},
        ("a", 0, DOG, STILL, 0),
        ("a", 0, DOG, square(500, 0, 100), 0),
        ("a", 1, DOG, STILL, 0),
    )
    assert motion_iou(truth) == pytest.approx([1, 1e-10, 0.5])


def test_objects_without_track_ids_are_named():
    truth = make_truth({"a": 1}, ("a", 0, DOG, STILL, -1))
    with pytest.raises(AnnotationError, match=r"1 objects have no track id.*a/000000"):
        motion_iou(truth)


def test_no_objects_have_no_motion():
    assert len(motion_iou(make_truth({"a": 1}))) == 0


def scores(truth, *rows):
    return evaluate(truth, make_found(*rows), motion=True)


@pytest.fixture
def slow_and_fast():
    """A slow dog and, elsewhere in the same two frames, a fast one."""
    still = [("a", f, DOG, STILL, 1) for f in range(2)]
    return make_truth({"a": 2}, *still, *moving(80, range(2)))


def test_objects_of_other_groups_are_neither_found_nor_missed(slow_and_fast):
    found = scores(slow_and_fast, *((i, DOG, 0.9, STILL) for i in (1, 2)))
    assert found.motion["slow"].mean_ap == 1
    assert found.motion["fast"].mean_ap == 0
    assert found.motion["medium"].mean_ap is None
    assert found.motion["slow"].num_ground_truth == 2
    assert found.motion_strict["slow"].ap == {"dog": 1, "cat": None}


def test_a_false_positive_belongs_to_the_group_that_it_overlaps_most(slow_and_fast):
    near_slow = (60.0, 0.0, 159.0, 99.0)  # 40 / 160 of the slow dog, none of the fast
    found = scores(
        slow_and_fast,
        (1, DOG, 0.9, near_slow),
        *((i, DOG, 0.5, STILL) for i in (1, 2)),
        (1, DOG, 0.5, square(200, 0, 100)),
        (2, DOG, 0.5, square(280, 0, 100)),
    )
    assert found.motion["slow"].mean_ap == pytest.approx(2 / 3)
    assert found.motion["fast"].mean_ap == 1
    # Strictly, it is a false positive of both.
    assert found.motion_strict["fast"].mean_ap == pytest.approx(2 / 3)


def test_a_false_positive_far_from_all_counts_the_ignored_share(slow_and_fast):
    far = square(700, 700, 50)
    found = scores(
        slow_and_fast,
        (1, DOG, 0.9, far),
        *((i, DOG, 0.5, STILL) for i in (1, 2)),
    )
    # One of the two objects of the frame is ignored: half a false positive.
    assert found.motion["slow"].mean_ap == pytest.approx(2 / 2.5)


def test_on_an_empty_frame_it_counts_the_share_of_the_table():
    truth = make_truth({"a": 3}, *(("a", f, DOG, STILL, 1) for f in range(2)))
    found = scores(truth, (3, DOG, 0.9, STILL), *((i, DOG, 0.5, STILL) for i in (1, 2)))
    # Two slow objects and one empty frame, which counts as fast: 2/3.
    assert found.motion["slow"].mean_ap == pytest.approx(2 / (2 + 2 / 3))
    assert found.motion["fast"].mean_ap is None


def test_the_ends_of_the_ranges_are_shared_but_not_strictly():
    # 18 of 20 rows are shared.
    boxes = [(0.0, 0.0, 9.0, 17.0), (0.0, 0.0, 9.0, 19.0)]
    truth = make_truth(
        {"a": 2}, *(("a", f, DOG, box, 0) for f, box in enumerate(boxes))
    )
    assert np.all(motion_iou(truth) == 0.9)
    found = scores(truth)
    counts = {name: group.num_ground_truth for name, group in found.motion.items()}
    assert counts == {"slow": 2, "medium": 2, "fast": 0}
    strict = {n: group.num_ground_truth for n, group in found.motion_strict.items()}
    assert strict == {"slow": 0, "medium": 2, "fast": 0}
