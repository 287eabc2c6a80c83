"""The evaluator against the official devkit, run in Octave, on the oracle's cases."""

import json
import math

import pytest

from vod.evaluation import evaluate, main
from vod.imagenet_vid import read_dataset, read_submission

TOLERANCE = 1e-6  # the oracle prints ten decimals; peers agree to 2e-15


@pytest.fixture(scope="module", params=["tiny", "edge_open"])
def case(request, oracle):
    folder = oracle / request.param
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    dataset = read_dataset(folder)
    return dataset, read_submission(folder / "detections.txt"), expected


def test_counts_agree_with_the_oracle(case):
    dataset, predictions, expected = case
    scores = evaluate(dataset, predictions)
    assert scores.num_frames == expected["frames"]
    assert scores.num_ground_truth == expected["npos"]
    assert scores.num_detections == expected["ndet"]
    assert len(predictions) == expected["detections_listed"]


@pytest.mark.parametrize("peer", ["devkit_octave", "dff"])
def test_every_class_and_the_mean_agree_with_the_devkit(case, peer):
    dataset, predictions, expected = case
    scores = evaluate(dataset, predictions)
    figures = expected["peers"][peer]
    with_objects = [name for name, count in expected["npos"].items() if count]
    assert list(scores.ap) == with_objects
    for name in with_objects:
        assert scores.ap[name] == pytest.approx(figures["AP"][name], abs=TOLERANCE)
    assert scores.mean_ap == pytest.approx(
        figures["mAP_classes_with_gt"], abs=TOLERANCE
    )


def test_the_order_of_frames_in_the_file_changes_nothing(case):
    dataset, predictions, _ = case
    # Ties are told apart inside a frame only, so whole frames may trade places.
    order = sorted(
        range(len(predictions)), key=lambda row: -int(predictions.indices[row])
    )
    shuffled = type(predictions)(
        predictions.indices[order],
        predictions.labels[order],
        predictions.scores[order],
        predictions.boxes[order],
    )
    assert evaluate(dataset, shuffled) == evaluate(dataset, predictions)


def test_the_command_line_reports_the_same_figures(oracle, tmp_path, capsys):
    folder, report = oracle / "tiny", tmp_path / "report.json"
    results = str(folder / "detections.txt")
    assert main([results, str(folder), "--report", str(report)]) == 0
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    mean_ap = expected["peers"]["devkit_octave"]["mAP_classes_with_gt"]
    values = json.loads(report.read_text(encoding="utf-8"))
    assert math.isclose(values["mean_ap"], mean_ap, abs_tol=TOLERANCE)
    assert f"{mean_ap:.4f}" in capsys.readouterr().out
