import pytest

from propagate.speed.choices import Choice, Network
from propagate.speed.costs import Costs, Fit
from propagate.speed.planning import Candidate, Planner

NETWORK = Network("ssd")
COSTS = Costs(
    decode=1.0,
    detector={NETWORK: 20.0},
    flow={(NETWORK, "dis-fast"): 2.0},
    fits={"causal": Fit(1.0, 1.0, 0.0), "offline": Fit(4.0, 1.0, 0.0)},
)


def planner(target, *, scores=None, slower=1.0):
    """A machine on which everything takes `slower` times what was predicted."""
    runs = []

    def run(choices):
        runs.append(list(choices))
        return {c: 1e3 / (slower * COSTS.predict(c)) for c in choices}

    def score(choices):
        return {c: scores(c) for c in choices} if scores else {}

    return Planner(COSTS, target, score, run), runs


def propose(found):
    return found.propose([NETWORK], ["dis-fast"], ["offline", "causal"])


def shown(candidate):
    choice = candidate.choice
    return choice.flow, choice.mode, choice.interval


def test_each_kind_gets_the_shortest_interval_that_reaches_the_target():
    # Offline 6 + 20 / n and causal 3 + 20 / n may take 10.2 ms with the tolerance.
    found, _ = planner(100)
    assert [shown(candidate) for candidate in propose(found)] == [
        ("dis-fast", "offline", 5),
        ("dis-fast", "causal", 3),
        ("none", "causal", 3),
        ("none", "causal", 1),
    ]


def test_what_cannot_reach_the_target_has_the_longest_interval_and_comes_last():
    found, _ = planner(160)  # 6.25 ms: offline takes 6 + 20 / 30
    last = propose(found)[-2:]
    assert shown(last[0]) == ("dis-fast", "offline", 30)
    assert shown(last[1]) == ("none", "causal", 1)


def test_the_best_are_run_and_one_too_slow_tries_a_longer_interval():
    found, runs = planner(100, slower=1.2)
    best = propose(found)[0]
    # 1.2 * (6 + 20 / n) may take 10.2 ms: n = 8, and that was run as well.
    assert shown(best) == ("dis-fast", "offline", 8)
    assert best.measured == pytest.approx(1e3 / (1.2 * (6 + 20 / 8)))
    assert len(runs) > 1


def test_one_much_faster_than_predicted_tries_a_shorter_interval():
    found, _ = planner(100, slower=0.8)
    best = propose(found)[0]
    # 0.8 * (6 + 20 / n) may take 10.2 ms: n = 3.
    assert shown(best) == ("dis-fast", "offline", 3)
    assert best.measured == pytest.approx(1e3 / (0.8 * (6 + 20 / 3)))


def test_a_machine_that_is_never_as_fast_as_before_still_gets_measured_candidates():
    runs = []

    def run(choices):
        runs.append(choices)
        return dict.fromkeys(choices, 97.0 - len(runs))

    found = propose(Planner(COSTS, 100, lambda _: {}, run))
    assert any(candidate.measured for candidate in found)
    assert len(runs) <= 4


def test_with_data_the_best_map_comes_first():
    found, _ = planner(100, scores=lambda c: 0.9 if c.mode == "causal" else 0.5)
    best = propose(found)[0]
    assert shown(best) == ("dis-fast", "causal", 3)
    assert best.mean_ap == 0.9


def test_every_frame_detected_needs_no_flow_and_comes_first_where_it_is_fast_enough():
    found, _ = planner(40)
    assert shown(propose(found)[0]) == ("none", "causal", 1)


def test_a_measured_rate_counts_for_more_than_a_predicted_one():
    choice = Choice(NETWORK, "dis-fast", "causal", 3)
    assert Candidate(choice, 200.0).reaches(100)
    assert not Candidate(choice, 200.0, measured=90.0).reaches(100)
    assert Candidate(choice, 50.0, measured=99.0).reaches(100)
