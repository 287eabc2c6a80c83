"""What the command line says to what it cannot use, and that it leaves nothing."""

import re

import pytest

import run_video


def run_cli(*args):
    return run_video.main([str(arg) for arg in args])


WRONG = {
    "a missing file": (["nowhere.mp4"], r"cannot find nowhere\.mp4"),
    "an empty file": (["empty.mp4"], r"empty\.mp4 is empty"),
    "a text file": (["text.mp4"], r"text\.mp4"),
    "a folder without images": (["folder"], r"folder"),
    "an unknown sample": (["sample:bike"], r"Did you mean 'bikes'"),
    "an unknown detector": (
        ["sample:bikes", "--detector", "ssd_mobilenet_v2"],
        r"Did you mean 'ssd_mobilenet_v1'",
    ),
    "an unknown flow": (
        ["sample:bikes", "--flow", "lightflo"],
        r"Did you mean 'lightflow'",
    ),
    "an unknown engine": (["sample:bikes", "--engine", "lite"], r"Did you mean"),
    "an unknown class": (
        ["sample:bikes", "--classes", "persn"],
        r"unknown class 'persn'\. Did you mean 'person'",
    ),
    "an unknown config key": (
        ["sample:bikes", "--set", "propagate.intervall=3"],
        r"unknown key 'propagate\.intervall'",
    ),
    "a missing config": (["sample:bikes", "--config", "no.yaml"], r"no\.yaml"),
    "interval 0": (["sample:bikes", "--keyframe-interval", "0"], "1 or more"),
    "zero frames asked for": (["sample:bikes", "--max-frames", "0"], "1 or more"),
    "a start after the end": (["sample:bikes", "--start", "99"], "no frame"),
    "a wrong weights folder": (
        ["sample:bikes", "--set", "detector.weights=folder"],
        "no weights in folder",
    ),
    "an output folder that is missing": (
        ["sample:bikes", "--output", "no/a.mp4"],
        "does not exist",
    ),
    "a result ending that says nothing": (
        ["sample:bikes", "--output", "none", "--results", "a.xyz"],
        r"a\.xyz",
    ),
    "a camera that is not there": (["77"], "camera 77"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_sentence_and_leaves_nothing(
    case, tmp_path, monkeypatch, capfd
):
    args, expected = WRONG[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video, only words\n" * 20)
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert run_cli(*args) == 1
    error = capfd.readouterr().err.strip()
    assert error.startswith("error: ")
    assert "\n" not in error
    assert "Traceback" not in error
    assert re.search(expected, error), error
    assert sorted(tmp_path.rglob("*")) == before


def test_wrong_usage_exits_with_two():
    with pytest.raises(SystemExit) as stopped:
        run_cli("sample:bikes", "--no-such-flag")
    assert stopped.value.code == 2
