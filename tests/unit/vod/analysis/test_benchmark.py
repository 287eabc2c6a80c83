import json

from tests.scenes import make_truth, square
from vod.analysis.benchmark import main
from vod.dataset.columns import save_ground_truth


def test_every_step_is_timed_and_the_figures_are_those_of_the_file(tmp_path, capsys):
    truth = make_truth({"v": 1}, ("v", 0, 0, square(0, 0, 50), 0))
    save_ground_truth(truth, tmp_path / "truth.npz")
    found = tmp_path / "found.txt"
    found.write_text("1 1 0.9 0 0 49 49\n1 2 0.8 0 0 49 49\n")
    options = ["--data", str(tmp_path / "truth.npz"), "--detections", str(found)]
    assert main([*options, "--audit", "--report", str(tmp_path / "out.json")]) == 0
    values = json.loads((tmp_path / "out.json").read_text())
    assert [row["step"] for row in values["steps"]][-1] == "audit"
    assert (values["frames"], values["objects"], values["detections"]) == (1, 1, 2)
    assert values["errors"]["class"] == 1
    assert values["mAP"]["value"] == 1
    assert json.loads(capsys.readouterr().out) == values


def test_a_missing_file_is_one_sentence(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "no.npz"), "--detections", "no.txt"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
