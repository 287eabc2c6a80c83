"""The paper's system by the command line, on generated frames."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import run_video
from tests.builders import write_clip
from tests.tiny_videos import HEIGHT, WIDTH, picture

ROOT = Path(run_video.__file__).parent


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = [picture(0, number) for number in range(5)]
    shown += [np.rot90(picture(1, n), 2) // 2 + 120 for n in range(5)]  # another scene
    return write_clip(Path("clip.mp4"), pictures=shown, size=(HEIGHT, WIDTH))


@pytest.fixture
def run(tiny_paper, clip, capfd):
    command = [str(clip), "--detector", str(tiny_paper), "--score-threshold", "0.1"]

    def call(*more):
        return run_video.main([*command, *more]), capfd.readouterr().err

    return call


def test_a_clip_gives_a_video_and_results(run, tiny_paper):
    assert run("--keyframe-interval", "3", "--classes", "dog")[0] == 0
    assert Path("clip_detected.mp4").stat().st_size > 0
    lines = Path("clip_detected.jsonl").read_text("utf-8").splitlines()
    header, *frames = [json.loads(line) for line in lines]
    assert header["config"]["detector"]["name"] == "paper"
    assert header["config"]["propagate"]["travels"] == "maps"
    files = json.loads((tiny_paper / "record.json").read_text("utf-8"))["files"]
    assert header["weights"] == {f"detector/{n}": h for n, h in files.items()}
    assert [f["frame"] for f in frames if f["key_frame"]] == [0, 3, 5, 8]
    for frame, key in zip(frames, [0, 0, 0, 3, 3, 5, 5, 5, 8, 8], strict=True):
        assert {d["label"] for d in frame["detections"]} == {"dog"}
        assert {d["key_frame"] for d in frame["detections"]} == {key}
        assert {d["age"] for d in frame["detections"]} == {frame["frame"] - key}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--flow", "dis-ultrafast"], "has its own flow"),
        (["--mode", "offline"], "propagate.mode cannot be set for the paper's system"),
        (["--size", "64x96"], "detector.size cannot be set"),
    ],
)
def test_options_that_cannot_apply_are_one_sentence(more, message, run):
    code, told = run("--output", "none", "--results", "none", *more)
    assert code == 1
    assert message in told
    assert told.startswith("error: ")
    assert told.count("\n") == 1


def test_running_imports_neither_tensorflow_nor_keras(clip, tiny_paper):
    program = (
        "import sys, run_video\n"
        f"code = run_video.main(['{clip}', '--quiet', '--output', 'none', "
        f"'--detector', {str(tiny_paper)!r}])\n"
        "heavy = {'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
