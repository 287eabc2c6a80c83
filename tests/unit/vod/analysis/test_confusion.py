import json

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, square
from vod.analysis.confusion import confuse
from vod.analysis.ranking import rank
from vod.errors import ConfigError

BOX = square(10, 10, 100)
ELSEWHERE = square(500, 500, 100)


def confused(*rows, scores=(0.0, 0.0), protocol="devkit"):
    truth = make_truth(
        {"v": 2},
        ("v", 0, DOG, BOX, 0),
        ("v", 1, DOG, BOX, 0),
        ("v", 1, CAT, ELSEWHERE, 1),
    )
    ranking = rank(truth, make_found(*rows), protocol=protocol)
    return confuse(ranking, np.array(scores))


def test_rows_are_objects_and_columns_what_they_were_called():
    result = confused(
        (1, CAT, 0.9, BOX),
        (2, DOG, 0.8, BOX),
        (2, CAT, 0.7, square(900, 10, 50)),
    )
    #                            dog  cat  nothing
    assert result.counts.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_the_better_score_decides_what_an_object_was_called():
    result = confused((1, DOG, 0.6, BOX), (1, CAT, 0.9, BOX))
    assert result.counts[DOG].tolist() == [0, 1, 1]
    assert result.counts[-1].tolist() == [1, 0, 0]


def test_detections_below_their_class_working_score_do_not_exist():
    result = confused((1, DOG, 0.6, BOX), (1, CAT, 0.9, BOX), scores=(0.6, np.inf))
    assert result.counts[DOG].tolist() == [1, 0, 1]
    assert result.counts[-1].sum() == 0


def test_every_object_and_every_detection_is_counted_once():
    rows = [(1, DOG, 1 - i / 200, BOX) for i in range(120)]
    assert confused(*rows).counts.sum() == 3 + 119
    # COCO looks at 100 boxes a frame and class.
    assert confused(*rows, protocol="coco").counts.sum() == 3 + 99


def test_an_empty_file_calls_everything_nothing():
    assert confused().counts[:, -1].tolist() == [2, 1, 0]


def test_json_has_the_classes_that_occur_and_the_background():
    truth = make_truth({"v": 1}, ("v", 0, CAT, BOX, 0))
    values = confuse(rank(truth, make_found((1, CAT, 0.9, BOX))), np.zeros(2)).to_json()
    assert json.loads(json.dumps(values))["counts"] == [[1, 0], [0, 0]]
    assert values["classes"] == ["cat", "background"]


def test_scores_for_other_classes_are_refused():
    with pytest.raises(ConfigError, match="one working score a class is needed, 2"):
        confused(scores=(0.0, 0.0, 0.0))
