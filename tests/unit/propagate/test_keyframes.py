"""Policies of key frames, fed with evidence in numbers."""

import itertools
import math
import random

import pytest

from propagate.keyframes import (
    CALM,
    MOST,
    MOST_AHEAD,
    PULL,
    STANDING,
    USUAL_CHANGE,
    USUAL_DISAGREEMENT,
    USUAL_MOTION,
    USUAL_SURPRISE,
    Adaptive,
    Evidence,
    FixedInterval,
    Pace,
    relative_doubt,
)
from vod.errors import ConfigError

USUAL = Evidence(USUAL_CHANGE, USUAL_MOTION, USUAL_DISAGREEMENT)
CALM_FRAME = Evidence(change=0.0, motion=0.0, disagreement=0.0)
WILD_FRAME = Evidence(change=9.0, motion=9.0, disagreement=9.0)


def keys_of(policy, count, evidence=lambda index: USUAL):  # noqa: ARG005 (a default)
    """Key frames among `count` frames, in the order of calls that the pipeline has."""
    pace, keys = policy.after_key(policy.start()), [0]
    for index in range(1, count):
        pace = policy.next_frame(pace)
        if not policy.is_key(pace):
            pace = policy.doubt(pace, evidence(index))
        if policy.is_key(pace):
            pace = policy.after_key(pace)
            keys.append(index)
    return keys


@pytest.mark.parametrize(
    ("interval", "count", "expected"),
    [(1, 3, [0, 1, 2]), (3, 7, [0, 3, 6]), (10, 10, [0]), (10, 11, [0, 10])],
)
def test_every_nth_frame_is_a_key_frame(interval, count, expected):
    assert keys_of(FixedInterval(interval), count) == expected


def test_a_first_interval_shifts_all_key_frames():
    assert keys_of(FixedInterval(4, first=1), 12) == [0, 1, 5, 9]
    assert keys_of(FixedInterval(4, first=3), 12) == [0, 3, 7, 11]
    assert keys_of(FixedInterval(4, first=4), 12) == keys_of(FixedInterval(4), 12)
    assert keys_of(Adaptive(4, first=2), 12) == [0, 2, 6, 10]


@pytest.mark.parametrize("first", [0, 5])
def test_a_first_interval_beyond_the_interval_is_refused(first):
    with pytest.raises(ConfigError, match=f"must be 1 to 4, received {first}"):
        FixedInterval(4, first=first)


@pytest.mark.parametrize("interval", [0, -3])
def test_interval_below_one_is_refused(interval):
    with pytest.raises(ConfigError, match=f"1 or more, received {interval}"):
        FixedInterval(interval)


def test_only_adaptive_asks_for_evidence():
    assert not FixedInterval(10).wants_evidence
    assert Adaptive(10).wants_evidence


@pytest.mark.parametrize("interval", [1, 2, 5, 10, 20])
def test_usual_doubt_throughout_gives_the_fixed_interval(interval):
    fixed = keys_of(FixedInterval(interval), 100)
    assert keys_of(Adaptive(interval), 100) == fixed


def test_doubt_is_the_mean_of_each_kind_over_its_usual():
    assert relative_doubt(USUAL) == 1
    double = Evidence(9.0, 2 * USUAL_MOTION, USUAL_DISAGREEMENT)
    assert relative_doubt(double) == pytest.approx((2 + 1) / 2)


def test_without_boxes_the_pictures_speak():
    assert relative_doubt(Evidence(0.5 * USUAL_CHANGE)) == 0.5


def test_one_wild_frame_counts_so_much_and_no_more():
    assert relative_doubt(WILD_FRAME) == MOST
    assert relative_doubt(Evidence(9.0)) == MOST


def test_four_times_the_doubt_halves_the_interval_until_the_lead_slows_it():
    # Each frame counts ((4 + .4) / 1.4) ** .5 = 1.77. One key frame ahead of the budget
    # is e ** .1 = 1.1 more doubt; after a third of the budget, a lead of .4 is left.
    four = Evidence(1.0, 4 * USUAL_MOTION, 4 * USUAL_DISAGREEMENT)
    keys = keys_of(Adaptive(10), 1000, lambda index: four)  # noqa: ARG005
    assert keys[1] == 6  # 6 x 1.77 = 10.6 > 10 exp(.1 x .4) = 10.4
    # In the long run the lead is ln(1.77) / .1 = 5.7 key frames, and no more.
    assert len(keys) == pytest.approx(100 + 5.7, abs=1)


def test_where_nothing_moves_the_interval_grows_until_the_lag_shortens_it():
    keys = keys_of(Adaptive(10), 2000, lambda index: CALM_FRAME)  # noqa: ARG005
    per_frame = (STANDING / (1 + STANDING)) ** 0.5
    assert keys[1] == pytest.approx(10 / per_frame, abs=2)
    assert len(keys) == pytest.approx(200 + math.log(per_frame) / PULL, abs=1)


def test_key_frames_move_to_where_the_doubt_is():
    wild = range(40, 60)
    found = keys_of(
        Adaptive(10),
        100,
        lambda index: WILD_FRAME if index in wild else CALM_FRAME,
    )
    inside = [key for key in found if key in wild]
    assert len(inside) >= 4  # 2 of the fixed interval
    assert len(found) <= 12


def test_no_interval_is_shorter_or_longer_than_its_bounds():
    rng = random.Random(3)
    found = keys_of(
        Adaptive(10, least=0.7, greatest=1.2),
        3000,
        lambda index: WILD_FRAME if rng.random() < index % 300 / 300 else CALM_FRAME,
    )
    gaps = [b - a for a, b in itertools.pairwise(found)]
    assert min(gaps) == 7
    assert max(gaps) == 12


@pytest.mark.parametrize("budget", [5, 10, 12.5, 20])
@pytest.mark.parametrize("seed", range(4))
def test_the_budget_is_kept_on_long_videos(budget, seed):
    rng = random.Random(seed)
    level = [rng.choice([CALM_FRAME, USUAL, WILD_FRAME]) for _ in range(40)]
    found = keys_of(Adaptive(budget), 4000, lambda index: level[index // 100])
    assert len(found) == pytest.approx(4000 / budget, abs=8)
    for count, key in enumerate(found, 1):
        assert abs(count - 1 - key / budget) <= MOST_AHEAD


def test_a_surprised_detector_looks_again_sooner():
    policy = Adaptive(10)
    as_usual = policy.after_key(Pace(), USUAL_SURPRISE)
    assert as_usual.rate == 1
    assert policy.after_key(Pace()).rate == 1
    surprised = policy.after_key(Pace(), 1.0)
    expected = ((1 + CALM) / (USUAL_SURPRISE + CALM)) ** 0.5
    assert surprised.rate == pytest.approx(expected)
    assert policy.doubt(surprised, USUAL).doubt == pytest.approx(expected)


def test_cuts_beyond_the_budget_run_up_no_endless_debt():
    policy, pace = Adaptive(10), Adaptive(10).start()
    for _ in range(50):
        pace = policy.after_key(policy.next_frame(pace))
    assert pace.lead == MOST_AHEAD
    waited = 0
    while not policy.is_key(pace):
        pace = policy.doubt(policy.next_frame(pace), USUAL)
        waited += 1
    assert 30 < waited <= 40


def test_a_policy_remembers_nothing_of_another_video():
    policy = Adaptive(10)
    before = keys_of(policy, 60)
    keys_of(policy, 60, lambda index: WILD_FRAME)  # noqa: ARG005
    assert keys_of(policy, 60) == before


@pytest.mark.parametrize("budget", [0, 0.5, -1])
def test_budget_below_one_frame_is_refused(budget):
    with pytest.raises(ConfigError, match=f"1 or more frames a key .*{budget}"):
        Adaptive(budget)


@pytest.mark.parametrize("wrong", [{"least": 0}, {"least": 1.5}, {"greatest": 0.5}])
def test_impossible_bounds_are_refused(wrong):
    with pytest.raises(ConfigError, match="0 < least <= 1 <= greatest"):
        Adaptive(10, **wrong)
