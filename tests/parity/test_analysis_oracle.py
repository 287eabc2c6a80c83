"""The analyses' AP against the devkit's own, on the cases of the oracle."""

import json

import pytest

from vod.analysis.audit import audit
from vod.analysis.grouped import class_ap
from vod.analysis.ranking import rank
from vod.dataset.reading import read_ground_truth
from vod.predictions_reading import read_predictions


@pytest.fixture(params=["tiny", "edge_open"])
def case(request, oracle):
    folder = oracle / request.param
    truth = read_ground_truth(folder, cache=False)
    found = read_predictions(folder / "detections.txt", truth)
    return truth, found, json.loads((folder / "expected.json").read_text())


def test_class_ap_is_the_devkits(case):
    truth, found, expected = case
    values = dict(zip(truth.classes, class_ap(rank(truth, found)), strict=True))
    peers = expected["peers"]["devkit_octave"]["AP"]
    for name, count in expected["npos"].items():
        if count:
            assert values[name] == pytest.approx(peers[name], abs=1e-6), name


def test_the_audit_leads_from_the_devkits_figure_to_every_other(case):
    truth, found, expected = case
    result = audit(truth, found)
    base = result.scores["devkit"].mean_ap
    peer = expected["peers"]["devkit_octave"]["mAP_classes_with_gt"]
    assert base == pytest.approx(peer, abs=1e-6)
    for name, steps in result.steps.items():
        total = base + sum(step.gain for step in steps)
        assert total == pytest.approx(result.scores[name].mean_ap, abs=1e-9)
