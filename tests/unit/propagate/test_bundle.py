import importlib.util
import json
import shutil

import cv2
import numpy as np
import pytest

from detector.models import load_models
from detector.postprocess import PostprocessConfig
from propagate.bundle import read_bundle
from propagate.bundle_runner import stretch
from propagate.bundle_writer import BundleRequest, write_bundle
from propagate.config import EngineConfig, PipelineConfig, build_parts
from propagate.manifest import MANIFEST_FILE
from vod.errors import ConfigError, WeightsError

AGAIN = r"Make it again: python -m propagate\.export --format litert"


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


def change_manifest(folder, **changes):
    path = folder / MANIFEST_FILE
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(values), encoding="utf-8")


def test_a_bundle_of_another_size_computes_what_keras_computes(
    tiny_bundle, tiny_folder, tiny_pictures
):
    detector = read_bundle(tiny_bundle).detector(engine="litert", threads=1)
    assert detector.preprocessing.as_pixels
    models = load_models(tiny_folder, size=(64, 96))
    assert detector.maps == models.maps
    # Stride 16, then halved: 4 x 6 cells of 3 anchors, then 6 anchors a cell.
    cells = [4 * 6 * 3, 2 * 3 * 6, 1 * 2 * 6, 6, 6, 6]
    picture = tiny_pictures[0].key
    ours = detector.features(detector.preprocessing(picture))
    expected = models.features(models.preprocessing(picture))
    for got, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(got, np.asarray(wanted), atol=1e-4)
    boxes, scores = detector.head(*ours)
    assert boxes.shape == (1, sum(cells), 4)
    assert scores.shape == (1, sum(cells), 3)
    # The first anchor lies on the first cell: 16 x 16 pixels, centre (8, 8).
    code = ours[0][0, 0, 0, :4]
    side = 0.1 * 64
    np.testing.assert_allclose(
        (boxes[0, 0, :2] + boxes[0, 0, 2:]) / 2, 8 + code[:2] / 10 * side, atol=1e-3
    )


def test_the_manifest_says_all_that_a_program_needs(tiny_bundle):
    manifest = read_bundle(tiny_bundle).manifest
    image = manifest.graphs["features"].inputs[0]
    assert (image.name, image.shape, image.dtype) == ("image", (1, 64, 96, 3), "uint8")
    assert [t.name for t in manifest.graphs["head"].outputs] == ["boxes", "scores"]
    assert [spec.stride for spec in manifest.maps[:2]] == [16, 32]
    assert manifest.classes == ("dog", "car", "person")
    assert set(manifest.files) == {
        "README.md",
        "features.tflite",
        "head.tflite",
        "run_bundle.py",
    }
    assert {"seam", "anchors", "boxes", "preprocessing"} <= manifest.notes.keys()
    assert len(manifest.weights["detector/weights.safetensors"]) == 64
    assert manifest.checks["features"]["error"] < 1e-3


def test_the_runner_finds_the_same_boxes_without_this_project(
    tiny_bundle, tiny_pictures
):
    source = (tiny_bundle / "run_bundle.py").read_text(encoding="utf-8")
    for room in ("vod", "flow", "detector", "propagate"):
        assert f"from {room}" not in source
        assert f"import {room}" not in source
    spec = importlib.util.spec_from_file_location(
        "run_bundle", tiny_bundle / "run_bundle.py"
    )
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    picture = tiny_pictures[3].key
    detector = read_bundle(tiny_bundle).detector(engine="litert", threads=1)
    expected = detector.detect(
        detector.features(
            detector.preprocessing.input_of(runner.stretch(picture, 64, 96))
        ),
        frame_height=80,
        frame_width=96,
        postprocess=PostprocessConfig(),
    )
    found = runner.detect(picture, tiny_bundle)
    assert len(expected) > 5
    assert [line["class"] for line in found] == [
        detector.classes[label] for label in expected.labels
    ]
    boxes = np.array([line["box"] for line in found])
    np.testing.assert_allclose(boxes, expected.boxes, atol=0.06)  # rounded to .1


def test_the_runner_stretches_as_opencv_does(tiny_pictures):
    picture = tiny_pictures[0].key
    expected = cv2.resize(picture, (50, 33), interpolation=cv2.INTER_LINEAR)
    difference = stretch(picture, 33, 50).astype(int) - expected
    assert np.abs(difference).max() <= 1


def test_a_bundle_runs_in_the_frame_path(tiny_bundle):
    config = PipelineConfig(engine=EngineConfig(bundle=tiny_bundle))
    parts = build_parts(config)
    assert parts.detector.classes == ("dog", "car", "person")
    assert (parts.flow.height, parts.flow.width) == (64, 96)


def test_a_network_flow_needs_its_graph(tiny_bundle):
    with pytest.raises(WeightsError, match=r"no flow graph.*--flow lightflow"):
        read_bundle(tiny_bundle).flow(engine="litert", threads=1)


def test_a_changed_byte_is_found(copy):
    data = bytearray((copy / "head.tflite").read_bytes())
    data[100] ^= 1
    (copy / "head.tflite").write_bytes(data)
    with pytest.raises(WeightsError, match=rf"head\.tflite has changed.*{AGAIN}"):
        read_bundle(copy)


def test_a_missing_file_is_named(copy):
    (copy / "features.tflite").unlink()
    with pytest.raises(WeightsError, match=rf"features\.tflite is missing.*{AGAIN}"):
        read_bundle(copy)


def test_another_version_is_refused(copy):
    change_manifest(copy, format_version=2)
    with pytest.raises(WeightsError, match=r"version 2, this program reads version 1"):
        read_bundle(copy)


def test_a_file_without_a_sum_is_refused(copy):
    change_manifest(copy, files={})
    with pytest.raises(WeightsError, match=r"does not vouch for features\.tflite"):
        read_bundle(copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no bundle"),
        ("{", "is not JSON"),
        ("[]", "is of version None"),
        ('{"format_version": 1}', "a key is missing"),
        ('{"format_version": 1, "colour": 2}', "unknown key 'colour'"),
    ],
)
def test_what_is_no_manifest_is_refused(text, message, tmp_path):
    if text is not None:
        (tmp_path / MANIFEST_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=message):
        read_bundle(tmp_path)


def test_graphs_of_another_size_than_stated_are_refused(copy):
    values = json.loads((copy / MANIFEST_FILE).read_text(encoding="utf-8"))
    change_manifest(copy, preprocessing=values["preprocessing"] | {"height": 65})
    with pytest.raises(
        WeightsError, match=r"features\.tflite takes \[\(1, 64, 96, 3\)\].*65.*again"
    ):
        read_bundle(copy).detector(engine="litert", threads=1)


def test_an_engine_that_cannot_run_the_format_is_refused(copy):
    bundle = read_bundle(copy)
    assert bundle.engine_for("openvino") == "openvino"
    with pytest.raises(ConfigError, match="'tensorflow' does not run: choose --engine"):
        bundle.engine_for("tensorflow")
    change_manifest(copy, format="onnx")
    assert read_bundle(copy).engine_for("litert") == "onnxruntime"


def test_nothing_is_left_of_an_export_that_fails(
    tiny_config, tiny_pictures, tmp_path, monkeypatch
):
    def fail(*_args, **_kwargs):
        raise WeightsError("it differs")

    monkeypatch.setattr("propagate.bundle_writer.check_bundle", fail)
    request = BundleRequest("litert", "fp32", tiny_pictures[:2])
    with pytest.raises(WeightsError, match="it differs"):
        write_bundle(tiny_config, request, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_other_things_is_left_alone(tiny_config, tmp_path):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ConfigError, match="exists and is no bundle"):
        write_bundle(tiny_config, BundleRequest("litert", "fp32", []), tmp_path)
