"""Laws of the analyses, on scenes made from a random seed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scenes import make_found, random_scene
from vod.analysis.bootstrap import bootstrap
from vod.analysis.confusion import confuse
from vod.analysis.curves import precision_recall_curves
from vod.analysis.error_split import split_errors
from vod.analysis.overlaps import ERRORS
from vod.analysis.ranking import rank
from vod.analysis.sizes import by_size
from vod.analysis.snippets import per_snippet
from vod.analysis.steadiness import measure_steadiness
from vod.evaluation.protocols import PROTOCOLS

SEEDS = st.integers(0, 10_000)


def figures(ranking):
    """Give what every analysis says, as JSON."""
    curves = precision_recall_curves(ranking)
    return {
        "curves": curves.to_json(),
        "errors": split_errors(ranking).to_json(),
        "sizes": by_size(ranking).to_json(),
        "snippets": per_snippet(ranking).to_json(),
        "confusion": confuse(ranking, curves.best_scores).to_json(),
        "steadiness": measure_steadiness(ranking, curves.best_scores).to_json(),
        "bootstrap": bootstrap(ranking, resamples=100).to_json(),
    }


@given(SEEDS)
def test_the_order_of_the_lines_changes_nothing(seed):
    truth, found = random_scene(seed)
    order = np.random.default_rng(seed).permutation(len(found))
    names = ("indices", "labels", "scores", "boxes", "ages")
    columns = {name: getattr(found, name)[order] for name in names}
    shuffled = dataclasses.replace(found, **columns)
    assert figures(rank(truth, found)) == figures(rank(truth, shuffled))


@given(SEEDS)
def test_perfect_detections_leave_nothing_to_say(seed):
    truth, _ = random_scene(seed)
    rows = zip(
        truth.object_frames + 1,
        truth.labels,
        np.linspace(1, 0.5, truth.num_objects),
        map(tuple, truth.boxes),
        strict=True,
    )
    ranking = rank(truth, make_found(*rows, classes=truth.classes))
    errors = split_errors(ranking)
    assert errors.mean_ap == pytest.approx(1)
    assert set(errors.counts.values()) == {0}
    assert np.nanmin(per_snippet(ranking).mean_ap) == pytest.approx(1)
    every = measure_steadiness(ranking, np.zeros(3)).every
    assert (every.detected, every.flicker, every.mean_delay) == (1, 0, 0)
    confidence = bootstrap(ranking, resamples=100).mean_ap
    assert (confidence.low, confidence.high) == pytest.approx((1, 1))
    # Two objects of two classes may share a place: then each counts once all the same.
    assert confuse(ranking, np.zeros(3)).counts.sum() == truth.num_objects


@given(SEEDS, st.sampled_from(sorted(PROTOCOLS)))
def test_every_detection_is_right_or_has_one_kind_of_error(seed, protocol):
    ranking = rank(*random_scene(seed), protocol=protocol)
    errors = split_errors(ranking)
    wrong = sum(errors.counts[kind] for kind in ERRORS)
    assert wrong + int(ranking.hits.sum()) == len(ranking)
    assert all(cost >= -1e-12 for cost in errors.cost.values())
    assert errors.counts["missed"] + int(ranking.hits.sum()) <= len(
        ranking.ground_truth.labels
    )


@given(SEEDS)
def test_every_object_has_one_row_and_one_size(seed):
    ranking = rank(*random_scene(seed))
    truth = ranking.ground_truth
    counts = confuse(ranking, np.full(3, 0.5)).counts
    assert (
        counts[:-1].sum(axis=1).tolist()
        == np.bincount(truth.labels, minlength=3).tolist()
    )
    assert sum(by_size(ranking).num_objects) == truth.num_objects
    assert sum(per_snippet(ranking).num_objects) == truth.num_objects
