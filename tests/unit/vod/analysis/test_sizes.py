import json
import math

import numpy as np
import pytest

from tests.scenes import DOG, make_found, make_truth, square
from vod.analysis.ranking import rank
from vod.analysis.sizes import by_size
from vod.errors import ConfigError


def test_hits_count_with_their_object_and_false_positives_with_their_own_box():
    truth = make_truth(
        {"v": 3}, ("v", 0, DOG, square(0, 0, 30), 0), ("v", 1, DOG, square(0, 0, 40), 0)
    )
    found = make_found(
        (3, DOG, 0.95, square(0, 0, 200)),  # large: lowers no other range
        (3, DOG, 0.9, square(0, 0, 20)),  # small false positive, before the hit
        (1, DOG, 0.8, square(0, 0, 33)),  # medium box on a small object: IoU 900 / 1089
        (2, DOG, 0.7, square(0, 0, 40)),
    )
    scores = by_size(rank(truth, found))
    assert scores.edges == (0, 32, 96, math.inf)
    assert scores.num_objects == (1, 1, 0)
    assert scores.mean_ap.tolist() == pytest.approx([1 / 2, 1, np.nan], nan_ok=True)


@pytest.mark.parametrize(("side", "place"), [(31, 0), (32, 1), (95, 1), (96, 2)])
def test_a_range_begins_with_its_lower_edge(side, place):
    truth = make_truth({"v": 1}, ("v", 0, DOG, square(5, 5, side), 0))
    assert by_size(rank(truth, make_found())).num_objects[place] == 1


def test_a_box_turned_inside_out_is_small():
    truth = make_truth({"v": 1}, ("v", 0, DOG, square(0, 0, 20), 0))
    found = make_found(
        (1, DOG, 0.9, (300, 300, 10, 10)), (1, DOG, 0.8, square(0, 0, 20))
    )
    assert by_size(rank(truth, found)).mean_ap[0] == pytest.approx(1 / 2)


def test_json_names_every_range():
    truth = make_truth({"v": 1}, ("v", 0, DOG, square(0, 0, 20), 0))
    entries = json.loads(json.dumps(by_size(rank(truth, make_found()), [50]).to_json()))
    assert [(e["from"], e["to"], e["mAP"]) for e in entries] == [
        (0, 50, 0),
        (50, None, None),
    ]


@pytest.mark.parametrize("edges", [[0, 10], [10, 10], [20, 10], [math.inf], [math.nan]])
def test_edges_that_part_nothing_are_refused(edges):
    with pytest.raises(ConfigError, match="must be positive, finite and ascending"):
        by_size(rank(make_truth({"v": 1}), make_found()), edges)
