import numpy as np
import pytest

from vod.dataset.__main__ import main
from vod.dataset.reading import read_ground_truth
from vod.dataset.synthesis import SetSize, synthesise_ground_truth
from vod.dataset.synthesis_detections import Quality, synthesise_predictions
from vod.errors import ConfigError
from vod.evaluation import evaluate
from vod.predictions_reading import read_predictions

SMALL = SetSize(frames=300, snippets=8, objects=500)
PERFECT = Quality(recall=1, jitter=0, confusion=0)


def test_the_default_size_is_imagenet_vid_vals():
    size = SetSize()
    assert (size.frames, size.snippets, size.objects) == (176_126, 555, 273_505)


def test_the_objects_of_a_perfect_detector_score_one():
    truth = synthesise_ground_truth(SMALL)
    found = synthesise_predictions(truth, SMALL.objects, PERFECT)
    assert evaluate(truth, found).mean_ap == 1
    assert len(found) == truth.num_objects


def test_worse_quality_scores_less():
    truth = synthesise_ground_truth(SMALL)
    scores = [
        evaluate(truth, synthesise_predictions(truth, 2000, quality)).mean_ap
        for quality in (
            PERFECT,
            Quality(recall=0.8, jitter=0.05, confusion=0),
            Quality(recall=0.5, jitter=0.2, confusion=0.3),
            Quality(recall=0, jitter=1),
        )
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.8
    assert scores[-1] < 0.3


def test_detections_come_frame_after_frame_and_lie_on_their_frames():
    truth = synthesise_ground_truth(SMALL)
    found = synthesise_predictions(truth, 3000, Quality())
    assert (np.diff(found.indices) >= 0).all()
    assert found.indices.min() >= 1
    assert found.indices.max() <= SMALL.frames
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()


def test_detections_of_frames_without_objects_are_clutter():
    truth = synthesise_ground_truth(SetSize(frames=5, snippets=1, objects=0))
    assert len(synthesise_predictions(truth, 50, Quality())) == 50
    assert len(synthesise_predictions(truth, 0, Quality())) == 0


@pytest.mark.parametrize(
    "options", [["--columns"], [], ["--columns", "--gzip"], ["--gzip"]]
)
def test_the_command_writes_what_the_readers_read(tmp_path, capsys, options):
    sizes = ("--frames", "60", "--snippets", "3", "--objects", "90")
    words = ["synthesise", str(tmp_path), *sizes, "--detections", "400", *options]
    assert main([*words, "--seed", "5"]) == 0
    assert "3 snippets, 60 frames, 90 objects" in capsys.readouterr().out
    columns = "--columns" in options
    data = tmp_path / "ground_truth.npz" if columns else tmp_path
    read = read_ground_truth(data, cache=False)
    truth = synthesise_ground_truth(SetSize(60, 3, 90), 5)
    for name in ("boxes", "labels", "track_ids", "object_frames", "occluded"):
        np.testing.assert_array_equal(getattr(read, name), getattr(truth, name))
    assert read.snippets == truth.snippets
    assert read.image_names == truth.image_names
    ending = ".gz" if "--gzip" in options else ""
    found = read_predictions(tmp_path / f"detections.txt{ending}", read)
    expected = synthesise_predictions(truth, 400, Quality(), 5)
    for name in ("indices", "labels", "scores", "boxes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--frames", "2", "--snippets", "3"), "received 3 snippets, 2 frames and 273"),
        (("--objects", "-1"), "no negative number of objects; received"),
        (("--recall", "1.5"), "recall and confusion are shares, 0 to 1; received 1.5"),
        (("--jitter", "-1"), "jitter must be a number of at least 0, received -1"),
        (("--jitter", "nan"), "jitter must be a number of at least 0, received nan"),
    ],
)
def test_impossible_sizes_and_qualities_are_refused(tmp_path, capsys, words, message):
    assert main(["synthesise", str(tmp_path / "set"), *words]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_a_negative_number_of_detections_is_refused():
    truth = synthesise_ground_truth(SMALL)
    with pytest.raises(ConfigError, match="is at least 0, received -1"):
        synthesise_predictions(truth, -1, Quality())
