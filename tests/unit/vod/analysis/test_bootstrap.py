import json

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.analysis import bootstrap as module
from vod.analysis.bootstrap import bootstrap, draw_weights, intervals, resampled_ap
from vod.analysis.grouped import class_ap
from vod.analysis.ranking import rank
from vod.errors import ConfigError

BOX = square(10, 10, 100)
ELSEWHERE = square(500, 500, 100)


def two_videos():
    truth = make_truth({"a": 1, "b": 1}, ("a", 0, DOG, BOX, 0), ("b", 0, DOG, BOX, 0))
    return rank(truth, make_found((1, DOG, 0.9, ELSEWHERE), (2, DOG, 0.8, BOX)))


def test_weights_count_copies_of_a_snippet():
    weights = np.array([[1, 1], [2, 0], [0, 2], [3, 1]], float)
    # A miss of weight a, a hit of weight b: precision b / (a + b), a + b asked.
    ap = resampled_ap(two_videos(), weights)[:, DOG]
    assert ap.tolist() == pytest.approx([1 / 4, 0, 1, 1 / 4 * 1 / 4])


def test_a_class_whose_objects_are_not_drawn_has_no_ap():
    truth = make_truth({"a": 1, "b": 1}, ("a", 0, DOG, BOX, 0), ("b", 0, CAT, BOX, 0))
    ap = resampled_ap(rank(truth, make_found()), np.array([[2.0, 0.0]]))
    assert ap[0].tolist() == pytest.approx([0, np.nan], nan_ok=True)


@pytest.mark.parametrize("seed", range(4))
def test_equal_weights_give_the_ap_of_the_set(seed):
    ranking = rank(*random_scene(seed))
    resampled = resampled_ap(ranking, np.ones((1, 4)))[0]
    assert resampled == pytest.approx(class_ap(ranking), nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("cells", "exact"), [(7, 1), (7, 1 << 24), (1 << 24, 1 << 24)])
def test_weights_give_the_ap_of_a_set_with_copies(seed, cells, exact, monkeypatch):
    monkeypatch.setattr(module, "_CELLS", cells)
    monkeypatch.setattr(module, "_EXACT_IN_FLOAT32", exact)
    ranking = rank(*random_scene(seed))
    weights = draw_weights(4, 100, seed)[:6]
    expected = [copied_ap(ranking, row) for row in weights.astype(int)]
    found = resampled_ap(ranking, weights)
    assert found == pytest.approx(np.array(expected), nan_ok=True, abs=1e-12)


def copied_ap(ranking, copies):
    """Give every class's AP with each detection and object written down so often."""
    truth, values = ranking.ground_truth, []
    of_objects = truth.frame_snippets[truth.object_frames]
    for label, part in enumerate(ranking.parts()):
        often = copies[truth.frame_snippets[ranking.frames[part]]]
        hits = np.repeat(ranking.hits[part], often)
        count = copies[of_objects[truth.labels == label]].sum()
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        values.append(best[hits].sum() / count if count else np.nan)
    return values


def test_the_interval_holds_what_the_resamples_say():
    confidence = bootstrap(two_videos(), resamples=400)
    # Resamples: both (1/2): 1/4; a twice (1/4): 0; b twice (1/4): 1. Mean 3/8.
    mean = confidence.mean_ap
    assert mean.value == pytest.approx(1 / 4)
    assert mean.bias == pytest.approx(1 / 8, abs=0.03)
    assert mean.low == 0  # 0 - 1/8 is no AP
    assert mean.high == pytest.approx(1 - mean.bias)
    assert set(confidence.ap) == {"dog"}
    assert bootstrap(two_videos(), resamples=400) == confidence


def test_a_narrow_level_gives_a_narrow_interval():
    mean = bootstrap(two_videos(), resamples=400, level=0.1).mean_ap
    assert mean.low == mean.high == pytest.approx(1 / 4 - mean.bias)


def test_one_snippet_gives_no_interval():
    truth = make_truth({"a": 1}, ("a", 0, DOG, BOX, 0))
    values = bootstrap(rank(truth, make_found((1, DOG, 0.9, BOX)))).to_json()
    assert values["mAP"] == {"value": 1.0, "low": None, "high": None, "bias": None}
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize("videos", [{}, {"a": 2, "b": 1}])
def test_no_objects_give_no_interval(videos):
    values = bootstrap(rank(make_truth(videos), make_found())).to_json()
    assert set(values["mAP"].values()) == {None}
    assert values["AP"] == {}


def test_ends_are_the_quantiles_of_known_resamples_about_the_value():
    column = np.append(np.arange(101.0) / 200, np.nan)[:, None]  # mean 1 / 4
    (found,) = intervals(np.array([0.35]), column, 0.9, 2)
    assert (found.low, found.high) == pytest.approx((0.125, 0.575))
    assert found.bias == pytest.approx(-0.1)


def test_the_ends_of_an_ap_stay_in_its_range_and_plain_ones_are_not_shifted():
    column = np.linspace(0, 1, 101)[:, None]
    (ap,) = intervals(np.array([0.9]), column, 0.9, 2)
    assert (ap.low, ap.high) == pytest.approx((0.45, 1))
    (plain,) = intervals(np.array([0.9]), column, 0.9, 2, shifted=False)
    assert (plain.low, plain.high) == pytest.approx((0.05, 0.95))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resamples": 99}, "resamples must be at least 100, received 99"),
        ({"level": 1.0}, "level must lie between 0 and 1, received 1.0"),
        ({"seed": -1}, "the seed must not be negative, received -1"),
    ],
)
def test_parameters_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        bootstrap(two_videos(), **options)
