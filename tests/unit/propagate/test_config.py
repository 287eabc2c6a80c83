import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import configs
import detector.registry
import flow.registry
from detector.postprocess import PostprocessConfig
from propagate.config import (
    PipelineConfig,
    build_parts,
    for_video,
    keyframe_policy,
    load_pipeline_config,
    resolve_mode,
    weights_sha256,
    with_interval,
)
from propagate.keyframes import Adaptive
from propagate.networks import bundle_of
from tests.builders import make_info
from vod.errors import ConfigError, WeightsError
from vod.weights import read_record, write_record

DEFAULT = Path(configs.__file__).parent / "default.yaml"


def test_the_written_out_defaults_are_the_defaults():
    assert load_pipeline_config(DEFAULT) == PipelineConfig()


def test_overrides_win_over_the_file():
    config = load_pipeline_config(DEFAULT, ["propagate.keyframe_interval=3"])
    assert config.propagate.keyframe_interval == 3
    assert config.postprocess == PostprocessConfig()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("propagate.keyframe_interval=0", "1 or more"),
        ("propagate.flow_stride=0", "flow_stride must be 1 or more"),
        ("propagate.budget=8", "budget is for adaptive key frames: add keyframes="),
        ("flow.input_share=0", "input_share must lie in"),
        ("engine.threads=0", "threads must be 1 or more"),
        ("engine.name=litrt", "Did you mean 'litert'"),
        ("propagate.border=edges", "Did you mean 'edge'"),
        ("detektor.name=x", "Did you mean 'detector'"),
    ],
)
def test_wrong_values_are_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        load_pipeline_config(overrides=[override])


def test_adaptive_key_frames_keep_the_interval_or_the_budget_on_average():
    adaptive = "propagate.keyframes=adaptive"
    for more, budget in (([], 10), (["propagate.budget=7.5"], 7.5)):
        config = load_pipeline_config(overrides=[adaptive, *more])
        assert keyframe_policy(config.propagate) == Adaptive(budget)
    with pytest.raises(ConfigError, match="budget must be 1 or more"):
        load_pipeline_config(overrides=[adaptive, "propagate.budget=0.5"])


def test_maps_do_not_travel_offline():
    with pytest.raises(ConfigError, match="travels=maps cannot go with mode=offline"):
        load_pipeline_config(
            overrides=["propagate.travels=maps", "propagate.mode=offline"]
        )


def test_changing_the_interval_changes_nothing_else():
    changed = with_interval(PipelineConfig(), 4)
    assert changed.propagate.keyframe_interval == 4
    assert with_interval(changed, 10) == PipelineConfig()


@pytest.mark.parametrize(
    ("overrides", "side"),
    [
        (["flow.name=lightflow", "flow.passes=1"], 300),
        (["flow.name=dis-medium"], 150),
        (["flow.name=dis-ultrafast"], 300),
        (["flow.name=dis-ultrafast", "flow.input_share=0.25"], 75),
    ],
)
def test_each_flow_has_its_own_picture_size(overrides, side):
    parts = build_parts(load_pipeline_config(overrides=overrides))
    assert parts.detector.preprocessing.height == 300
    assert (parts.flow.height, parts.flow.width) == (side, side)


def test_no_flow_holds_the_boxes():
    assert build_parts(load_pipeline_config(overrides=["flow.name=none"])).flow is None


def test_weights_of_another_network_are_refused():
    shipped = Path(flow.registry.SHIPPED_WEIGHTS) / "lightflow"
    config = load_pipeline_config(overrides=[f"detector.weights={shipped}"])
    with pytest.raises(WeightsError, match="holds weights of 'lightflow'"):
        build_parts(config)


def test_result_headers_name_every_weights_file():
    config = load_pipeline_config(overrides=["flow.name=lightflow"])
    hashes = weights_sha256(config)
    assert {"detector/features.tflite", "flow/flow_300x300.tflite"} <= hashes.keys()
    assert all(len(digest) == 64 for digest in hashes.values())


@pytest.mark.parametrize(
    ("overrides", "is_live", "mode"),
    [
        ([], False, "offline"),
        ([], True, "causal"),
        (["propagate.travels=maps"], False, "causal"),
        (["propagate.keyframe_interval=101"], False, "causal"),
        (
            ["propagate.keyframe_interval=101", "propagate.mode=offline"],
            False,
            "offline",
        ),
        (["propagate.mode=causal"], False, "causal"),
    ],
)
def test_auto_looks_ahead_where_it_can(overrides, is_live, mode):
    config = load_pipeline_config(overrides=overrides)
    assert resolve_mode(config.propagate, is_live=is_live) == mode


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["detector.size=[31, 300]"], "rows and columns from 32 to 4096, received 31x"),
        (["detector.size=300"], "detector.size must be"),
        (["engine.precision=int4"], "precision cannot be 'int4'"),
        (["engine.name=tensorflow", "engine.precision=int8"], "runs float32 only"),
        (["engine.bundle=b", "engine.precision=int8"], "precision of its own"),
        (["engine.bundle=b", "detector.size=[64, 64]"], "precision of its own"),
        (["engine.bundle=b", "detector.pixels=4096"], "precision of its own"),
        (["detector.pixels=5"], "detector.pixels must be from 1024 to 16777216"),
        (["detector.pixels=6.5e+4"], "detector.pixels must be int"),
        (
            ["detector.pixels=66000", "detector.size=[64, 64]"],
            "detector.size .* and pixels 66000 exclude each other",
        ),
    ],
)
def test_wrong_sizes_and_precisions_are_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_pipeline_config(overrides=overrides)


def test_pixels_need_a_video_whose_shape_they_take():
    config = load_pipeline_config(overrides=["detector.pixels=66000"])
    with pytest.raises(ConfigError, match=r"pixels=66000 takes .* give detector\.size"):
        build_parts(config)
    sized = for_video(config, make_info(width=1280, height=720))
    assert sized == load_pipeline_config(overrides=["detector.size=[236, 268]"])
    assert for_video(PipelineConfig(), make_info()) == PipelineConfig()


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["detector.size=[300, 300]"],
        ["engine.precision=int8"],
        ["detector.size=[64, 64]", "engine.name=tensorflow"],
        ["detector.size=[192, 344]"],
        ["detector.size=[192, 344]", "engine.precision=int8", "engine.name=auto"],
    ],
)
def test_what_the_shipped_graphs_run_needs_no_bundle(overrides):
    assert bundle_of(load_pipeline_config(overrides=overrides)) is None


@pytest.mark.parametrize("more", [[], ["detector.size=[192, 344]"]])
def test_int8_runs_the_shipped_graph_without_tensorflow(more):
    script = (
        "import sys\n"
        "from propagate.config import build_parts, load_pipeline_config\n"
        f"overrides = ['engine.precision=int8', *{more}]\n"
        "parts = build_parts(load_pipeline_config(overrides=overrides))\n"
        "assert parts.detector.preprocessing.as_pixels\n"
        "assert parts.detector.features.path.name == 'features_int8.tflite'\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()\n"
    )
    root = Path(configs.__file__).parents[1]
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)


@pytest.mark.parametrize(
    ("overrides", "flow", "form"),
    [
        (["engine.name=onnxruntime"], None, "litert"),
        (["engine.name=onnxruntime", "engine.precision=int8"], None, "onnx"),
        (["flow.name=lightflow"], "lightflow", "litert"),
        (["flow.name=lightflow", "engine.name=auto"], "lightflow", "litert"),
        (["detector.weights={backbone}"], None, "litert"),
        (["detector.weights={plain}", "engine.precision=int8"], None, "litert"),
    ],
)
def test_a_size_that_no_shipped_graph_runs_asks_the_cache(
    overrides, flow, form, folders, monkeypatch
):
    wishes = []
    monkeypatch.setattr("vod.engine.is_installed", lambda _name: True)
    monkeypatch.setattr("propagate.networks.cached_bundle", wishes.append)
    filled = [override.format(**folders) for override in overrides]
    size = "detector.size=[224, 400]"
    bundle_of(load_pipeline_config(overrides=[size, *filled]))
    (wish,) = wishes
    assert (wish.flow, wish.format, wish.size) == (flow, form, (224, 400))


@pytest.fixture
def folders(tmp_path):
    """Weights without an int8 graph, and weights whose maps are the backbone's."""
    shipped = detector.registry.SHIPPED_WEIGHTS / "ssd_mobilenet_v1"
    record = read_record(shipped)
    graphs = {role: record.graphs[role] for role in ("features", "head")}
    plain = replace(record, graphs=graphs)
    backbone = replace(plain, config=record.config | {"seam": "backbone"})
    made = {"plain": plain, "backbone": backbone}
    for name, changed in made.items():
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, changed)
    return {name: tmp_path / name for name in made}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_auto_measures_the_graph_of_the_first_half_at_its_size(precision, monkeypatch):
    asked = []

    def fastest(uses, threads):
        asked.extend((use.path.name, use.input_size, threads) for use in uses)
        return "litert"

    monkeypatch.setattr("propagate.networks.fastest_engine", fastest)
    overrides = ["engine.name=auto", f"engine.precision={precision}"]
    config = load_pipeline_config(overrides=[*overrides, "detector.size=[64, 96]"])
    parts = build_parts(config)
    file = "features.tflite" if precision == "fp32" else "features_int8.tflite"
    assert asked == [(file, (64, 96), 2)]
    assert [spec.width for spec in parts.detector.maps] == [6, 3, 2, 1, 1, 1]
    assert (parts.flow.height, parts.flow.width) == (64, 96)


def test_result_headers_name_a_bundles_files(tiny_bundle):
    config = load_pipeline_config(overrides=[f"engine.bundle={tiny_bundle}"])
    hashes = weights_sha256(config)
    assert {"bundle/head.tflite", "detector/weights.safetensors"} <= hashes.keys()
