"""Every protocol against other projects' own code, on every case of the oracle.

`expected.json` of a case holds what the ILSVRC2015 devkit (in Octave), Deep Feature
Flow, FGFA, pycocotools and review_object_detection_metrics say about its files. The
oracle prints ten decimals.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from vod.dataset.reading import read_ground_truth
from vod.evaluate import main
from vod.evaluation import evaluate
from vod.evaluation.coco_columns import CocoOptions
from vod.evaluation.motion import motion_iou
from vod.evaluation.plain_loop import plain_ap
from vod.evaluation.protocols import PROTOCOLS
from vod.predictions_reading import read_predictions

TOLERANCE = 1e-6
GROUPS = ("slow", "medium", "fast")


def case_folders():
    """All cases beside the test data: folders with detections and expected figures."""
    data = os.environ.get("VOD_DATA")
    root = Path(data).parent / "oracle" if data else Path("missing")
    found = sorted(path.parent for path in root.glob("*/detections.txt"))
    return found or [None]


@pytest.fixture(
    scope="module", params=case_folders(), ids=lambda f: f.name if f else "none"
)
def case(request):
    if request.param is None:
        pytest.skip("no case folder in 'oracle' beside VOD_DATA")
    return Case(request.param)


class Case:
    """One folder of the oracle, read once."""

    def __init__(self, folder):
        self.folder = folder
        self.truth = read_ground_truth(folder, cache=False)
        self.found = read_predictions(folder / "detections.txt", self.truth)
        text = (folder / "expected.json").read_text(encoding="utf-8")
        self.expected = json.loads(text)
        self.peers = self.expected["peers"]

    def scores(self, protocol="devkit", **options):
        return evaluate(self.truth, self.found, protocol=protocol, **options)

    def with_objects(self, ap):
        """Keep the classes that count; peers have 0 or NaN for the others."""
        return {
            name: value for name, value in ap.items() if self.expected["npos"][name]
        }


def close(value):
    return None if value is None or value == -1 else pytest.approx(value, abs=TOLERANCE)


def agrees(case, scores, mean, ap):
    """Hold every class and the mean against a peer's."""
    assert scores.mean_ap == close(mean)
    expected = case.with_objects(ap)
    assert case.with_objects(scores.ap) == {n: close(v) for n, v in expected.items()}
    absent = scores.ap.keys() - expected.keys()
    assert {scores.ap[name] for name in absent} <= {None}


def test_counts_agree(case):
    scores = case.scores()
    assert scores.num_frames == case.expected["frames"]
    assert scores.num_ground_truth == case.expected["npos"]
    assert scores.num_detections == case.expected["ndet"]
    listed = len(case.found) - scores.num_unlisted
    assert listed == case.expected["detections_listed"]


@pytest.mark.parametrize("peer", ["devkit_octave", "dff"])
def test_the_default_is_the_official_protocol(case, peer):
    figures = case.peers[peer]
    agrees(case, case.scores(), figures["mAP_classes_with_gt"], figures["AP"])


def test_the_mean_over_30_is_numpys_in_deep_feature_flow(case):
    expected = case.peers["dff"]["mAP_np_mean_30"]
    assert case.scores(mean_over_all=True).mean_ap == close(expected)


def test_motion_iou_is_that_of_the_table(case):
    table = json.loads((case.folder / "motion_iou.json").read_text(encoding="utf-8"))
    expected = [value for frame in table for value in frame]
    np.testing.assert_allclose(motion_iou(case.truth), expected, rtol=0, atol=1e-11)


def test_motion_groups_are_those_of_fgfa(case):
    motion = case.scores(motion=True).motion
    for name in GROUPS:
        figures = case.peers["fgfa_motion"][name]
        assert motion[name].mean_ap == close(figures["mAP"]), name
        expected = {n: close(value) for n, value in figures["AP"].items()}
        assert motion[name].ap == expected, name


@pytest.mark.parametrize(
    ("protocol", "block"), [("voc12", "every_point"), ("voc07", "eleven_point")]
)
def test_voc_is_that_of_review_object_detection_metrics(case, protocol, block):
    figures = case.peers["rod_metrics_voc"][block]
    agrees(case, case.scores(protocol), figures["mAP"], figures["AP"])


def coco_agrees(case, scores, figures):
    agrees(case, scores, figures["AP50"], figures["AP50_per_class"])
    assert scores.extra["AP"] == close(figures["AP"])
    assert scores.extra["AP50"] == close(figures["AP50"])


@pytest.mark.parametrize(
    ("peer", "options"),
    [
        ("pycocotools", CocoOptions()),
        ("pycocotools_plus1", CocoOptions(inclusive=True)),
    ],
)
def test_coco_is_that_of_pycocotools(case, peer, options):
    scores = case.scores("coco", coco=options)
    coco_agrees(case, scores, case.peers[peer])
    for name, value in case.peers[peer]["summarize"].items():
        assert scores.extra[name] == close(value), name


def test_coco_with_1000_detections_is_that_of_mmdet(case):
    scores = case.scores("coco", coco=CocoOptions(max_detections=1000))
    coco_agrees(case, scores, case.peers["mmdet_style_maxdets_100_300_1000"])


def test_fixed50_is_the_plain_loop(case):
    # No peer has this protocol alone; the loop is the reference's order of work.
    rule = PROTOCOLS["fixed50"].rule
    expected = plain_ap(case.truth, case.found, rule)
    assert case.scores("fixed50").ap == {n: close(v) for n, v in expected.items()}


def test_results_in_cocos_format_score_the_same(case):
    found = read_predictions(case.folder / "detections_coco.json", case.truth)
    for protocol in PROTOCOLS:
        by_coco = evaluate(case.truth, found, protocol=protocol)
        assert by_coco.ap == {
            name: close(value) for name, value in case.scores(protocol).ap.items()
        }


def test_the_command_line_reports_the_same_figures(case, tmp_path, capsys):
    report = tmp_path / "report.json"
    arguments = ["--data", case.folder, "--detections", case.folder / "detections.txt"]
    for protocol in PROTOCOLS:
        options = ["--protocol", protocol, "--motion", "--no-cache", "--report", report]
        assert main(list(map(str, [*arguments, *options]))) == 0
        values = json.loads(report.read_text(encoding="utf-8"))
        expected = json.loads(json.dumps(case.scores(protocol, motion=True).to_json()))
        assert {name: values[name] for name in expected} == expected
        assert f"{values['mAP']:.4f}" in capsys.readouterr().out
