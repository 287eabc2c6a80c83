"""A detector's whole life: build, train a step, save, export, run on a video, reload.

Two pairs by default; `VOD_ALL_PAIRS=1` runs every backbone with
every head, in ten minutes or so.
"""

import itertools
import json
import os

import cv2
import keras
import numpy as np
import pytest

from detector.backbones.table import BACKBONES
from detector.export import export_detector
from detector.export import main as export
from detector.head_losses import head_losses
from detector.network import build_halves, copy_weights, join, load_halves
from detector.network_config import HEADS, DetectorConfig, map_specs
from detector.recorded import config_of
from detector.saving import save_detector
from detector.two_stage_config import TwoStageOptions
from run_video import main
from vod.weights import WEIGHTS_FILE, read_record

tf = pytest.importorskip("tensorflow")

CLASSES = ("dog", "car", "person")
FEW = [
    ("mobilenet_v1", "two_stage"),
    ("mobilenet_v2", "fcos"),
]
ALL = list(itertools.product([*BACKBONES, "keras:DenseNet121"], HEADS))
PAIRS = ALL if os.environ.get("VOD_ALL_PAIRS") else FEW


def config_for(backbone, head):
    thinnest = {"mobilenet_v1": 0.25, "efficientnet_lite0": 0.25, "mobilenet_v2": 0.35}
    return DetectorConfig(
        head=head,
        backbone=backbone,
        width=thinnest.get(backbone, 1.0),
        input_height=64,
        input_width=96,
        class_count=len(CLASSES),
        two_stage=TwoStageOptions(
            anchor_sides=(16.0, 32.0), candidates=40, proposals=8, nms_rounds=12
        ),
    )


def enliven(model):
    """Give weights with which a signal lives and scores differ, as after training."""
    rng = np.random.default_rng(1)
    for variable in model.trainable_weights:
        shape = variable.shape
        if variable.path.endswith(("gamma", "logits/bias")):
            continue
        taps = shape[:2] if "depthwise" in variable.path else shape[:-1]
        scale = 0.1 if len(shape) == 1 else (2 / np.prod(taps)) ** 0.5
        variable.assign(rng.normal(0, scale, shape))


def train_a_step(features, losses):
    """Make one step of gradient descent; give the loss and how many weights moved."""
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (2, *features.input_shape[1:])).astype(np.float32)
    boxes = tf.constant(
        [[[8, 8, 60, 50.0], [0, 0, 0, 0]], [[40, 4, 90, 60], [5, 5, 25, 30]]]
    )
    labels = tf.constant([[1, -1], [2, 0]])
    weights = features.trainable_weights + losses.trainable_weights
    with tf.GradientTape() as tape:
        maps = features(image, training=True)
        parts = losses([*maps, boxes, labels], training=True)
        loss = sum(tf.reduce_mean(part) for part in parts.values())
    assert all(part.shape == (2,) for part in parts.values())
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    assert all(np.isfinite(np.asarray(g)).all() for g in gradients)
    before = [np.asarray(weight).copy() for weight in weights]
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.apply(gradients, weights)
    moved = sum(
        not np.array_equal(first, np.asarray(now))
        for first, now in zip(before, weights, strict=True)
    )
    return float(loss), moved / len(weights)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    for index in range(3):
        picture = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (160, 120))
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def born(request, tmp_path_factory):
    """A config, and the weights folder of its detector after one step, exported."""
    backbone, head = request.param
    config = config_for(backbone, head)
    keras.utils.set_random_seed(0)
    features, second = build_halves(config)
    enliven(join(features, second))
    losses = head_losses(config)
    copy_weights([second], losses)
    loss, moved = train_a_step(features, losses)
    assert np.isfinite(loss)
    assert moved > 0.9
    parts = [features, losses]
    folder = tmp_path_factory.mktemp("life") / "weights"
    save_detector(folder, config, parts, classes=CLASSES, origin="one step")
    export_detector(folder)
    return config, folder, parts


def detections(folder, frames, tmp_path, *more):
    out = tmp_path / "out.jsonl"
    command = [str(frames), "--output", "none", "--results", str(out), "--quiet"]
    command += [
        "--detector",
        str(folder),
        "--score-threshold",
        "0.01",
        "--flow",
        "none",
    ]
    assert main([*command, "--keyframe-interval", "1", *more]) == 0
    header, *lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert header["classes"] == list(CLASSES)
    return [line["detections"] for line in lines if "detections" in line]


def test_it_runs_on_a_video_alike_on_both_engines(born, frames, tmp_path):
    _, folder, _ = born
    lite = detections(folder, frames, tmp_path)
    full = detections(folder, frames, tmp_path, "--engine", "tensorflow")
    assert len(lite) == len(full) == 3
    assert any(lite)
    for ours, theirs in zip(lite, full, strict=True):
        assert abs(len(ours) - len(theirs)) <= 2  # a score may lie on the threshold
        for one, other in zip(ours[:1], theirs[:1], strict=True):
            assert one["label"] == other["label"]
            np.testing.assert_allclose(one["box"], other["box"], atol=0.5)


def test_it_comes_back_from_its_folder_as_it_was(born):
    config, folder, parts = born
    record = read_record(folder)
    assert config_of(folder, record) == config
    again = load_halves(config, folder / WEIGHTS_FILE)
    trained = {v.path: v for model in parts for v in model.weights}
    for variable in join(*again).weights:
        np.testing.assert_allclose(
            np.asarray(variable),
            np.asarray(trained[variable.path]),
            rtol=1e-3,  # float16
            atol=1e-6,
        )
    maps = again[0](np.zeros((1, 64, 96, 3), np.float32))
    for values, spec in zip(maps, map_specs(config), strict=True):
        assert tuple(values.shape) == (1, spec.height, spec.width, spec.channels)


def test_only_an_ssd_has_two_seams(born, caplog):
    config, folder, _ = born
    if config.head != "ssd":
        assert export([str(folder), "--seam", "backbone"]) == 1
        assert "has one seam only: leave --seam out" in caplog.text
