import pytest

from propagate.speed.choices import FLOW_NAMES, Base, Choice, Network
from propagate.speed.clip import Clip
from propagate.speed.costs import Costs, Fit, Run, fit, measure_costs
from tests.builders import write_clip
from vod.errors import WeightsError

NETWORK = Network("ssd")


def make_costs(**changes):
    facts = {
        "decode": 1.0,
        "detector": {NETWORK: 10.0},
        "flow": {(NETWORK, "dis-fast"): 2.0},
        "fits": {"causal": Fit(1.0, 2.0, 0.0), "offline": Fit(3.0, 1.0, 0.1)},
    }
    return Costs(**{**facts, **changes})


def test_two_runs_give_rest_and_stretch():
    # 2 + 1.5 * (share * 10 + 2): at shares of 1/2 and 1/10.
    runs = [Run(2, 0.5, 12.5), Run(10, 0.1, 6.5)]
    found = fit(10.0, 2.0, runs)
    assert found.rest == pytest.approx(2.0)
    assert found.stretch == pytest.approx(1.5)
    assert found.extra == pytest.approx(0.0)


def test_key_frames_at_cuts_are_counted_beside_the_interval():
    assert fit(10.0, 2.0, [Run(2, 0.6, 9), Run(10, 0.2, 5)]).extra == pytest.approx(0.1)


def test_runs_that_say_nothing_leave_the_stretch_within_bounds():
    assert fit(10.0, 2.0, [Run(2, 0.5, 5), Run(10, 0.5, 6)]).stretch == 1.0
    assert fit(10.0, 2.0, [Run(2, 0.5, 5), Run(10, 0.1, 6)]).stretch == 0.25


def test_a_prediction_adds_up_detector_flow_and_rest():
    costs = make_costs()
    # Rest, then stretch times a fifth of the detector's 10 ms and the flow's 2.
    assert costs.predict(Choice(NETWORK, "dis-fast", "causal", 5)) == 9.0
    offline = costs.predict(Choice(NETWORK, "dis-fast", "offline", 5))
    assert offline == pytest.approx(8.0)
    assert costs.predict(Choice(NETWORK, "none", "causal", 1)) == 21.0


def test_nothing_is_predicted_to_be_faster_than_decoding():
    costs = make_costs(decode=50.0)
    assert costs.predict(Choice(NETWORK, "dis-fast", "causal", 5)) == 50.0


def test_costs_are_measured_for_every_network_and_flow(tmp_path):
    clip = Clip(str(write_clip(tmp_path / "clip.mp4", count=12)))
    found = measure_costs(
        Base(),
        clip,
        networks=[NETWORK],
        flows=["dis-ultrafast", "dis-fast"],
        modes=["causal"],
        is_file=True,
        writes=False,
    )
    assert set(found.flow) == {(NETWORK, "dis-ultrafast"), (NETWORK, "dis-fast")}
    assert found.detector[NETWORK] > 0
    assert set(found.as_mapping()["fits"]) == {"causal"}


def test_a_flow_that_cannot_run_at_a_size_is_left_out_unless_it_is_the_first(
    tmp_path, monkeypatch
):
    def cannot_be_made(_):
        raise WeightsError("no graph for 90x90 can be made here")

    monkeypatch.setattr("propagate.networks.cached_bundle", cannot_be_made)
    clip = Clip(str(write_clip(tmp_path / "clip.mp4", count=12)))
    base = Base(settings=("flow.input_share=0.3",))  # LightFlow has no such graph
    options = {"networks": [NETWORK], "modes": ["causal"], "is_file": True}
    found = measure_costs(
        base, clip, flows=["dis-fast", "lightflow"], writes=False, **options
    )
    assert set(found.flow) == {(NETWORK, "dis-fast")}
    with pytest.raises(WeightsError, match="90x90"):
        measure_costs(base, clip, flows=["lightflow"], writes=False, **options)


def test_no_graph_is_made_for_a_size_that_nobody_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("propagate.networks.cached_bundle", pytest.fail)
    clip = Clip(str(write_clip(tmp_path / "clip.mp4", count=12)))
    offered = Network("small", ("detector.size=[96, 96]",), is_offered=True)
    found = measure_costs(
        Base(),
        clip,
        networks=[NETWORK, offered],
        flows=["dis-fast", "lightflow"],
        modes=["causal"],
        is_file=True,
        writes=False,
    )
    assert set(found.detector) == {NETWORK, offered}
    assert set(found.flow) == {
        *((NETWORK, "dis-fast"), (NETWORK, "lightflow"), (offered, "dis-fast"))
    }


def test_the_default_flow_is_named_first_and_no_flow_twice():
    assert FLOW_NAMES[0] == "dis-ultrafast"
    assert {"lightflow", "dis-medium"} < set(FLOW_NAMES)
    assert not {"dis", "zero", "none"} & set(FLOW_NAMES)


def test_flows_that_span_several_frames_count_less():
    # At interval 10: .1 x 10 + .4 x 5 = 3 of 6.5 ms are networks.
    found = fit(10.0, 5.0, [Run(2, 0.5, 10.5, 0.5), Run(10, 0.1, 6.5, 0.4)])
    assert (found.stretch, found.flows) == (1.0, 0.4)
    assert found.rest == pytest.approx(3.5)
