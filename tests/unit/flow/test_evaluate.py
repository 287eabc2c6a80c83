"""The evaluation command on pairs whose flow is known by construction."""

import json
import shutil

import pytest

from flow.evaluate import build_parser, build_runs, format_table, main
from tests.builders import names_in
from tests.flow_layouts import kitti
from tests.shifted_pairs import write_pairs
from vod.errors import ConfigError


@pytest.fixture
def pairs(tmp_path):
    """Two pairs: content moved by (3, 2) pixels and by (0, 4)."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    return write_pairs(folder, a=(3, 2), b=(0, 4))


def runs_of(*arguments):
    return build_runs(build_parser().parse_args(["--data", "x", *arguments]))


def test_zero_flow_scores_the_mean_length_of_the_truth(pairs, tmp_path, capsys):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "zero", "--report", str(path)]
    assert main(arguments) == 0
    values = json.loads(path.read_text())
    assert values["epe"] == pytest.approx((13**0.5 + 4) / 2)
    assert values["epe_over_all_pixels"] == pytest.approx((13**0.5 + 4) / 2)
    assert values["fl_all"] == 100.0
    assert values["by_displacement"]["0-10"]["pixels"] == 2 * 96 * 128
    assert values["by_displacement"]["40+"] == {"pixels": 0, "epe": None}
    assert [pair["name"] for pair in values["pairs"]] == ["a", "b"]
    assert values["pairs"][1]["epe"] == pytest.approx(4.0)
    assert values["ms_median"] >= 0
    assert values["gflops"] is None
    assert "| zero | 1     | 3.803  | 3.803      | 100.00" in capsys.readouterr().out


def test_the_report_says_what_was_run_on_what(pairs, tmp_path):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "zero", "--report", str(path)]
    main(arguments)
    values = json.loads(path.read_text())
    assert values["schema"] == "flow-evaluation/1"
    assert values["command"].startswith("python -m flow.evaluate --data ")
    assert (values["layout"], values["pair_count"]) == ("chairs-examples", 2)
    assert values["environment"]["packages"]["numpy"]
    (result,) = values["results"]
    assert result["input_size"] == [96, 128]
    assert result["timed_calls"] >= 30


@pytest.mark.parametrize("scale", ["1.0", "0.5"])
def test_a_flow_is_measured_in_full_size_pixels_at_any_scale(pairs, tmp_path, scale):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "dis", "--scale", scale]
    assert main([*arguments, "--report", str(path)]) == 0
    # Exact but at the borders, where content has left the picture.
    assert json.loads(path.read_text())["epe"] < 0.7


def test_several_flows_and_scales_are_several_results(pairs, tmp_path):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "zero", "dis-fast", "--scale", "1"]
    assert main([*arguments, "0.5", "--report", str(path)]) == 0
    values = json.loads(path.read_text())
    names = [result["name"] for result in values["results"]]
    assert names == ["zero @ 1", "zero @ 0.5", "dis-fast @ 1", "dis-fast @ 0.5"]
    assert values["results"][1]["epe"] == pytest.approx((13**0.5 + 4) / 2)
    assert "epe" not in values


def test_unmeasured_pixels_and_pictures_of_several_sizes_are_scored(tmp_path):
    kitti(tmp_path)  # 12 x 16 and 11 x 17 pixels; one of each is unmeasured, in noc two
    path = tmp_path / "report.json"
    arguments = ["--data", str(tmp_path), "--flow", "zero", "--report", str(path)]
    counts = []
    for split in ("occ", "noc"):
        assert main([*arguments, "--split", split]) == 0
        values = json.loads(path.read_text())
        counts.append([pair["valid_pixels"] for pair in values["pairs"]])
    assert counts == [[12 * 16 - 1, 11 * 17 - 1], [12 * 16 - 2, 11 * 17 - 2]]
    means = [pair["epe"] for pair in values["pairs"]]
    assert values["epe"] == pytest.approx(sum(means) / 2)
    weighted = sum(m * n for m, n in zip(means, counts[1], strict=True))
    assert values["epe_over_all_pixels"] == pytest.approx(weighted / sum(counts[1]))
    assert [pair["size"] for pair in values["pairs"]] == [[12, 16], [11, 17]]


def test_only_the_first_pairs_are_measured_when_asked(pairs, tmp_path):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "zero", "--max-pairs", "1"]
    assert main([*arguments, "--report", str(path)]) == 0
    assert json.loads(path.read_text())["epe"] == pytest.approx(13**0.5)


def test_a_network_is_reported_with_its_arithmetic_and_weights(
    pairs, tmp_path, narrow_weights
):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "zero", "lightflow", "--weights"]
    arguments += [f"mine={narrow_weights}", "--engine", "tensorflow"]
    assert main([*arguments, "--report", str(path)]) == 0
    zero, mine = json.loads(path.read_text())["results"]
    assert (zero["name"], zero["weights_sha256"], zero["engine"]) == (
        "zero",
        None,
        None,
    )
    assert mine["name"] == "mine"
    assert mine["engine"] == "tensorflow"
    assert mine["gflops"] > 0
    assert len(mine["weights_sha256"]) == 64
    assert mine["origin"] == "a test"


def test_weights_are_called_by_their_name_or_folder(narrow_weights):
    several = [f"a={narrow_weights}", str(narrow_weights)]
    runs = runs_of("--flow", "dis", "lightflow", "--weights", *several)
    assert [run.label for run in runs] == ["dis", "a", narrow_weights.name]
    assert runs[0].runner.choice.weights is None


def test_the_weights_of_a_training_run_are_called_like_the_run(
    narrow_weights, tmp_path
):
    folder = shutil.copytree(narrow_weights, tmp_path / "run8" / "weights")
    assert [run.label for run in runs_of("--weights", str(folder))] == ["run8"]


def test_two_runs_of_one_name_are_refused(narrow_weights):
    with pytest.raises(ConfigError, match="two of the flows are called 'zero'"):
        runs_of("--flow", "zero", "zero")
    with pytest.raises(ConfigError, match=r"weights folders of one name as NAME=DIR"):
        runs_of("--weights", str(narrow_weights), str(narrow_weights))


def test_weights_without_a_network_are_refused(narrow_weights):
    with pytest.raises(ConfigError, match=r"but dis has no weights\. Add --flow light"):
        runs_of("--flow", "dis", "--weights", str(narrow_weights))


def test_the_table_is_markdown_and_has_a_dash_where_nothing_is_known():
    result = {
        "name": "zero @ 0.5",
        "scale": 0.5,
        "epe": 1.0,
        "epe_over_all_pixels": 2.0,
        "fl_all": 3.0,
        "by_displacement": {
            "0-10": {"epe": 4.0},
            "10-40": {"epe": None},
            "40+": {"epe": None},
        },
        "ms_median": 5.0,
        "cpu_ms_median": 6.0,
        "gflops": None,
    }
    cells = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in format_table([result]).splitlines()
    ]
    assert cells[2] == (
        ["zero", "0.5", "1.000", "2.000", "3.00", "4.00", "-", "-", "5.0", "6.0", "-"]
    )
    assert set("".join(cells[1])) == {"-"}


def test_what_is_wrong_is_told_in_one_line(tmp_path, pairs, capsys):
    def told(*arguments):
        assert main(list(arguments)) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line

    zero = ("--data", str(pairs), "--flow", "zero")
    assert "does not exist" in told("--data", str(tmp_path / "no"), "--flow", "zero")
    assert "unknown flow 'dos'. Did you mean 'dis'" in told(*zero[:2], "--flow", "dos")
    report = tmp_path / "no" / "r.json"
    assert f"cannot write {report}" in told(*zero, "--report", str(report))
    assert "must end in .html or .htm or .png" in told(*zero, "--page", "x.pdf")
    assert "--max-pairs must be 1 or more" in told(*zero, "--max-pairs", "0")
    assert "--page-pairs must be 1 or more" in told(*zero, "--page-pairs", "-1")
    assert "unknown layout 'sintl'" in told(*zero, "--layout", "sintl")
    assert "no split" in told(*zero, "--split", "val")
    lacking = ("--flow", "lightflow", "--weights", str(tmp_path))
    assert "no weights in" in told(*zero[:2], *lacking)


def test_a_broken_pair_is_named_and_leaves_no_report(pairs, tmp_path, capsys):
    (pairs / "b-gt.flo").write_bytes(b"PIEH")
    outputs = tmp_path / "out"
    outputs.mkdir()
    arguments = ["--data", str(pairs), "--flow", "zero"]
    arguments += ["--report", str(outputs / "r.json"), "--page", str(outputs / "p.png")]
    assert main(arguments) == 1
    assert "b-gt.flo" in capsys.readouterr().err
    assert names_in(outputs) == []
