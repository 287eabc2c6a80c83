"""Somebody's own classes: a COCO json, one command to train, one to run on a clip."""

import json

import cv2
import keras
import numpy as np
import pytest
import yaml

from detector.fit import main as fit
from detector.measure import main as measure
from detector.network import build_halves
from detector.network_config import DetectorConfig
from detector.saving import save_detector
from run_video import main as run_video
from tests.tiny_paper import AS_IT_IS
from vod.config import from_mapping
from vod.weights import read_record

# Keras itself reads its variables so when it saves a backup.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)

SIDE = 96
CLASSES = ("apple", "plum")
COLOURS = ((220, 30, 40), (40, 60, 220))
BOXES = ((8, 10, 40, 40), (44, 44, 44, 36))  # x, y, width, height

NETWORK = {
    "head": "fcos",
    "backbone": "mobilenet_v1",
    "width": 0.25,
    "normalization": "none",
    "input_height": SIDE,
    "input_width": SIDE,
    "fcos": {"channels": 32, "tower_depth": 1},
}


def picture(which, shift=0):
    rgb = np.full((SIDE, SIDE, 3), 128, np.uint8)
    x, y, width, height = BOXES[which]
    rgb[y : y + height, x + shift : x + shift + width] = COLOURS[which]
    return rgb


def write_coco(folder):
    """Four pictures a class, each with one object."""
    values = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 7 + i, "name": name} for i, name in enumerate(CLASSES)],
    }
    for number in range(8):
        which, shift = number % 2, number // 2
        name = f"{number}.png"
        cv2.imwrite(str(folder / name), picture(which, shift)[..., ::-1])
        image = {"id": number, "file_name": name, "height": SIDE, "width": SIDE}
        values["images"].append(image)
        x, y, *size = BOXES[which]
        values["annotations"].append(
            {
                "id": number,
                "image_id": number,
                "category_id": 7 + which,
                "bbox": [x + shift, y, *size],
                "area": size[0] * size[1],
                "iscrowd": 0,
            }
        )
    path = folder / "instances.json"
    path.write_text(json.dumps(values))
    return path


def write_beginning(folder):
    """Keras' own beginning leaves nothing of a signal behind 13 depthwise layers."""
    config = from_mapping(
        DetectorConfig, {**NETWORK, "class_count": len(CLASSES)}, source="test"
    )
    keras.utils.set_random_seed(1)  # of what is left as Keras begins it
    models = build_halves(config)
    rng = np.random.default_rng(1)
    for variable in (v for model in models for v in model.trainable_weights):
        shape = variable.shape
        if len(shape) == 4 and not variable.path.startswith(("scale", "class_logits")):
            taps = shape[:2] if "depthwise" in variable.path else shape[:-1]
            variable.assign(rng.normal(0, (2 / np.prod(taps)) ** 0.5, shape))
    save_detector(folder, config, models, classes=CLASSES, origin="random")
    return folder


def test_two_classes_of_a_coco_json_are_learnt_and_shown_in_a_clip(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = write_coco(tmp_path)
    config = {
        "network": NETWORK,
        "schedule": {
            "steps": 120,
            "steps_per_epoch": 120,
            "warmup_steps": 5,
            "peak": 4e-3,
        },
        "step": {"average": 0.8},
        "pictures": {"augment": AS_IT_IS, "keep": True},
        "batch_size": 8,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    out = tmp_path / "run"
    init = str(write_beginning(tmp_path / "init"))
    command = ["--config", str(tmp_path / "config.yaml"), "--data", str(data)]
    command += ["--init", init]
    assert fit([*command, "--validate", str(data), "--out", str(out)]) == 0
    record = read_record(out / "weights")
    assert record.classes == CLASSES
    assert set(record.graphs) == {"features", "head"}
    assert json.loads((out / "result.json").read_text())["map"] == 1.0
    assert measure(["--weights", str(out / "weights"), "--data", str(data)]) == 0

    clip = tmp_path / "clip"
    clip.mkdir()
    for frame in range(4):
        cv2.imwrite(str(clip / f"{frame}.png"), picture(0, frame)[..., ::-1])
    found = tmp_path / "found.jsonl"
    command = [str(clip), "--detector", str(out / "weights"), "--flow", "none"]
    outputs = ["--output", "none", "--results", str(found), "--quiet"]
    assert run_video([*command, *outputs, "--keyframe-interval", "1"]) == 0
    header, *lines = (json.loads(line) for line in found.read_text().splitlines())
    assert header["classes"] == list(CLASSES)
    frames = [line["detections"] for line in lines if "detections" in line]
    assert len(frames) == 4
    for shift, detections in enumerate(frames):
        assert {one["label"] for one in detections} == {"apple"}
        x, y, width, height = BOXES[0]
        expected = [x + shift, y, x + shift + width, y + height]
        np.testing.assert_allclose(detections[0]["box"], expected, atol=8)
