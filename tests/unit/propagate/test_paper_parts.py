"""Which settings the paper's system takes, and what its folder must hold."""

import json
import shutil
from dataclasses import replace

import pytest

from detector.fit_measure import MEASURED
from propagate.config import build_parts, load_pipeline_config, weights_sha256
from propagate.keyframes import Adaptive
from propagate.offline import results_of
from tests.tiny_paper import PICTURES, check_same, found_by_keras
from vod.errors import ConfigError, WeightsError
from vod.types import Frame
from vod.weights import read_record, write_record


def load(folder, *overrides):
    settings = ["detector.name=paper", f"detector.weights={json.dumps(str(folder))}"]
    return load_pipeline_config(overrides=[*settings, *overrides])


def test_the_config_says_what_is_run():
    config = load("folder", "propagate.keyframe_interval=4")
    assert config.flow.name == "paper"
    how = config.propagate
    assert (how.mode, how.travels, how.refine.every) == ("causal", "maps", 0)
    assert how.keyframe_interval == 4
    said = ["flow.name=paper", "propagate.travels=maps", "propagate.refine.every=0"]
    more = ["propagate.mode=causal", "propagate.keyframe_interval=4"]
    assert load("folder", *said, *more) == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("flow.name=lightflow", "flow cannot be set for the paper's system"),
        ("detector.size=[64, 96]", "detector.size cannot .* have one size: leave it"),
        ("detector.pixels=6144", "detector.pixels cannot .* have one size: leave it"),
        ("engine.precision=int8", "engine.precision cannot .* graphs are float32"),
        ("engine.bundle=b", "engine.bundle cannot .* in its weights folder"),
        ("propagate.mode=offline", "propagate.mode cannot .* past frames only"),
        ("propagate.refine.every=3", "propagate.refine cannot .* no boxes are carried"),
        ("propagate.calibration.doubt=1", "propagate.calibration cannot be set"),
        ("propagate.flow_stride=2", "propagate.flow_stride cannot be set"),
        ("propagate.border=zeros", "propagate.border cannot be set"),
        ("propagate.adapter=a", "propagate.adapter cannot be set"),
    ],
)
def test_settings_that_cannot_apply_are_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        load("folder", override)


def test_parts_name_the_systems_classes_and_maps(tiny_paper):
    parts = build_parts(load(tiny_paper, "propagate.keyframes=adaptive"))
    assert parts.detector.classes == ("car", "dog")
    assert [(one.name, one.height, one.width) for one in parts.detector.maps] == [
        ("rpn", 4, 6),
        ("regions", 4, 6),
    ]
    assert isinstance(parts.keyframes, Adaptive)
    assert parts.mode == "causal"


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_the_frame_path_finds_what_keras_finds(engine, tiny_paper):
    config = load(tiny_paper, f"engine.name={engine}", "propagate.keyframe_interval=3")
    parts = replace(build_parts(config), postprocess=MEASURED)
    frames = [Frame(n, n / 25, rgb) for n, rgb in enumerate(PICTURES)]
    results = list(results_of(parts, frames))
    assert [n for n, one in enumerate(results) if one.key_frame] == [0, 3, 6]
    for result, wanted in zip(results, found_by_keras(tiny_paper, 3), strict=True):
        check_same(result.detections, wanted)


def test_result_headers_name_its_files_alone(tiny_paper):
    hashes = weights_sha256(load(tiny_paper))
    files = read_record(tiny_paper).files
    assert hashes == {f"detector/{name}": digest for name, digest in files.items()}


def test_the_fastest_engine_is_found(tiny_paper, tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path))
    assert build_parts(load(tiny_paper, "engine.name=auto")).paper is not None


def test_a_name_without_a_folder_is_refused():
    with pytest.raises(ConfigError, match="name a weights folder, --detector DIR"):
        build_parts(load_pipeline_config(overrides=["detector.name=paper"]))


def test_missing_graphs_name_the_command_that_makes_them(tiny_paper, tmp_path):
    folder = shutil.copytree(tiny_paper, tmp_path / "weights")
    record = read_record(folder)
    del record.graphs["next_key"]
    write_record(folder, record)
    command = f"graph 'next_key'. Run: python -m propagate.export_paper {folder}$"
    with pytest.raises(WeightsError, match=command):
        build_parts(load(folder))


def test_altered_graphs_are_refused(tiny_paper, tmp_path):
    folder = shutil.copytree(tiny_paper, tmp_path / "weights")
    (folder / "head.tflite").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"head\.tflite is not the file"):
        build_parts(load(folder))


def test_a_record_of_another_config_is_refused(tiny_paper, tmp_path):
    folder = shutil.copytree(tiny_paper, tmp_path / "weights")
    record = read_record(folder)
    record.config["detector"]["wide"] = 1
    write_record(folder, record)
    with pytest.raises(WeightsError, match=r"record of .* is wrong: .*'wide'"):
        build_parts(load(folder))
