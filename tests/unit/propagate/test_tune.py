"""Tuning on a generated clip: a textured square that slides over a still background."""

import logging
import shutil

import numpy as np
import pytest

from flow.lightflow import LightFlowConfig, build_lightflow
from flow.registry import default_passes, load_flow
from flow.train.run import write_weights
from propagate.joint.config import JointTrainConfig
from propagate.refine.config import RefineChoice, RefinerConfig
from propagate.refine.refiner import load_box_refiner
from propagate.refine.train_config import RefinerTrainConfig
from propagate.train_data import Clip
from propagate.tune import main
from propagate.tuning import flow as flow_tuning
from propagate.tuning import refiner as refiner_tuning
from propagate.tuning.flow import MEASURE, tune_flow, use_with
from propagate.tuning.parts import split
from propagate.tuning.refiner import stills_of, tune_refiner
from propagate.tuning.tuned import Tuned, format_table
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
    seen, held_out = split(make_clip(100), longest=10)
    assert (len(seen.pictures), len(held_out.pictures)) == (80, 20)
    assert held_out.detections[0].boxes[0].tolist() == [0, 20, 20, 40]  # frame 80
    assert len(seen.detections) == 80


def test_the_held_out_part_of_a_short_clip_has_room_for_the_greatest_age():
    seen, held_out = split(make_clip(36), longest=10)
    assert (len(seen.pictures), len(held_out.pictures)) == (24, 12)


def test_a_clip_too_short_is_refused():
    with pytest.raises(VideoError, match=r"square\.mp4 has 35 frames; tuning needs 36"):
        split(make_clip(35), longest=10)


def test_the_score_is_the_mean_over_ages_of_what_is_carried():
    assert MEASURE.score(FIGURES) == 0.5


def pretend(monkeypatch, before, after):
    """Let the two measurements on the held-out parts give these figures."""
    measured = iter([before, after])
    monkeypatch.setattr(flow_tuning, "agreement", lambda *_, **__: next(measured))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_better_weights_are_ready_to_use(tmp_path, init, monkeypatch):
    pretend(monkeypatch, FIGURES, BETTER)
    out = tmp_path / "mine"
    tuned = tune_flow([make_clip()], init=init, out=out, config=tiny())
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
    monkeypatch.setattr(flow_tuning, "train", no_training)
    tuned = tune_flow([make_clip()], init=init, out=tmp_path / "mine", config=tiny())
    assert tuned.weights is None
    assert not (tmp_path / "mine" / "record.json").exists()
    assert "not handed over" in format_table(tuned, MEASURE)


def test_the_table_shows_holding_before_and_after(tmp_path):
    lines = format_table(Tuned(FIGURES, BETTER, tmp_path), MEASURE).splitlines()
    assert lines[0].split()[-3:] == ["held", "before", "after"]
    assert lines[1].split() == ["after", "5", "frames", "0.500", "0.600", "0.600"]
    assert lines[2].split() == ["after", "10", "frames", "0.200", "0.400", "0.600"]
    assert lines[3].endswith(f"--set flow.weights={tmp_path}")


def test_clips_without_objects_are_refused(tmp_path, init):
    with pytest.raises(
        VideoError, match=r"no object .*square\.mp4 that is to train on"
    ):
        tune_flow([make_clip(score=0.39)], init=init, out=tmp_path / "a", config=tiny())
    clip = make_clip()
    clip.detections[28:] = [make_detections()] * 12
    with pytest.raises(VideoError, match=r"that is held out \(12 frames\)"):
        tune_flow([clip], init=init, out=tmp_path / "a", config=tiny())


def test_a_folder_in_use_is_not_written_to(tmp_path, init):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is in use"):
        tune_flow([make_clip()], init=init, out=tmp_path, config=tiny())


def test_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no weights in"):
        tune_flow([make_clip()], init=tmp_path, out=tmp_path / "a", config=tiny())


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


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_another_input_size_is_measured_and_exported_at_that_size(
    tmp_path, init, monkeypatch
):
    shares, measured = [], iter([FIGURES, BETTER])

    def agreement(*_, share, **__):
        shares.append(share)
        return next(measured)

    def no_training(_, *, out, **__):
        return shutil.copytree(init, out / "weights")

    monkeypatch.setattr(flow_tuning, "agreement", agreement)
    monkeypatch.setattr(flow_tuning, "train", no_training)
    config, out = tiny("input_share=1"), tmp_path / "mine"
    tuned = tune_flow([make_clip()], init=init, out=out, config=config)
    assert shares == [1, 1]
    flow = load_flow("lightflow", input_height=SIDE, input_width=SIDE, weights=out)
    assert flow(*map(flow.prepare, make_clip(2).pictures)).data.shape[:2] == (16, 16)
    last = format_table(tuned, use_with(config)).splitlines()[-1]
    assert last.endswith(f"flow.weights={out} --set flow.passes=1")
    usual = tiny(f"passes={default_passes('lightflow')}")
    assert use_with(usual).use.endswith("--set flow.input_share=0.5")


def tiny_refiner(*changes):
    settings = ["schedule.steps=2", "schedule.steps_per_epoch=2", "batch_size=2"]
    return load_config(RefinerTrainConfig, None, [*settings, *changes])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_refiner_is_tuned_and_handed_over_only_if_better(tmp_path, monkeypatch):
    before = {"refined_5": 0.5, "refined_10": 0.4, "refined_20": 0.3}
    better = before | {"refined_20": 0.4}
    measured = iter([before, better, before, better, before])
    monkeypatch.setattr(
        refiner_tuning.RefinedAgreement, "__call__", lambda *_: next(measured)
    )
    first, clip = tmp_path / "first", make_clip(66)
    tuned = tune_refiner([clip], out=first, config=tiny_refiner())
    carried = {"carried_5": 0.5, "carried_10": 0.4, "carried_20": 0.3}
    assert tuned == Tuned(carried | before, carried | better, first)
    assert load_box_refiner(RefineChoice(weights=first)) is not None
    lines = format_table(tuned, refiner_tuning.MEASURE).splitlines()
    assert lines[3].split() == ["after", "20", "frames", "0.300", "0.300", "0.400"]
    assert lines[4].endswith(f"--set propagate.refine.weights={first}")
    # From these weights on: this time they are no better.
    config = tiny_refiner(f"init={first}", "network.hidden=32")
    again = tune_refiner([clip], out=tmp_path / "again", config=config)
    assert again.weights is None
    assert not (tmp_path / "again" / "record.json").exists()
    trained = tmp_path / "again" / "training" / "weights" / "record.json"
    assert f'"hidden": {RefinerConfig().hidden}' in trained.read_text()


def test_frames_serve_as_pictures_of_what_the_detector_is_sure_of():
    assert len(stills_of([make_clip(21)])) == 3
    assert stills_of([make_clip(21, score=0.45)]) == []
    np.testing.assert_array_equal(
        stills_of([make_clip(11)])[1].boxes, [[10, 20, 30, 40]]
    )
