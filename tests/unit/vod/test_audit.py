import json

import pytest

from tests.scenes import DOG, make_truth, square
from vod.audit import main
from vod.dataset.columns import save_ground_truth


@pytest.fixture
def files(tmp_path):
    """One small dog, found by its own threshold alone."""
    truth = make_truth({"v": 1}, ("v", 0, DOG, square(0, 0, 10), 0))
    save_ground_truth(truth, tmp_path / "truth.npz")
    (tmp_path / "found.txt").write_text("1 1 0.9 0 0 9 3\n")
    return tmp_path


def test_every_protocol_is_printed_with_what_leads_there(files, capsys):
    report = files / "out.json"
    code = main(
        [
            str(files / "found.txt"),
            "--data",
            str(files / "truth.npz"),
            "--report",
            str(report),
        ]
    )
    assert code == 0
    said = capsys.readouterr().out
    for name in ("devkit", "fixed50", "coco", "voc07", "voc12", "mean over all"):
        assert f"\n{name} " in f"\n{said}"
    assert "-1.000000  small objects ask for IoU 0.5" in said
    values = json.loads(report.read_text())
    assert values["protocols"]["devkit"]["mAP"] == 1
    assert values["protocols"]["fixed50"]["mAP"] == 0


def test_a_missing_file_is_one_sentence(files, capsys):
    code = main([str(files / "none.txt"), "--data", str(files / "truth.npz")])
    assert code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "none.txt" in said


def test_without_data_the_usage_is_wrong(capsys):
    with pytest.raises(SystemExit) as end:
        main(["found.txt"])
    assert end.value.code == 2
    assert "--data" in capsys.readouterr().err
