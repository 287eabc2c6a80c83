import pytest

from vod.dataset.columns import save_ground_truth
from vod.dataset.synthesis import SetSize, synthesise_ground_truth
from vod.dataset.synthesis_detections import Quality, synthesise_predictions
from vod.evaluation.benchmark import EVALUATORS, Task, first_frames, main, measure
from vod.predictions_writing import write_submission_lines

FRAMES = 30


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    truth = synthesise_ground_truth(SetSize(FRAMES, 3, 60), 0)
    save_ground_truth(truth, folder / "truth.npz")
    found = synthesise_predictions(truth, 300, Quality(), 0)
    write_submission_lines(folder / "found.txt", found)
    return folder / "truth.npz", folder / "found.txt"


@pytest.mark.parametrize("name", EVALUATORS)
def test_every_contestant_is_measured_on_all_frames_or_the_first(files, name):
    row = measure(Task(name, *files))
    assert (row["frames"], row["objects"], row["detections"]) == (FRAMES, 60, 300)
    assert 0 < row["mAP"] < 1
    assert row["peak_mib"] > 0
    assert measure(Task(name, *files, frames=7))["frames"] == 7


def test_peers_give_the_same_map(files):
    figures = {name: measure(Task(name, *files))["mAP"] for name in EVALUATORS}
    assert figures["devkit"] == pytest.approx(figures["plain loop, devkit"])
    assert figures["coco"] == pytest.approx(figures["pycocotools, coco"])


def test_first_frames_keep_their_detections_only():
    truth = synthesise_ground_truth(SetSize(FRAMES, 3, 60), 0)
    found = synthesise_predictions(truth, 300, Quality(), 0)
    kept, its = first_frames(truth, found, 4)
    assert kept.num_frames == 4
    assert set(its.indices.tolist()) <= set(kept.frame_indices.tolist())
    assert len(its.boxes) == len(its.scores) == len(its)


def test_frames_must_be_positive(files, capsys):
    data, found = map(str, files)
    assert main(["--data", data, "--detections", found, "--frames", "0"]) == 1
    assert "--frames must be at least 1" in capsys.readouterr().err


def test_a_file_that_is_missing_is_named(files, tmp_path, capsys):
    missing = str(tmp_path / "none.npz")
    assert main(["--data", missing, "--detections", str(files[1])]) == 1
    assert "none.npz" in capsys.readouterr().err
