import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.errors import ShapeError
from vod.evaluation.average_precision import ap_from_hits


def ap(hits, objects, **options):
    """AP of hits that come best first."""
    scores = -np.arange(len(hits), dtype=np.float64)
    return ap_from_hits(scores, np.array(hits, np.bool_), objects, **options)


@pytest.mark.parametrize(
    ("hits", "objects", "expected"),
    [
        ([], 3, 0),
        ([1], 1, 1),
        ([0, 0], 2, 0),
        ([1, 0, 1], 2, (1 + 2 / 3) / 2),
        # Precisions 0, 1/2, 2/3: the envelope lifts the first hit to 2/3.
        ([0, 1, 1], 2, 2 / 3),
        ([1, 0], 4, 1 / 4),
    ],
)
def test_the_area_lies_under_the_envelope(hits, objects, expected):
    assert ap(hits, objects) == pytest.approx(expected, abs=1e-12)


def test_eleven_points_ask_for_the_best_precision_from_each_recall_on():
    # Recall 1/2 at precision 1, recall 1 at 2/3: points 0 to .5 and .6 to 1.
    found = ap([1, 0, 1], 2, interpolation="eleven")
    assert found == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)


def test_a_recall_point_that_rounding_puts_out_of_reach_is_not_reached():
    # 3/10 < 0.30000000000000004 = linspace(0, 1, 11)[3], as in the references.
    found = ap([1, 1, 1], 10, interpolation="eleven")
    assert found == pytest.approx(3 / 11)


def test_a_hundred_and_one_points_are_averaged():
    # Recall 1/2 at precision 1: points 0 to .5 are 51 of 101.
    assert ap([1], 2, interpolation="hundred-one") == pytest.approx(51 / 101)


def test_scores_decide_and_equal_scores_keep_their_order():
    hits = np.array([False, True, True])
    assert ap_from_hits(np.array([0.1, 0.9, 0.9]), hits, 2) == 1
    assert ap_from_hits(np.array([0.5, 0.5, 0.5]), hits, 2) == pytest.approx(2 / 3)


def test_a_false_positive_may_count_in_part_or_not_at_all():
    weights = np.array([0.5, 9.0])
    # 1 hit of 1.5 detections; the weight of a hit is not looked at.
    assert ap([0, 1], 1, weights=weights) == pytest.approx(2 / 3)
    assert ap([0, 1], 1, weights=np.zeros(2)) == 1
    assert ap([0, 0], 1, weights=np.zeros(2)) == 0


@pytest.mark.parametrize(("scores", "objects"), [([0.5], 1), ([0.5, 0.4], 0)])
def test_columns_that_do_not_fit_are_named(scores, objects):
    with pytest.raises(ShapeError, match=r"needs one score a hit and at least 1 obj"):
        ap_from_hits(np.array(scores), np.array([True, False]), objects)


@given(
    st.lists(st.booleans(), max_size=20),
    st.integers(0, 5),
    st.sampled_from(["area", "eleven", "hundred-one"]),
)
def test_ap_lies_between_0_and_1_and_a_false_positive_never_raises_it(
    hits, unfound, interpolation
):
    objects = max(sum(hits) + unfound, 1)
    value = ap(hits, objects, interpolation=interpolation)
    assert 0 <= value <= 1 + 1e-12
    for place in range(len(hits) + 1):
        worse = [*hits[:place], False, *hits[place:]]
        assert ap(worse, objects, interpolation=interpolation) <= value + 1e-12
