import json

import pytest

from propagate.config import load_pipeline_config
from propagate.speed.clip import Clip
from propagate.speed.codecs import coded_frames
from propagate.speed.work import Work, prepare
from tests.builders import write_clip
from tests.toy_pipeline import make_parts
from vod.errors import ConfigError

CONFIG = load_pipeline_config()


@pytest.fixture
def clip(tmp_path):
    return Clip(str(write_clip(tmp_path / "clip.mp4", count=12)))


@pytest.mark.parametrize(
    "kind",
    ["decode", "decode-rgb", "decode-encode", "every-frame", "causal", "offline"],
)
def test_every_kind_of_work_goes_through_all_frames(kind, clip):
    assert prepare(Work(kind, CONFIG), clip, lambda _: make_parts())() == 12


def test_work_on_a_looped_clip_goes_through_all_its_frames(clip):
    looped = Clip(clip.spec, 30, loops=True)
    assert sum(1 for _ in coded_frames(looped)) == 30
    assert prepare(Work("decode-rgb", CONFIG), looped)() == 30


def test_the_detector_runs_on_every_frame_only_where_that_is_asked_for(clip):
    for kind, runs in (("every-frame", 12), ("causal", 2), ("offline", 3)):
        parts = make_parts(interval=10)
        prepare(Work(kind, CONFIG), clip, lambda _, parts=parts: parts)()
        assert parts.detector.features.calls == runs


def test_stages_are_summed_over_runs_and_forgotten_after_a_warm_up(clip):
    runner = prepare(Work("causal", CONFIG), clip, lambda _: make_parts())
    runner.warm_up(5)
    assert not runner.stages()
    runner()
    runner()
    assert runner.frames == 24
    assert runner.calls["features"] == 4
    stage = runner.stages()["features"]
    assert stage["ms_per_call"] == pytest.approx(stage["ms_per_frame"] * 24 / 4)


def test_written_work_draws_and_encodes(clip):
    work = Work("offline", CONFIG, writes=True)
    runner = prepare(work, clip, lambda _: make_parts())
    runner()
    assert {"draw", "encode"} <= set(runner.stages())


def test_work_survives_json():
    work = Work("every-frame", CONFIG, "opencv-dnn", writes=True, crowd=3)
    assert Work.of_mapping(json.loads(json.dumps(work.as_mapping()))) == work
    assert work.name() == "detector on every frame, opencv-dnn, H.264 written"


def test_a_rival_cannot_propagate(clip):
    work = Work("causal", CONFIG, "onnxruntime")
    with pytest.raises(ConfigError, match="as a detector on every frame only"):
        prepare(work, clip, lambda _: make_parts())
