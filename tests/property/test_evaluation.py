"""Laws that hold for every ground truth and every result file."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scenes import make_found, make_truth
from vod.evaluation import FALSE_POSITIVE, PROTOCOLS, evaluate, match
from vod.evaluation.motion import false_positive_weights
from vod.evaluation.pairs import place
from vod.evaluation.plain_loop import plain_ap, plain_iou, plain_match

FRAMES = 4
# Sides on a coarse grid: equal overlaps, and IoUs of exactly one half, do occur.
SIDES = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4))
BOXES = SIDES.map(
    lambda s: (10.0 * s[0], 10.0 * s[1], 10.0 * (s[0] + s[2]) - 1, 10.0 * s[1] + 19)
)
OBJECTS = st.lists(
    st.tuples(st.integers(0, FRAMES - 1), st.integers(0, 1), BOXES), max_size=8
)
SCORES = st.integers(0, 3).map(lambda value: value / 4)  # ties everywhere
ROWS = st.lists(
    st.tuples(st.integers(1, FRAMES + 1), st.integers(0, 1), SCORES, BOXES), max_size=12
)
FAST = [name for name in PROTOCOLS if name != "coco"]


def truth_of(objects):
    tracked = (("a", f, label, box, i) for i, (f, label, box) in enumerate(objects))
    return make_truth({"a": FRAMES}, *tracked)


def values(scores):
    """All AP, None as -1."""
    return [-1 if value is None else value for value in scores.ap.values()]


@given(OBJECTS, ROWS, st.sampled_from(sorted(PROTOCOLS)))
def test_all_at_once_equals_one_by_one(objects, rows, protocol):
    truth, found = truth_of(objects), make_found(*rows)
    rule = PROTOCOLS[protocol].rule
    assert match(truth, found, rule).tolist() == plain_match(truth, found, rule)
    if protocol in ("devkit", "fixed50", "voc12"):
        ap = evaluate(truth, found, protocol=protocol).ap
        assert ap == pytest.approx(plain_ap(truth, found, rule), abs=1e-12)


@given(OBJECTS, ROWS)
def test_the_rule_of_coco_is_that_of_pycocotools_at_one_half(objects, rows):
    truth, found = truth_of(objects), make_found(*rows)
    rule = PROTOCOLS["coco"].rule
    hits = match(truth, found, rule) >= 0
    by_coco = evaluate(truth, found, protocol="coco")
    for label, name in enumerate(truth.classes):
        # A class is found or not found at all by both alike.
        if by_coco.ap[name] is not None:
            some = hits[found.labels == label].any()
            assert (by_coco.ap[name] > 0) == some


@given(OBJECTS.filter(bool), st.sampled_from(sorted(PROTOCOLS)))
def test_objects_as_detections_are_perfect(objects, protocol):
    # Under VOC, the second of two equal boxes of a frame and class cannot be found.
    objects = list(dict.fromkeys(objects))
    rows = ((f + 1, label, 0.5, box) for f, label, box in objects)
    scores = evaluate(truth_of(objects), make_found(*rows), protocol=protocol)
    assert scores.mean_ap == pytest.approx(1, abs=1e-9)


@given(OBJECTS, ROWS, st.sampled_from(sorted(PROTOCOLS)), st.randoms())
def test_the_order_of_frames_in_the_file_changes_nothing(
    objects, rows, protocol, random
):
    # Lines of one frame keep their order; lines of different frames, of equal score
    # too, may stand anywhere: the list of frames decides.
    truth = truth_of(objects)
    keys = {index: random.random() for index, *_ in rows}
    whole = sorted(rows, key=lambda row: keys[row[0]])
    expected = values(evaluate(truth, make_found(*rows), protocol=protocol))
    assert values(evaluate(truth, make_found(*whole), protocol=protocol)) == expected
    mixed = interleaved(rows, random)
    assert values(evaluate(truth, make_found(*mixed), protocol=protocol)) == expected


def interleaved(rows, random):
    """Mix lines of different frames; lines of one frame keep their order."""
    left = {index: [row for row in rows if row[0] == index] for index, *_ in rows}
    mixed = []
    while any(left.values()):
        mixed.append(left[random.choice([i for i, r in left.items() if r])].pop(0))
    return mixed


@given(OBJECTS, ROWS, st.sampled_from(sorted(PROTOCOLS)), st.randoms())
def test_the_order_of_frames_in_the_list_changes_nothing_without_ties(
    objects, rows, protocol, random
):
    rows = [(i, label, n / 64, box) for n, (i, label, _, box) in enumerate(rows)]
    truth, found = truth_of(objects), make_found(*rows)
    order = random.sample(range(FRAMES), FRAMES)
    moved = truth_of([(order.index(f), label, box) for f, label, box in objects])
    moved = replace(moved, frame_indices=truth.frame_indices[order])
    assert values(evaluate(moved, found, protocol=protocol)) == pytest.approx(
        values(evaluate(truth, found, protocol=protocol)), abs=1e-12
    )


@given(OBJECTS, ROWS, st.sampled_from(sorted(PROTOCOLS)), st.data())
def test_an_added_false_positive_never_raises_ap(objects, rows, protocol, data):
    # Far from every object it is certain to be one.
    label, score = data.draw(st.integers(0, 1)), data.draw(SCORES)
    place = data.draw(st.integers(0, len(rows)))
    far = (data.draw(st.integers(1, FRAMES)), label, score, (900.0, 900, 909, 909))
    truth = truth_of(objects)
    before = values(evaluate(truth, make_found(*rows), protocol=protocol))
    worse = make_found(*rows[:place], far, *rows[place:])
    after = values(evaluate(truth, worse, protocol=protocol))
    assert all(a <= b + 1e-12 for a, b in zip(after, before, strict=True))


@given(OBJECTS, ROWS, st.sampled_from(FAST))
def test_only_the_order_of_scores_matters(objects, rows, protocol):
    truth, found = truth_of(objects), make_found(*rows)
    scaled = replace(found, scores=np.exp(3 * found.scores) - 50)
    assert values(evaluate(truth, scaled, protocol=protocol)) == values(
        evaluate(truth, found, protocol=protocol)
    )


@given(OBJECTS, ROWS, st.sampled_from(FAST))
def test_detections_of_one_class_do_not_touch_another(objects, rows, protocol):
    truth = truth_of(objects)
    dogs = [row for row in rows if row[1] == 0]
    both = evaluate(truth, make_found(*rows), protocol=protocol)
    alone = evaluate(truth, make_found(*dogs), protocol=protocol)
    assert both.ap["dog"] == alone.ap["dog"]


@given(OBJECTS, ROWS, st.data())
def test_false_positives_weigh_in_motion_groups_what_fgfa_gives_them(
    objects, rows, data
):
    truth, found = truth_of(objects), make_found(*rows)
    flags = st.lists(st.booleans(), min_size=len(objects), max_size=len(objects))
    kept = np.array([data.draw(flags), data.draw(flags)], np.bool_).reshape(2, -1)
    placement = place(truth, found)
    taken = match(truth, found, PROTOCOLS["devkit"].rule)
    weights = false_positive_weights(
        truth,
        found,
        taken=taken,
        placement=placement,
        kept=kept,
        empty=np.array([0.25, 0.5]),
    )
    for group, empty in enumerate([0.25, 0.5]):
        expected = [
            plain_weight(truth, found, row, kept[group], empty)
            if taken[row] == FALSE_POSITIVE
            else 0
            for row in range(len(found))
        ]
        assert weights[group].tolist() == expected


def plain_weight(truth, found, row, kept, empty):
    """FGFA's rule for one unmatched detection."""
    here = np.flatnonzero(truth.object_frames == found.indices[row] - 1)
    if not len(here):
        return empty
    best = {True: -1.0, False: -1.0}
    for number in here:
        box = found.boxes[row].tolist()
        iou = plain_iou(box, truth.boxes[number].tolist(), 1)
        best[bool(kept[number])] = max(best[bool(kept[number])], iou)
    if best[True] == best[False]:
        return np.mean(~kept[here])
    return float(best[True] > best[False])
