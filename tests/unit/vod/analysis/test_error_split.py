import json

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, square
from vod.analysis.error_split import split_errors
from vod.analysis.overlaps import ERRORS, NO_ERROR, find_flaws
from vod.analysis.ranking import rank
from vod.errors import ConfigError

BOX = square(0, 0, 100)
SHIFTED = (50.0, 0.0, 149.0, 99.0)  # IoU 50 / 150 = 1 / 3 with BOX
ELSEWHERE = square(500, 500, 100)


def kinds(truth, found, **options):
    ranking = rank(truth, found, **options)
    flaws = find_flaws(ranking, 0.1)
    names = {NO_ERROR: "right", **dict(enumerate(ERRORS))}
    by_row = np.argsort(ranking.rows)
    return [names[kind] for kind in flaws.kinds[by_row].tolist()]


def test_every_false_positive_has_its_kind():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0))
    found = make_found(
        (1, DOG, 0.9, BOX),
        (1, DOG, 0.8, BOX),
        (1, DOG, 0.7, SHIFTED),
        (1, CAT, 0.6, BOX),
        (1, CAT, 0.5, SHIFTED),
        (1, CAT, 0.4, ELSEWHERE),
        (2, DOG, 0.3, BOX),
    )
    expected = ["right", "duplicate", "localisation", "class", "both"]
    assert kinds(truth, found) == [*expected, "background", "background"]


def test_localisation_comes_before_class_and_class_before_duplicate():
    truth = make_truth(
        {"v": 1}, ("v", 0, DOG, BOX, 0), ("v", 0, CAT, square(4, 0, 100), 1)
    )
    found = make_found((1, DOG, 0.9, BOX), (1, DOG, 0.8, BOX), (1, CAT, 0.1, SHIFTED))
    assert kinds(truth, found)[1] == "class"
    assert kinds(truth, found)[2] == "localisation"


def test_a_small_object_has_its_own_threshold_under_devkit_alone():
    # A 10 x 10 object is found from IoU 100 / 400 on: 10 x 4 of 10 x 10 is enough.
    truth = make_truth({"v": 1}, ("v", 0, DOG, square(0, 0, 10), 0))
    found = make_found((1, CAT, 0.9, (0, 0, 9, 3)))
    assert kinds(truth, found) == ["class"]
    assert kinds(truth, found, protocol="fixed50") == ["both"]


def split(truth, *rows):
    return split_errors(rank(truth, make_found(*rows)))


def only(cost, **expected):
    """Check the costs of all kinds; those not named cost nothing."""
    names = (*ERRORS, "missed")
    assert {name: cost[name] for name in names} == pytest.approx(
        {**dict.fromkeys(names, 0.0), **expected}
    )


def test_mending_a_localisation_error_makes_a_true_positive_of_the_best_alone():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, DOG, BOX, 0))
    rows = [
        (1, DOG, 0.9, BOX),
        (2, DOG, 0.8, SHIFTED),
        (2, DOG, 0.7, SHIFTED),
        (1, DOG, 0.6, SHIFTED),
    ]
    result = split(truth, *rows)
    assert result.mean_ap == pytest.approx(1 / 2)
    # .8 takes the object of frame 2; .7 points at the same, .6 at a taken one: gone.
    only(result.cost, localisation=1 / 2)
    assert result.counts["localisation"] == 3
    assert result.counts["missed"] == 0


def test_mending_a_class_error_moves_the_detection_to_the_objects_class():
    truth = make_truth(
        {"v": 3},
        ("v", 0, DOG, BOX, 0),
        ("v", 1, DOG, BOX, 0),
        ("v", 2, CAT, BOX, 1),
    )
    rows = [
        (2, CAT, 0.9, BOX),  # a dog
        (1, DOG, 0.8, ELSEWHERE),
        (1, DOG, 0.7, BOX),
        (3, CAT, 0.6, BOX),
    ]
    result = split(truth, *rows)
    # dog: 1/2 of precision 1/2; cat: precision 1/2.
    assert result.mean_ap == pytest.approx((1 / 4 + 1 / 2) / 2)
    # dog: .9 hit, .8 miss, .7 hit: (1 + 2 / 3) / 2; cat: 1.
    mended = ((1 + 2 / 3) / 2 + 1) / 2
    without_background = (1 / 2 + 1 / 2) / 2
    before = (1 / 4 + 1 / 2) / 2
    expected = {
        "class": mended - before,
        "background": without_background - before,
    }
    only(result.cost, **expected)
    assert result.by_class["cat"]["class"] == 1


def test_duplicates_and_background_go_away_when_mended():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, DOG, BOX, 0))
    rows = [
        (1, DOG, 0.9, BOX),
        (1, DOG, 0.8, BOX),
        (1, DOG, 0.7, ELSEWHERE),
        (2, DOG, 0.6, BOX),
    ]
    result = split(truth, *rows)
    base = (1 + 2 / 4) / 2
    assert result.mean_ap == pytest.approx(base)
    fixed = (1 + 2 / 3) / 2 - base
    only(result.cost, duplicate=fixed, background=fixed)
    assert result.cost["false_positive"] == pytest.approx(1 - base)
    assert result.cost["false_negative"] == pytest.approx(0)


def test_a_missed_object_is_one_that_no_error_points_at():
    truth = make_truth({"v": 3}, *(("v", frame, DOG, BOX, 0) for frame in range(3)))
    result = split(truth, (1, DOG, 0.9, BOX), (2, DOG, 0.8, SHIFTED))
    assert result.counts["missed"] == 1
    assert result.mean_ap == pytest.approx(1 / 3)
    only(result.cost, missed=1 / 2 - 1 / 3, localisation=2 / 3 - 1 / 3)
    assert result.cost["false_negative"] == pytest.approx(1 - 1 / 3)


def test_an_empty_file_misses_everything():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    result = split(truth)
    assert result.counts == {**dict.fromkeys(ERRORS, 0), "missed": 1}
    assert result.mean_ap == 0


def test_without_objects_nothing_has_a_cost():
    values = split(make_truth({"v": 1}), (1, DOG, 0.5, BOX)).to_json()
    assert values["mAP"] is None
    assert set(values["dAP"].values()) == {None}
    assert values["counts"]["background"] == 1
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize("value", [0, 0.5, float("nan")])
def test_a_background_overlap_out_of_range_is_refused(value):
    ranking = rank(make_truth({"v": 1}), make_found())
    with pytest.raises(ConfigError, match="must lie between 0 and 0"):
        split_errors(ranking, background_iou=value)
