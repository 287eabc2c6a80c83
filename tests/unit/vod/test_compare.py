import json

import pytest

from tests.scenes import DOG, make_truth, square
from vod.compare import main
from vod.dataset.columns import save_ground_truth

BOX = square(10, 10, 100)
VIDEOS = {f"v{i}": 1 for i in range(6)}


@pytest.fixture
def files(tmp_path):
    """Six videos with a dog each; A finds one dog, B all of them."""
    truth = make_truth(VIDEOS, *((name, 0, DOG, BOX, 0) for name in VIDEOS))
    save_ground_truth(truth, tmp_path / "truth.npz")
    for name, count in (("a.txt", 1), ("b.txt", 6)):
        lines = [f"{i + 1} 1 0.9 10 10 109 109\n" for i in range(count)]
        (tmp_path / name).write_text("".join(lines))
    return tmp_path


def run(folder, *options, names=("a.txt", "b.txt")):
    paths = [str(folder / name) for name in names]
    return main(["--data", str(folder / "truth.npz"), *paths, *options])


def test_the_table_says_which_file_is_better(files, capsys):
    assert run(files) == 0
    said = capsys.readouterr().out
    assert "+0.8333" in said
    assert "B is better: the interval leaves 0 out (1000 resamples of 6" in said


def test_the_report_names_files_protocol_and_figures(files, capsys):
    options = ["--report", str(files / "out.json"), "--protocol", "voc12"]
    assert run(files, *options, "--resamples", "200", "--level", "0.9") == 0
    values = json.loads((files / "out.json").read_text())
    assert values["protocol"] == "voc12"
    assert values["A"].endswith("a.txt")
    assert values["mAP"]["difference"]["value"] == pytest.approx(5 / 6)
    assert (values["resamples"], values["level"]) == (200, 0.9)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("options", "names", "message"),
    [
        (["--resamples", "5"], ("a.txt", "b.txt"), "resamples must be at least 100"),
        ([], ("a.txt", "none.txt"), "none.txt"),
    ],
)
def test_wrong_input_is_one_sentence(files, capsys, options, names, message):
    report = files / "out.json"
    assert run(files, *options, "--report", str(report), names=names) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert not report.exists()


def test_wrong_usage_ends_with_two(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--protocol", "none"])
    assert end.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
