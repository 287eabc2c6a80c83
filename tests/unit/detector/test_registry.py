import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from detector.models import load_models
from detector.postprocess import PostprocessConfig
from detector.registry import load_detector
from vod.errors import ConfigError, WeightsError
from vod.weights import read_record, write_record

NAME = "ssd_mobilenet_v1"


@pytest.fixture
def folder(tiny_weights, tmp_path):
    return shutil.copytree(tiny_weights, tmp_path / "weights")


def change_record(folder, **changes):
    write_record(folder, dataclasses.replace(read_record(folder), **changes))


def test_both_engines_give_the_same_maps_boxes_and_scores(tiny_weights):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    lite, full = (
        load_detector(NAME, weights=tiny_weights, engine=engine)
        for engine in ("litert", "tensorflow")
    )
    assert lite.maps == full.maps
    maps = lite.features(lite.preprocessing(picture))
    expected = full.features(full.preprocessing(picture))
    for ours, theirs in zip(maps, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    # The graph stores the anchors as float16 too: up to 0.03 pixels at 64.
    for ours, theirs in zip(lite.head(*maps), full.head(*maps), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.05)


RESIZING = [
    "litert",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("openvino") is None,
            reason="openvino is not installed",
        ),
    ),
]


@pytest.mark.parametrize("engine", RESIZING)
@pytest.mark.parametrize("size", [(96, 160), (75, 110)])
def test_at_another_size_the_same_graph_gives_what_keras_gives(
    tiny_weights, engine, size
):
    picture = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    ours = load_detector(NAME, weights=tiny_weights, engine=engine, size=size)
    keras = load_detector(NAME, weights=tiny_weights, engine="tensorflow", size=size)
    assert ours.maps == keras.maps
    assert ours.preprocessing.as_pixels
    assert (ours.preprocessing.height, ours.preprocessing.width) == size
    maps = ours.features(ours.preprocessing(picture))
    expected = keras.features(keras.preprocessing(picture))
    for values, theirs in zip(maps, expected, strict=True):
        np.testing.assert_allclose(values, theirs, atol=1e-4)
    for values, theirs in zip(ours.head(*maps), keras.head(*maps), strict=True):
        np.testing.assert_allclose(values, theirs, atol=1e-4)


def test_a_size_that_no_graph_serves_says_how_to_make_one(tiny_weights, folder):
    at = {"size": (96, 160)}
    if importlib.util.find_spec("onnxruntime") is not None:
        with pytest.raises(ConfigError, match=r"'onnxruntime' runs at 96x160\. Run"):
            load_detector(NAME, weights=tiny_weights, engine="onnxruntime", **at)
    with pytest.raises(ConfigError, match=r"--size 96x160 --out DIR, and give DIR"):
        load_detector(NAME, weights=tiny_weights, precision="int8", **at)
    with pytest.raises(ConfigError, match="unknown engine 'litrt'"):
        load_detector(NAME, weights=tiny_weights, engine="litrt", **at)
    config = {**read_record(folder).config, "seam": "backbone"}
    change_record(folder, config=config)
    with pytest.raises(ConfigError, match="no graphs that the engine 'litert' runs at"):
        load_detector(NAME, weights=folder, **at)


def test_the_detector_says_its_classes_and_grids(tiny_weights):
    detector = load_detector(NAME, weights=tiny_weights)
    assert detector.classes == ("dog", "car", "person")
    assert [(m.height, m.width) for m in detector.maps] == [
        (4, 4),
        (2, 2),
        *[(1, 1)] * 4,
    ]


@pytest.mark.parametrize("size", [None, (96, 160)])
def test_inference_imports_neither_tensorflow_nor_keras(tiny_weights, size):
    program = (
        "import sys; from pathlib import Path; "
        "from detector.registry import load_detector; "
        f"load_detector('{NAME}', weights=Path(sys.argv[1]), size={size}); "
        "bad = {'tensorflow', 'keras'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_weights)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown detector 'ssd_mobilenet'.*Did you"):
        load_detector("ssd_mobilenet")


def test_the_name_of_any_detector_asks_for_a_folder():
    with pytest.raises(ConfigError, match=r"no weights are shipped .*weights=DIR"):
        load_detector("detector")


def test_weights_that_are_no_detectors_are_refused(folder):
    change_record(folder, network="lightflow")
    with pytest.raises(WeightsError, match=r"'lightflow', not of a detector \(ssd_mob"):
        load_models(folder)


def test_a_folder_without_graphs_says_how_to_export(folder):
    change_record(folder, graphs={})
    with pytest.raises(WeightsError, match=r"no exported graph 'features'.*\.export"):
        load_detector(NAME, weights=folder)


def test_an_altered_graph_is_refused(folder):
    with (folder / "head.tflite").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(WeightsError, match=r"head\.tflite is not the file"):
        load_detector(NAME, weights=folder)


def test_graphs_of_the_other_seam_are_refused(folder):
    config = {**read_record(folder).config, "seam": "backbone"}
    change_record(folder, config=config)
    with pytest.raises(WeightsError, match=r"features\.tflite gives .*Export it again"):
        load_detector(NAME, weights=folder)


def test_a_class_too_few_is_refused(folder):
    change_record(folder, classes=("dog", "car"))
    with pytest.raises(WeightsError, match=r"names 2 classes.*class_count 3"):
        load_detector(NAME, weights=folder)


def test_a_wrong_key_in_the_recorded_config_is_refused(folder):
    change_record(folder, config={"widht": 0.75})
    with pytest.raises(WeightsError, match=r"is wrong.*unknown key 'widht'"):
        load_detector(NAME, weights=folder)


def test_pictures_of_another_size_than_the_networks_are_refused(folder):
    record = json.loads((folder / "record.json").read_text())
    record["preprocessing"]["height"] = 32
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(WeightsError, match=r"prepares pictures of \(32, 64\)"):
        load_detector(NAME, weights=folder)


def test_the_shipped_weights_load_and_find_nothing_on_a_blank_picture():
    detector = load_detector(NAME)
    assert len(detector.classes) == 80
    assert {"person", "dog", "toothbrush"} <= set(detector.classes)
    blank = np.full((120, 160, 3), 128, np.uint8)
    found = detector.detect(
        detector.features(detector.preprocessing(blank)),
        frame_height=120,
        frame_width=160,
        postprocess=PostprocessConfig(score_threshold=0.5),
    )
    assert len(found) == 0
