"""Laws of boxes, on random ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vod.boxes import box_area, non_maximum_suppression, pairwise_iou, survivors

floats = st.floats(-50, 50, width=32)
# Quarter pixels are exact in float32, so that equality of IoU means equality of boxes.
quarters = st.integers(-80, 80).map(lambda value: value / 4)
thresholds = st.floats(0, 1)


@st.composite
def box_lists(draw, coordinates=floats, max_size=8):
    rows = draw(st.lists(st.tuples(*[coordinates] * 4), max_size=max_size))
    boxes = np.float32(rows).reshape(-1, 4)
    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    high = np.maximum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, high], axis=1)


@st.composite
def scored(draw):
    boxes = draw(box_lists(max_size=12))
    scores = draw(
        st.lists(
            st.sampled_from([0.1, 0.5, 0.5, 0.9]) | st.floats(0, 1, width=32),
            min_size=len(boxes),
            max_size=len(boxes),
        )
    )
    labels = draw(st.lists(st.integers(0, 2), min_size=len(boxes), max_size=len(boxes)))
    return boxes, np.float32(scores), np.int32(labels)


@given(box_lists(), box_lists())
def test_iou_is_symmetric_and_between_0_and_1(first, second):
    iou = pairwise_iou(first, second)
    assert ((iou >= 0) & (iou <= 1)).all()
    np.testing.assert_array_equal(iou, pairwise_iou(second, first).T)


def plain_iou(one, other):
    """IoU of two boxes as it is defined, in float32."""
    zero = np.float32(0)
    width = max(min(one[2], other[2]) - max(one[0], other[0]), zero)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), zero)
    areas = [max(b[2] - b[0], zero) * max(b[3] - b[1], zero) for b in (one, other)]
    overlap = width * height
    union = areas[0] + areas[1] - overlap
    return overlap / union if union > 0 else zero


@given(*[st.lists(st.tuples(*[floats] * 4), max_size=6)] * 2)
def test_iou_is_that_of_each_pair_to_the_bit(first, second):
    # Any corners: turned inside out, without area, or beyond 0.
    one, other = (np.float32(rows).reshape(-1, 4) for rows in (first, second))
    expected = [[plain_iou(a, b) for b in other] for a in one]
    np.testing.assert_array_equal(
        pairwise_iou(one, other),
        np.float32(expected).reshape(len(one), len(other)),
    )


@given(box_lists(quarters), box_lists(quarters))
def test_iou_is_1_for_equal_boxes_with_area_and_no_others(first, second):
    equal = (first[:, None] == second[None]).all(axis=2)
    np.testing.assert_array_equal(
        pairwise_iou(first, second) == 1, equal & (box_area(first) > 0)[:, None]
    )


@given(box_lists(quarters), st.integers(-20, 20), st.sampled_from([0.5, 2, 4]))
def test_iou_does_not_change_when_all_boxes_move_or_grow_together(boxes, move, grow):
    np.testing.assert_allclose(
        pairwise_iou(grow * boxes + move, grow * boxes + move),
        pairwise_iou(boxes, boxes),
        rtol=1e-6,
    )


@given(scored(), thresholds)
def test_nms_keeps_a_sorted_subset_without_overlap(detections, iou_threshold):
    boxes, scores, labels = detections
    kept = non_maximum_suppression(*detections, iou_threshold=iou_threshold)
    assert len(set(kept.tolist())) == len(kept)
    assert set(kept.tolist()) <= set(range(len(boxes)))
    assert (np.diff(scores[kept]) <= 0).all()
    overlap = pairwise_iou(boxes[kept], boxes[kept]) > iou_threshold
    same = labels[kept][:, None] == labels[kept][None]
    assert not (overlap & same & ~np.eye(len(kept), dtype=bool)).any()


@given(scored(), thresholds)
def test_nms_of_its_own_result_changes_nothing(detections, iou_threshold):
    kept = non_maximum_suppression(*detections, iou_threshold=iou_threshold)
    again = non_maximum_suppression(
        *(array[kept] for array in detections), iou_threshold=iou_threshold
    )
    assert again.tolist() == list(range(len(kept)))


@given(scored(), thresholds)
def test_nms_drops_only_what_a_better_kept_box_overlaps(detections, iou_threshold):
    boxes, scores, labels = detections
    kept = non_maximum_suppression(*detections, iou_threshold=iou_threshold)
    for dropped in set(range(len(boxes))) - set(kept.tolist()):
        overlap = pairwise_iou(boxes[[dropped]], boxes[kept])[0] > iou_threshold
        reason = overlap & (labels[kept] == labels[dropped])
        assert (reason & (scores[kept] >= scores[dropped])).any()


@given(scored(), thresholds)
def test_nms_treats_each_class_alone(detections, iou_threshold):
    boxes, scores, labels = detections
    kept = non_maximum_suppression(*detections, iou_threshold=iou_threshold)
    for label in range(3):
        of_class = np.flatnonzero(labels == label)
        alone = non_maximum_suppression(
            boxes[of_class],
            scores[of_class],
            labels[of_class],
            iou_threshold=iou_threshold,
        )
        expected = [i for i in kept.tolist() if labels[i] == label]
        assert of_class[alone].tolist() == expected


def one_by_one(boxes, scores, labels, iou_threshold):
    """Suppression as it is defined: from the best box down."""
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        overlap = pairwise_iou(boxes[[i]], boxes[kept])[0] if kept else np.zeros(0)
        if not ((overlap > iou_threshold) & (labels[kept] == labels[i])).any():
            kept.append(i)
    return kept


@given(scored(), thresholds)
def test_nms_of_all_at_once_is_nms_box_by_box(detections, iou_threshold):
    kept = non_maximum_suppression(*detections, iou_threshold=iou_threshold)
    assert kept.tolist() == one_by_one(*detections, iou_threshold)


@given(scored(), scored(), thresholds)
def test_nms_of_two_sets_at_once_is_that_of_each(first, second, iou_threshold):
    count = min(len(first[0]), len(second[0]))
    boxes, scores = (np.stack([first[k][:count], second[k][:count]]) for k in range(2))
    labels = first[2][:count]
    both = survivors(boxes, scores, labels, iou_threshold=iou_threshold)
    for i in range(2):
        alone = one_by_one(boxes[i], scores[i], labels, iou_threshold)
        assert np.flatnonzero(both[i]).tolist() == sorted(alone)


@given(box_lists(), box_lists(), box_lists(), box_lists())
def test_iou_of_two_pairs_of_sets_is_that_of_each(a, b, c, d):
    first, second = min(len(a), len(c)), min(len(b), len(d))
    one, other = np.stack([a[:first], c[:first]]), np.stack([b[:second], d[:second]])
    together = pairwise_iou(one, other)
    for i in range(2):
        np.testing.assert_array_equal(together[i], pairwise_iou(one[i], other[i]))
