"""From pictures to a score by the two commands, against the score in memory."""

import json

import pytest

import run_video
from propagate.config import load_pipeline_config
from propagate.evaluate import SCORE_THRESHOLD
from propagate.ways import PER_FRAME, Way, detect_ways, load_networks
from propagate.worth import worth_of
from vod import evaluate
from vod.dataset.reading import read_ground_truth


@pytest.fixture(autouse=True)
def _cache_of_the_user_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def results_of(clip, folder):
    path = folder / f"{clip.name}.jsonl"
    code = run_video.main(
        [
            str(clip),
            "--keyframe-interval=1",
            f"--score-threshold={SCORE_THRESHOLD}",
            "--output=none",
            f"--results={path}",
            "--quiet",
        ]
    )
    assert code == 0
    return path


def test_results_of_the_command_line_score_as_the_same_frames_in_memory(
    vod_data, tmp_path
):
    data = vod_data / "davis"
    results = tmp_path / "results"
    results.mkdir()
    clips = sorted((data / "Data" / "VID" / "val").iterdir())
    for clip in clips:
        results_of(clip, results)

    report = tmp_path / "scores.json"
    arguments = [f"--data={data}", f"--detections={results}", f"--report={report}"]
    assert evaluate.main(arguments) == 0
    scores = json.loads(report.read_text())

    truth = read_ground_truth(data)
    networks = load_networks(load_pipeline_config(None), (), travels="boxes")
    (found,) = detect_ways(
        networks.with_threshold(SCORE_THRESHOLD), truth, [Way(PER_FRAME, None, 1)]
    )
    expected = worth_of(truth, found)
    assert scores["protocol"] == "devkit"
    assert scores["frames"] == truth.num_frames
    assert len(clips) == len(truth.snippets) == 6
    assert expected.mean_ap > 0.5
    # The file rounds scores and boxes, so ties fall otherwise: bird differs by 3e-5.
    assert scores["mAP"] == pytest.approx(expected.mean_ap, abs=0.0005)
    for name, ap in expected.classes.items():
        assert scores["AP"][name] == pytest.approx(ap, abs=0.0005)
