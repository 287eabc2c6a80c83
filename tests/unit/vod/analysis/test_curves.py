import json

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.analysis.curves import precision_recall_curves
from vod.analysis.ranking import rank
from vod.errors import ConfigError
from vod.evaluation.average_precision import INTERPOLATIONS, precision_recall

BOX = square(10, 10, 100)
ELSEWHERE = square(500, 500, 100)


def curves():
    truth = make_truth({"v": 4}, *(("v", frame, DOG, BOX, 0) for frame in range(4)))
    found = make_found(
        (1, DOG, 0.9, BOX),
        (1, DOG, 0.8, ELSEWHERE),
        (2, DOG, 0.7, BOX),
        (3, DOG, 0.7, ELSEWHERE),
        (3, CAT, 0.6, BOX),
    )
    return precision_recall_curves(rank(truth, found))


def test_a_curve_has_a_point_at_every_true_positive():
    dog = curves().curves[DOG]
    assert dog.recall.tolist() == [1 / 4, 2 / 4]
    assert dog.precision.tolist() == pytest.approx([1, 2 / 3])
    assert dog.scores.tolist() == [0.9, 0.7]
    assert (dog.num_objects, dog.num_detections) == (4, 4)


def test_the_best_f1_counts_all_detections_of_an_equal_score():
    # At 0.9: 2 x 1 / (1 + 4) = 0.4. At 0.7, with both: 2 x 2 / (4 + 4) = 0.5.
    dog = curves().curves[DOG]
    assert dog.best_f1 == pytest.approx(0.5)
    assert dog.best_score == 0.7


def test_precision_at_a_recall_is_the_best_from_there_on():
    at = curves().curves[DOG].at_recalls
    assert at[[0, 25, 26, 50]].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert at[51] == 0


def test_a_class_without_objects_has_no_say_in_the_mean():
    both = curves()
    assert np.isnan(both.curves[CAT].at_recalls).all()
    assert both.mean_precision == pytest.approx(both.curves[DOG].at_recalls)
    assert both.best_scores.tolist() == [0.7, np.inf]


def test_a_thinned_curve_keeps_its_ends_and_its_exact_summary():
    ranking = rank(*random_scene(1))
    whole, thin = (precision_recall_curves(ranking, max_points=n) for n in (500, 4))
    for full, few in zip(whole.curves, thin.curves, strict=True):
        assert len(few.recall) == min(4, len(full.recall))
        assert few.recall[[0, -1]].tolist() == full.recall[[0, -1]].tolist()
        assert few.best_f1 == full.best_f1
        assert few.at_recalls.tolist() == full.at_recalls.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_at_101_recalls_is_the_evaluators_interpolation(seed):
    ranking = rank(*random_scene(seed))
    drawn = precision_recall_curves(ranking).curves
    for curve, part in zip(drawn, ranking.parts(), strict=True):
        points = precision_recall(ranking.hits[part], curve.num_objects)
        peer = INTERPOLATIONS["hundred-one"](*points)
        assert curve.at_recalls.mean() == pytest.approx(peer, abs=1e-12)


def test_json_is_plain():
    values = json.loads(json.dumps(curves().to_json()))
    assert values["classes"]["dog"]["best_f1"] == 0.5
    assert values["classes"]["cat"]["best_score"] is None
    assert len(values["mean_precision"]) == len(values["recall"]) == 101


def test_nothing_at_all_gives_empty_curves():
    nothing = precision_recall_curves(rank(make_truth({"v": 1}), make_found()))
    assert np.isnan(nothing.mean_precision).all()
    assert len(nothing.curves[DOG].recall) == 0


def test_a_curve_of_one_point_is_refused():
    with pytest.raises(ConfigError, match="at least 2 points, received 1"):
        precision_recall_curves(rank(make_truth({"v": 1}), make_found()), max_points=1)
