"""Track numbers from a clip to the results file."""

import importlib.util
import json
import sys

import numpy as np
import pytest

import run_video
from tests.builders import write_clip
from vod.results import read_results


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 4)


def run(clip, *options):
    target = clip.with_name("found.jsonl")
    line = [str(clip), "--output", "none", "--results", str(target), *options]
    return run_video.main([*line, "--flow", "none", "--quiet"]), target


def test_without_the_package_tracking_is_one_sentence(clip, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "trackers", None)
    code, target = run(clip, "--track")
    assert code == 1
    said = capsys.readouterr().err
    assert "pip install 'vod[track]'" in said
    assert said.count("\n") == 1
    assert not target.exists()


def test_every_box_of_a_tracked_clip_has_a_number_or_none(clip):
    if importlib.util.find_spec("trackers") is None:
        pytest.skip("the extra vod[track] is not installed")
    code, target = run(clip, "--track", "--score-threshold", "0.01")
    assert code == 0
    lines = list(read_results(target)[1])
    assert sum(len(line.detections) for line in lines)
    assert all(len(line.track_ids) == len(line.detections) for line in lines)
    assert all(np.all(line.track_ids >= -1) for line in lines)


def test_without_tracking_boxes_have_no_number(clip):
    code, target = run(clip, "--score-threshold", "0.01")
    assert code == 0
    _, *frames = map(json.loads, target.read_text().splitlines())
    assert not any("track" in found for f in frames for found in f["detections"])
