import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.analysis.grouped import class_ap
from vod.analysis.ranking import rank
from vod.errors import AnnotationError, ConfigError
from vod.evaluation.average_precision import ap_from_hits

BOX = square(10, 10, 100)
ELSEWHERE = square(500, 500, 100)


def test_detections_stand_by_class_best_first_equal_scores_by_frame_then_line():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0))
    found = make_found(
        (2, DOG, 0.5, ELSEWHERE),
        (1, CAT, 0.9, BOX),
        (1, DOG, 0.5, ELSEWHERE),
        (1, DOG, 0.5, BOX),
        (1, DOG, 0.7, ELSEWHERE),
    )
    ranking = rank(truth, found)
    assert ranking.rows.tolist() == [4, 2, 3, 0, 1]
    assert ranking.starts.tolist() == [0, 4, 5]
    assert ranking.labels.tolist() == [DOG, DOG, DOG, DOG, CAT]
    assert ranking.objects.tolist() == [-1, -1, 0, -1, -1]
    assert ranking.frames.tolist() == [0, 0, 0, 1, 0]


def test_unlisted_frames_and_unknown_classes_are_left_out_and_counted():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    found = make_found(
        (1, 0, 0.9, BOX), (7, 0, 0.8, BOX), (1, 1, 0.7, BOX), classes=("dog", "yeti")
    )
    ranking = rank(truth, found)
    assert len(ranking) == 1
    assert ranking.num_left_out == 2


def test_a_detectors_own_class_names_are_understood():
    truth = make_truth({"v": 1}, ("v", 0, 0, BOX, 0), classes=("cattle",))
    ranking = rank(truth, make_found((1, 0, 0.9, BOX), classes=("cow",)))
    assert ranking.hits.tolist() == [True]


def test_an_empty_file_ranks_nothing():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    ranking = rank(truth, make_found())
    assert len(ranking) == 0
    assert class_ap(ranking).tolist() == pytest.approx([0, np.nan], nan_ok=True)


def test_an_unknown_protocol_is_refused():
    truth = make_truth({"v": 1})
    with pytest.raises(ConfigError, match="'voc99' is no protocol"):
        rank(truth, make_found(), protocol="voc99")


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_refused(score):
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    with pytest.raises(AnnotationError, match="scores must be finite"):
        rank(truth, make_found((1, DOG, score, BOX)))


@pytest.mark.parametrize("seed", range(5))
def test_class_ap_is_that_of_the_evaluator(seed):
    ranking = rank(*random_scene(seed))
    labels = ranking.ground_truth.labels
    for label, (part, value) in enumerate(
        zip(ranking.parts(), class_ap(ranking), strict=True)
    ):
        count = int((labels == label).sum())
        if count:
            peer = ap_from_hits(ranking.scores[part], ranking.hits[part], count)
            assert value == pytest.approx(peer, abs=1e-12)
        else:
            assert np.isnan(value)
