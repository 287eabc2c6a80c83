"""The training command on a few tiny pictures: everything but the learning."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file

from flow.flo import write_flo
from flow.lightflow import LightFlowConfig, read_lightflow
from flow.train.config import FlowTrainConfig
from flow.train.run import main, train
from vod.config import load_config
from vod.errors import ConfigError
from vod.fitting.callbacks import EpochLog
from vod.weights import WEIGHTS_FILE, read_record

# Tracing and optimising the training graph would take most of these tests' time.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Even though the `tf.config.experimental_run_functions_eagerly`"
    ),
    # Keras itself reads its variables so when it saves a backup.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def eagerly():
    tensorflow = pytest.importorskip("tensorflow")
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


CONFIGS = Path(__file__).parents[4] / "configs" / "flow"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name in "abc":
        noise = rng.integers(0, 255, (80, 100, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), noise)
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for name in ("a-img0.png", "a-img1.png"):
        cv2.imwrite(str(folder / name), np.zeros((64, 96, 3), np.uint8))
    write_flo(folder / "a-gt.flo", np.ones((64, 96, 2), np.float32))
    return folder


@pytest.fixture(scope="module")
def run(images, pairs, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    arguments = ["--config", str(CONFIGS / "smoke.yaml"), "--images", str(images)]
    arguments += ["--out", str(out), "--validate", str(pairs)]
    assert main([*arguments, "--set", "snapshot_minutes=0"]) == 0
    return out


def log_rows(out):
    return list(csv.DictReader((out / "log.csv").read_text().splitlines()))


def test_training_leaves_weights_log_config_and_result(run):
    record = read_record(run / "weights", network="lightflow")
    assert record.config == {
        "width": 0.25,
        "linear_predictors": True,
        "negative_slope": 0.1,
    }
    assert "photographs" in record.origin
    result = json.loads((run / "result.json").read_text())
    assert result["steps"] == 4
    assert result["val_epe"] > 0
    assert json.loads((run / "config.json").read_text())["seed"] == 1
    rows = log_rows(run)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert all(float(row["pairs_epe"]) > 0 for row in rows)
    assert not (run / "backup").exists()


def test_the_weights_fill_a_network_and_are_float16(run):
    model, _ = read_lightflow(run / "weights")
    kernel = np.asarray(model.get_layer("conv5a_pw").kernel)
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16))


def test_an_interrupted_run_is_resumed_or_refused(
    images, tmp_path, monkeypatch, caplog
):
    out = tmp_path / "out"
    base = ["--config", str(CONFIGS / "smoke.yaml"), "--images", str(images)]
    base += ["--out", str(out), "--set", "network.width=0.05"]

    def interrupt(_callback, epoch, _logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EpochLog, "on_epoch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            main(base)
    assert (out / "backup").exists()
    before = (out / "config.json").read_text()
    assert main([*base, "--set", "seed=2"]) == 1
    assert (out / "config.json").read_text() == before
    assert "holds an interrupted run. Continue it with --resume" in caplog.text
    assert main([*base, "--resume"]) == 0
    assert json.loads((out / "result.json").read_text())["steps"] == 4
    rows = log_rows(out)
    assert [row["epoch"] for row in rows] == ["1", "2"]


def test_divergence_ends_with_one_line(images, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("flow.train.losses.FLOW_UNIT_PX", float("nan"))
    arguments = ["--config", str(CONFIGS / "smoke.yaml"), "--images", str(images)]
    arguments += ["--out", str(tmp_path), "--set", "network.width=0.05"]
    assert main(arguments) == 1
    where = "batch 0 of seed 1 (2 pairs of 64 x 96)"
    assert f"diverged at step 1, {where}: the loss is nan" in caplog.text
    assert "Last good checkpoint: none was written yet" in caplog.text


def test_training_can_start_from_given_weights(run, images, tmp_path):
    changes = ["schedule.peak=1.0e-9", "schedule.steps=1", "schedule.steps_per_epoch=1"]
    config = load_config(FlowTrainConfig, CONFIGS / "smoke.yaml", changes)
    folder = train(config, [images], tmp_path / "o", init=run / "weights")
    first, second = (
        load_file(path / WEIGHTS_FILE) for path in (run / "weights", folder)
    )
    np.testing.assert_array_equal(first["conv6a_pw/kernel"], second["conv6a_pw/kernel"])
    origin = read_record(folder).origin
    assert origin.count("flow.train on synthetic pairs") == 2


def test_weights_to_start_from_must_fit(run, images, tmp_path, caplog):
    arguments = ["--config", str(CONFIGS / "smoke.yaml"), "--images", str(images)]
    arguments += ["--out", str(tmp_path), "--init", str(run / "weights")]
    assert main([*arguments, "--set", "network.width=0.5"]) == 1
    assert "must be narrower" in caplog.text


def test_wrong_keys_and_folders_end_with_one_line(images, tmp_path, caplog):
    config = ["--config", str(CONFIGS / "smoke.yaml"), "--out", str(tmp_path / "o")]
    assert main([*config, "--images", str(images), "--set", "schedule.step=3"]) == 1
    assert "unknown key 'schedule.step'. Did you mean 'steps'" in caplog.text
    assert main([*config, "--images", str(tmp_path / "none")]) == 1
    assert "image folder" in caplog.text


@pytest.mark.parametrize("name", [path.stem for path in CONFIGS.glob("*.yaml")])
def test_shipped_configs_load_and_their_first_shapes_differ_in_every_side(name):
    config = load_config(FlowTrainConfig, CONFIGS / f"{name}.yaml")
    if len(config.shapes) == 1:
        return
    first, second = config.shapes[:2]
    assert first[0] != second[0]
    assert first[1] != second[1]
    # Targets are shown to Keras in the same way.
    assert -(-first[0] // 4) != -(-second[0] // 4)
    assert -(-first[1] // 4) != -(-second[1] // 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shapes": ()}, "shapes must be a list"),
        ({"shapes": ((0, 4, 1),)}, "shapes must be a list"),
        ({"reuse": 5}, "reuse must be 1 to 4"),
        ({"average": 1.0}, "average must lie in"),
        ({"network": LightFlowConfig(), "clip_norm": 0.0}, "clip_norm be positive"),
    ],
)
def test_impossible_runs_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        FlowTrainConfig(**values)


def test_a_folded_run_writes_the_normalised_network(images, tmp_path):
    arguments = ["--config", str(CONFIGS / "smoke.yaml"), "--images", str(images)]
    arguments += ["--out", str(tmp_path), "--set", "folded=true"]
    assert main(arguments) == 0
    model, config = read_lightflow(tmp_path / "weights")
    assert config.width == 0.25
    assert any(layer.name == "conv6b_pw_bn" for layer in model.layers)


def test_a_narrower_network_starts_from_a_wider_one(run, images, tmp_path):
    arguments = ["--config", str(CONFIGS / "smoke.yaml"), "--images", str(images)]
    arguments += ["--out", str(tmp_path), "--init", str(run / "weights")]
    assert (
        main([*arguments, "--set", "network.width=0.125", "--set", "folded=true"]) == 0
    )
    _, config = read_lightflow(tmp_path / "weights")
    assert config.width == 0.125
