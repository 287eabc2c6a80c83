import dataclasses
import json

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.analysis.grouped import class_ap
from vod.analysis.ranking import rank
from vod.analysis.snippets import per_snippet

BOX = square(10, 10, 100)
ELSEWHERE = square(500, 500, 100)


def scores():
    truth = make_truth(
        {"a": 2, "b": 1, "c": 1},
        ("a", 0, DOG, BOX, 0),
        ("a", 1, DOG, BOX, 0),
        ("b", 0, DOG, BOX, 0),
        ("b", 0, CAT, ELSEWHERE, 1),
    )
    found = make_found(
        (1, DOG, 0.9, BOX),
        (1, DOG, 0.8, ELSEWHERE),
        (2, DOG, 0.7, BOX),
        (3, DOG, 0.6, BOX),
        (4, CAT, 0.5, BOX),
    )
    return per_snippet(rank(truth, found))


def test_every_snippet_is_scored_as_if_it_were_the_whole_set():
    # a: hit, miss, hit of 2 objects: (1 + 2 / 3) / 2. b: dog found, cat not.
    expected = [[(1 + 2 / 3) / 2, np.nan], [1, 0], [np.nan, np.nan]]
    assert scores().ap.tolist() == [pytest.approx(row, nan_ok=True) for row in expected]
    means = [(1 + 2 / 3) / 2, 0.5, np.nan]
    assert scores().mean_ap.tolist() == pytest.approx(means, nan_ok=True)


def test_counts_show_what_no_ap_shows():
    assert scores().num_frames == (2, 1, 1)
    assert scores().num_objects == (2, 2, 0)
    assert scores().num_detections == (3, 1, 1)
    assert scores().num_false_positives == (1, 0, 1)


def test_worst_snippets_come_first_and_those_without_objects_never():
    assert scores().worst_first() == [1, 0]


def test_json_has_null_for_a_snippet_without_objects():
    entries = json.loads(json.dumps(scores().to_json()))
    assert entries[2]["snippet"] == "c"
    assert entries[2]["mAP"] is None
    assert entries[1]["AP"] == {"dog": 1.0, "cat": 0.0}


@pytest.mark.parametrize("seed", range(3))
def test_a_snippet_scores_what_a_set_of_it_alone_scores(seed):
    truth, found = random_scene(seed)
    together = per_snippet(rank(truth, found))
    for snippet in range(len(truth.snippets)):
        frames = np.flatnonzero(truth.frame_snippets == snippet)
        chosen = np.isin(truth.object_frames, frames)
        alone = dataclasses.replace(
            truth,
            frame_snippets=truth.frame_snippets[frames] - snippet,
            frame_numbers=truth.frame_numbers[frames],
            frame_indices=truth.frame_indices[frames],
            object_frames=truth.object_frames[chosen] - frames[0],
            boxes=truth.boxes[chosen],
            labels=truth.labels[chosen],
            track_ids=truth.track_ids[chosen],
        )
        expected = class_ap(rank(alone, found))
        assert together.ap[snippet] == pytest.approx(expected, nan_ok=True)
