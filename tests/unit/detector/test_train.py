import csv
import json
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from detector.fit_config import DetectorFitConfig
from detector.registry import load_detector
from detector.train import blend_into, main
from detector.train_config import DetectorTrainConfig, FollowEpoch
from vod.config import load_config
from vod.errors import ConfigError
from vod.weights import read_record, save_model_weights, verified_file

# Keras' backup reads TensorFlow variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")

CONFIGS = Path(__file__).parents[3] / "configs" / "detector"


@pytest.fixture
def stills(tmp_path):
    folder = tmp_path / "stills"
    folder.mkdir()
    images = []
    for number in range(4):
        picture = np.full((50, 60, 3), 40, np.uint8)
        picture[10:40, 10:40] = 200
        cv2.imwrite(str(folder / f"{number}.png"), picture)
        images.append({"id": number, "file_name": f"{number}.png", "split": "train"})
    annotations = [
        {"id": n, "image_id": n, "category_id": 9, "bbox": [10, 10, 30, 30]}
        for n in range(4)
    ]
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 9, "name": "dog"}],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def run(teacher, stills, out, *more):
    return main(
        [
            *("--config", str(CONFIGS / "smoke.yaml")),
            *("--teacher", str(teacher), "--stills", str(stills), "--out", str(out)),
            *more,
        ]
    )


def test_training_writes_a_detector_that_runs(tiny_weights, stills, tmp_path):
    out = tmp_path / "out"
    assert run(tiny_weights, stills, out, "--unlabelled", str(stills)) == 0
    record = read_record(out / "weights")
    assert record.classes == ("dog", "car", "person")
    assert "8 pictures (4 with boxes), seed 1, blend 0.5;" in record.origin
    detector = load_detector("ssd_mobilenet_v1", weights=out / "weights")
    assert len(detector.features(np.zeros((1, 64, 64, 3), np.uint8))) == 6
    with (out / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 1
    assert np.isfinite(float(rows[0]["loss"]))
    teacher = verified_file(
        tiny_weights, "weights.safetensors", read_record(tiny_weights)
    )
    student = verified_file(out / "weights", "weights.safetensors", record)
    assert teacher.read_bytes() != student.read_bytes()
    assert not (out / "backup").exists()


def test_an_interrupted_run_is_not_overwritten(tiny_weights, stills, tmp_path, caplog):
    (tmp_path / "out" / "backup").mkdir(parents=True)
    assert run(tiny_weights, stills, tmp_path / "out") == 1
    assert "Continue it with --resume, or choose another --out." in caplog.text


def test_resuming_goes_on_with_the_next_epoch(
    tiny_weights, stills, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    real, seen = FollowEpoch.on_train_begin, []

    def note(self, logs=None):
        real(self, logs)
        seen.append(self._batches.epoch)

    monkeypatch.setattr(FollowEpoch, "on_train_begin", note)
    monkeypatch.setattr(
        keras.callbacks.BackupAndRestore, "on_train_end", lambda *_: None
    )
    assert run(tiny_weights, stills, out) == 0
    assert run(tiny_weights, stills, out, "--resume", "--set", "epochs=2") == 0
    assert seen == [0, 1]
    with (out / "log.csv").open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["0", "1"]


def test_a_resumed_run_ends_exactly_as_an_unbroken_one(
    tiny_weights, stills, tmp_path, monkeypatch
):
    """Keras would shuffle the batches of an epoch once more, by chance of its own."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    options = ["--set", "epochs=2", "--set", "batch_size=1"]
    assert run(tiny_weights, stills, whole, *options) == 0
    real = keras.callbacks.CSVLogger.on_epoch_end

    def stop(self, epoch, logs=None):
        real(self, epoch, logs)
        self.csv_file.close()  # which Keras leaves open where a run is interrupted
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks.CSVLogger, "on_epoch_end", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_weights, stills, broken, *options)
    assert run(tiny_weights, stills, broken, *options, "--resume") == 0
    name = "weights/weights.safetensors"
    expected, found = (load_file(out / name) for out in (whole, broken))
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)


def test_too_few_pictures_for_a_batch_are_refused(
    tiny_weights, stills, tmp_path, caplog
):
    out = tmp_path / "out"
    assert run(tiny_weights, stills, out, "--set", "batch_size=9") == 1
    assert "batch_size is 9, but there are only 4 pictures" in caplog.text


def test_blending_goes_a_share_of_the_way(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="d")])
    model.set_weights([np.array([[2.0]]), np.array([0.0])])
    save_model_weights(model, tmp_path / "teacher.safetensors")
    model.set_weights([np.array([[4.0]]), np.array([-8.0])])
    blend_into(model, tmp_path / "teacher.safetensors", 0.25)
    kernel, bias = (np.asarray(v).item() for v in model.weights)
    assert (kernel, bias) == (2.5, -2.0)


def test_the_shipped_configs_are_valid():
    for path in CONFIGS.glob("*.yaml"):
        fits = path.name.startswith("custom_")  # those of `detector.fit`
        load_config(DetectorFitConfig if fits else DetectorTrainConfig, path)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"epochs": 0}, "epochs and batch_size must be at least 1"),
        ({"learning_rate": 0.5}, r"learning_rate must lie in \(0, 0.1\], received 0.5"),
        ({"average": 1.0}, r"average must lie in \(0, 1\)"),
        ({"blend": 0.0}, r"blend must lie in \(0, 1\], received 0.0"),
        ({"frozen_blocks": 14}, "frozen_blocks must lie in 0 to 13, received 14"),
    ],
)
def test_impossible_values_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        DetectorTrainConfig(**values)
