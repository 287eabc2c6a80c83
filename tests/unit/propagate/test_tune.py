"""Tuning on a generated clip: a textured square that slides over a still background."""

import logging
import shutil

import numpy as np
import pytest

from flow.lightflow import LightFlowConfig, build_lightflow
from flow.registry import load_flow
from flow.train.run import write_weights
from propagate import tune as tune_module
from propagate.train import JointTrainConfig
from propagate.train_data import Clip
from propagate.tune import Tuned, format_table, main, score, split, tune
from tests.builders import make_detections, write_clip
from vod.config import load_config
from vod.errors import ConfigError, VideoError, WeightsError

SIDE = 64
FIGURES = {"carried_5": 0.6, "held_5": 0.5, "carried_10": 0.4, "held_10": 0.2}
BETTER = FIGURES | {"carried_10": 0.6}


@pytest.fixture(scope="module")
def init(tmp_path_factory):
    """A weights folder of a narrow LightFlow."""
    folder = tmp_path_factory.mktemp("narrow")
    config = LightFlowConfig(width=0.125)
    write_weights(build_lightflow(config), folder, config, "a test")
    return folder


def make_clip(count=40, score=0.9):
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 120, (SIDE, SIDE, 3), np.uint8)
    square = rng.integers(120, 255, (20, 20, 3), np.uint8)
    pictures, found = [], []
    for index in range(count):
        picture, left = ground.copy(), index % 40
        picture[20:40, left : left + 20] = square
        pictures.append(picture)
        found.append(make_detections(((left, 20, left + 20, 40), score, 0)))
    return Clip("square.mp4", np.stack(pictures), found)


def tiny(*changes):
    settings = ["schedule.steps=2", "schedule.steps_per_epoch=2", "real=2"]
    return load_config(JointTrainConfig, None, [*settings, "generated=1", *changes])


def test_the_last_fifth_is_held_out():
    seen, held_out = split(make_clip(100))
    assert (len(seen.pictures), len(held_out.pictures)) == (80, 20)
    assert held_out.detections[0].boxes[0].tolist() == [0, 20, 20, 40]  # frame 80
    assert len(seen.detections) == 80


def test_the_held_out_part_of_a_short_clip_has_room_for_the_greatest_age():
    seen, held_out = split(make_clip(36))
    assert (len(seen.pictures), len(held_out.pictures)) == (24, 12)


def test_a_clip_too_short_is_refused():
    with pytest.raises(VideoError, match=r"square\.mp4 has 35 frames; tuning needs 36"):
        split(make_clip(35))


def test_the_score_is_the_mean_over_ages_of_what_is_carried():
    assert score(FIGURES) == 0.5


def pretend(monkeypatch, before, after):
    """Let the two measurements on the held-out parts give these figures."""
    measured = iter([before, after])
    monkeypatch.setattr(tune_module, "agreement", lambda *_, **__: next(measured))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_better_weights_are_ready_to_use(tmp_path, init, monkeypatch):
    pretend(monkeypatch, FIGURES, BETTER)
    out = tmp_path / "mine"
    tuned = tune([make_clip()], init=init, out=out, config=tiny())
    assert tuned == Tuned(FIGURES, BETTER, out)
    assert "continuing: a test" in (out / "record.json").read_text()
    flow = load_flow("lightflow", input_height=32, input_width=32, weights=out)
    pictures = make_clip(2).pictures
    field = flow(*map(flow.prepare, pictures))
    assert np.isfinite(field.data).all()
    assert (out / "training" / "log.csv").exists()


@pytest.mark.parametrize("after", [FIGURES, FIGURES | {"carried_5": 0.59}])
def test_weights_that_are_no_better_are_not_handed_over(
    tmp_path, init, monkeypatch, after
):
    def no_training(_, *, out, **__):
        return shutil.copytree(init, out / "weights")

    pretend(monkeypatch, FIGURES, after)
    monkeypatch.setattr(tune_module, "train", no_training)
    tuned = tune([make_clip()], init=init, out=tmp_path / "mine", config=tiny())
    assert tuned.weights is None
    assert not (tmp_path / "mine" / "record.json").exists()
    assert "not handed over" in format_table(tuned)


def test_the_table_shows_holding_before_and_after(tmp_path):
    lines = format_table(Tuned(FIGURES, BETTER, tmp_path)).splitlines()
    assert lines[0].split()[-3:] == ["held", "before", "after"]
    assert lines[1].split() == ["after", "5", "frames", "0.500", "0.600", "0.600"]
    assert lines[2].split() == ["after", "10", "frames", "0.200", "0.400", "0.600"]
    assert lines[3].endswith(f"--set flow.weights={tmp_path}")


def test_clips_without_objects_are_refused(tmp_path, init):
    with pytest.raises(
        VideoError, match=r"no object .*square\.mp4 that is to train on"
    ):
        tune([make_clip(score=0.39)], init=init, out=tmp_path / "a", config=tiny())
    clip = make_clip()
    clip.detections[28:] = [make_detections()] * 12
    with pytest.raises(VideoError, match=r"that is held out \(12 frames\)"):
        tune([clip], init=init, out=tmp_path / "a", config=tiny())


def test_a_folder_in_use_is_not_written_to(tmp_path, init):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is in use"):
        tune([make_clip()], init=init, out=tmp_path, config=tiny())


def test_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no weights in"):
        tune([make_clip()], init=tmp_path, out=tmp_path / "a", config=tiny())


def test_errors_of_the_command_are_one_sentence(tmp_path, caplog):
    clip = write_clip(tmp_path / "short.mp4", 3)
    with caplog.at_level(logging.ERROR):
        assert main([str(clip), "--out", str(tmp_path / "a")]) == 1
        assert main([str(tmp_path / "none.mp4"), "--out", str(tmp_path / "a")]) == 1
        assert main([str(clip), "--out", str(tmp_path)]) == 1
        assert main([str(clip), "--out", str(tmp_path / "a"), "--minutes", "0"]) == 1
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 4
    assert "short.mp4 has 3 frames; tuning needs 36 or more" in messages[0]
    assert "none.mp4 holds no video and no folder of pictures" in messages[1]
    assert "is in use" in messages[2]
    assert "minutes must be positive" in messages[3]
