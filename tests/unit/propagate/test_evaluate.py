"""The command line, on a data set of three grey pictures."""

import json

import pytest

from propagate.evaluate import main
from tests.vid_layout import make_root


@pytest.fixture
def data(tmp_path):
    return make_root(tmp_path / "data", pictures=True)


def test_one_command_gives_table_report_and_figure(data, tmp_path, capsys):
    report = tmp_path / "out.json"
    arguments = ["--data", str(data), "--intervals", "1,2", "--report", str(report)]
    assert main([*arguments, "--flow", "dis-ultrafast"]) == 0
    written = json.loads(report.read_text())
    ways = [(r["mode"], r["flow"], r["keyframe_interval"]) for r in written["rows"]]
    flow = "dis-ultrafast"
    assert ways == [
        ("per-frame", None, 1),
        *(("hold", None, 1), ("causal", flow, 1), ("offline", flow, 1)),
        *(("hold", None, 2), ("causal", flow, 2), ("offline", flow, 2)),
    ]
    assert {row["map"] for row in written["rows"]} == {0.0}
    assert written["frames"] == written["timing"]["frames"] == 3
    assert written["config"]["postprocess"]["score_threshold"] == 0.4
    assert written["scored_from"] == 0.05
    assert len(capsys.readouterr().out.splitlines()) == 8
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"


def test_adaptive_key_frames_stand_beside_fixed_ones(data, capsys):
    arguments = ["--data", str(data), "--flow", "zero", "--modes", "hold,causal"]
    assert main([*arguments, "--keyframes", "fixed", "adaptive"]) == 0
    rows = [line.split()[:4] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["hold", "fixed", "10", "66.7"],
        ["causal", "zero", "fixed", "10"],
        ["causal", "zero", "adaptive", "10"],
    ]


def test_phases_are_scored_apart_and_told_as_their_mean(data, tmp_path):
    report = tmp_path / "out.json"
    arguments = ["--data", str(data), "--flow", "zero", "--keyframe-interval", "2"]
    assert main([*arguments, "--phases", "3", "--report", str(report)]) == 0
    written = json.loads(report.read_text())
    assert written["phases"] == 3
    counts = [len(row["map_of_phases"]) for row in written["rows"]]
    assert counts == [1, 2, 2, 2]  # an interval of 2 has two phases, per-frame has one
    # Videos of two frames and of one: the first of each, or all.
    assert written["rows"][1]["key_frame_share"] == pytest.approx((2 / 3 + 1) / 2)


def test_maps_are_compared_without_offline(data, capsys):
    arguments = ["--data", str(data), "--travels", "maps", "--flow", "zero"]
    assert main(arguments) == 0
    modes = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert modes == ["per-frame", "hold", "causal"]


def test_pixels_are_sides_that_suit_each_snippet(data, capsys):
    modes = ["--data", str(data), "--modes", "per-frame,causal", "--phases", "2"]
    tables = []
    for stated in ("size=[268, 268]", "pixels=66000"):  # pictures of up to 4:3
        assert main([*modes, "--set", f"detector.{stated}"]) == 0
        lines = capsys.readouterr().out.splitlines()
        tables.append([line[:60] for line in lines])  # all but times
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--modes", "casual"], "unknown mode 'casual'. Did you mean 'causal'"),
        (["--modes", "causal", "--flow", "lightflo"], "unknown flow 'lightflo'"),
        (["--keyframe-interval", "0"], "1 or more, received 0"),
        (["--intervals", "5,0"], "1 or more, received 0"),
        (["--phases", "0"], "--phases must be 1 or more, received 0"),
        (["--split", "test"], "test.txt"),
        (["--set", "detector.pixels=1"], "pixels must be from 1024"),
        (["--figure", "no/such/folder.png"], "does not exist"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_nothing(
    data, tmp_path, capsys, arguments, message
):
    report = tmp_path / "r.json"
    assert main(["--data", str(data), "--report", str(report), *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == [data]


@pytest.mark.parametrize(
    "arguments", [["--intervals", "5,x"], ["--travels", "features"], []]
)
def test_wrong_usage_is_refused(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--data", "x", *arguments] if arguments else [])
    assert "usage" in capsys.readouterr().err


def test_a_list_without_objects_is_refused(data, capsys):
    lists = data / "ImageSets" / "VID"
    (lists / "empty.txt").write_text("b/000001 1\n")
    (data / "Annotations" / "VID" / "empty").symlink_to(
        data / "Annotations" / "VID" / "val"
    )
    assert main(["--data", str(data), "--split", "empty"]) == 1
    assert "there is nothing to score" in capsys.readouterr().err
