"""The planner's command line, on a small generated clip."""

import json
import shlex

import pytest

import run_video
from propagate.plan import main
from tests.builders import names_in, write_clip
from tests.vid_layout import make_root, write_list


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", count=24)


def test_a_plan_ends_with_a_command_that_runs(clip, tmp_path, capsys):
    path = tmp_path / "plan.json"
    arguments = [str(clip), "--target-fps", "1", "--flow", "dis-ultrafast"]
    arguments += ["--set", "postprocess.score_threshold=0.3"]
    assert main([*arguments, "--report", str(path)]) == 0
    report = json.loads(path.read_text())
    assert report["reached"]
    # At 1 frame/s there is no need for anything but the detector on every frame.
    assert report["chosen"]["keyframe_interval"] == 1
    assert {row["map"] for row in report["candidates"]} == {None}
    assert len([r for r in report["candidates"] if r["measured_fps"]]) == 3
    command = shlex.split(report["command"])
    assert command[:3] == ["python", "run_video.py", str(clip)]
    assert capsys.readouterr().out.endswith(report["command"] + "\n")
    results = ["--results", str(tmp_path / "boxes.jsonl"), "--quiet"]
    assert run_video.main([*command[2:], *results]) == 0
    header = json.loads((tmp_path / "boxes.jsonl").read_text().splitlines()[0])
    assert header["config"]["propagate"]["keyframe_interval"] == 1
    assert header["config"]["postprocess"]["score_threshold"] == 0.3


def test_a_target_out_of_reach_is_said_so_and_the_fastest_named(clip, capsys):
    arguments = [str(clip), "--target-fps", "1e6", "--flow", "dis-ultrafast"]
    assert main([*arguments, "--mode", "causal"]) == 0
    out = capsys.readouterr().out
    assert "1e+06 frames/s cannot be reached here; the fastest makes" in out
    assert "--keyframe-interval 30" in out
    assert "--mode offline" not in out


def test_with_data_every_candidate_says_its_map(clip, tmp_path):
    data = make_root(tmp_path / "data", pictures=True)
    path = tmp_path / "plan.json"
    arguments = [str(clip), "--target-fps", "1", "--flow", "dis-ultrafast", "--write"]
    assert main([*arguments, "--data", str(data), "--report", str(path)]) == 0
    report = json.loads(path.read_text())
    assert {row["map"] for row in report["candidates"]} == {0.0}
    assert report["writes_video"]
    assert "--output none" not in report["command"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.mp4", "--target-fps", "60"], "cannot find no.mp4"),
        (["{clip}", "--target-fps", "0"], "--target-fps must be positive"),
        (["{clip}", "--target-fps", "60", "--flow", "dis-fas"], "'dis-fast'"),
        (["{clip}", "--target-fps", "60", "--data", "none"], "none"),
        (["{clip}", "--target-fps", "60", "--set", "a=1"], "unknown key 'a'"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_no_report(
    arguments, message, clip, tmp_path, capsys
):
    filled = [text.format(clip=clip) for text in arguments]
    assert main([*filled, "--report", str(tmp_path / "r.json")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert names_in(tmp_path) == ["clip.mp4"]


def test_data_without_objects_are_refused(clip, tmp_path, capsys):
    data = make_root(tmp_path / "data")
    write_list(data, "VID/val.txt", "b/000001 1")
    arguments = [str(clip), "--target-fps", "60", "--data", str(data)]
    assert main(arguments) == 1
    assert "there is nothing to score" in capsys.readouterr().err
