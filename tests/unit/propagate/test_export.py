import importlib.util

import cv2
import numpy as np
import pytest

from propagate.bundle import read_bundle
from propagate.bundle_graphs import check_combination
from propagate.export import main
from vod.errors import ConfigError, DependencyError
from vod.images import read_image


@pytest.fixture(scope="module")
def pictures(tiny_pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for index, pair in enumerate(tiny_pictures):
        cv2.imwrite(str(folder / f"{index}.png"), pair.key)
    return folder


def export(tiny_folder, pictures, out, *more):
    command = ["--calibrate", str(pictures), "--out", str(out), *more]
    return main([*command, "--set", f"detector.weights={tiny_folder}"])


def test_an_int8_bundle_is_written_checked_and_summed_up(
    tiny_folder, pictures, tmp_path, capsys
):
    out = tmp_path / "int8"
    assert export(tiny_folder, pictures, out, "--precision", "int8") == 0
    told = capsys.readouterr().out
    assert told.startswith("litert int8 64x64: ")
    assert "against Keras on 24 pictures" in told
    manifest = read_bundle(out).manifest
    features = manifest.graphs["features"]
    assert features.inputs[0].dtype == "uint8"
    assert features.float_layers[:2] == ("Conv2d_0", "Conv2d_1_depthwise")
    assert 0 < features.error < 0.25
    assert manifest.graphs["head"].float_layers == ()


@pytest.mark.parametrize(
    ("form", "precision", "package"),
    [
        ("onnx", "int8", "onnxruntime"),
        ("onnx", "fp16", "onnxruntime"),
        ("openvino", "fp16", "openvino"),
        ("savedmodel", "fp32", "tensorflow"),
    ],
)
def test_every_format_gives_the_boxes_of_litert(
    form,
    precision,
    package,
    tiny_folder,
    pictures,
    tiny_bundle,
    tmp_path,
):
    pytest.importorskip(package)
    out = tmp_path / form
    more = ["--size", "64x96", "--format", form, "--precision", precision]
    assert export(tiny_folder, pictures, out, *more) == 0
    bundle = read_bundle(out)
    ours = bundle.detector(engine=bundle.engine_for("litert"), threads=1)
    theirs = read_bundle(tiny_bundle).detector(engine="litert", threads=1)
    picture = read_image(pictures / "0.png")
    boxes, scores = ours.head(*ours.features(ours.preprocessing(picture)))
    expected = theirs.head(*theirs.features(theirs.preprocessing(picture)))
    tolerance = 2.0 if precision == "int8" else 1e-2
    np.testing.assert_allclose(boxes, expected[0], atol=tolerance)
    np.testing.assert_allclose(scores, expected[1], atol=tolerance / 20)


def test_an_earlier_bundle_is_replaced(tiny_folder, pictures, tmp_path):
    out = tmp_path / "bundle"
    assert export(tiny_folder, pictures, out, "--frames", "3") == 0
    assert export(tiny_folder, pictures, out, "--size", "64x80", "--frames", "3") == 0
    assert read_bundle(out).manifest.size == "64x80"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--format", "savedmodel", "--precision", "int8"], "in fp32 only"),
        (["--size", "64"], "a size is HEIGHTxWIDTH"),
        (["--flow", "lightflo"], "unknown flow 'lightflo'"),
        (["--set", "detector.pixels=66000"], "give detector.size=[rows, columns]"),
        (["--set", "detector.name=x"], "unknown detector 'x'"),
    ],
)
def test_what_cannot_be_is_one_sentence(more, message, pictures, tmp_path, capsys):
    command = ["--calibrate", str(pictures), "--out", str(tmp_path / "out"), *more]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_openvino_has_no_int8_of_its_own():
    pytest.importorskip("openvino")
    with pytest.raises(ConfigError, match="for int8 write --format onnx or litert"):
        check_combination("openvino", "int8")


@pytest.mark.parametrize(
    ("form", "package", "advice"),
    [
        ("litert", "tensorflow", "pip install tensorflow"),
        ("onnx", "tf2onnx", r"pip install 'vod\[onnx\]'"),
        ("openvino", "openvino", r"pip install 'vod\[openvino\]'"),
    ],
)
def test_a_missing_package_is_named_before_any_work(form, package, advice, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else found
    )
    with pytest.raises(DependencyError, match=advice):
        check_combination(form, "fp32")
