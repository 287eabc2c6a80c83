"""Training from labels by the command: what it writes, refuses and resumes."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from detector.fit import main
from detector.fit_config import DetectorFitConfig, StepConfig
from detector.fit_model import LossModel, build_networks, freeze
from detector.fit_start import start_from
from detector.measure import main as measure
from detector.network import copy_weights
from detector.network_config import whole_config
from detector.recorded import config_of
from detector.ssd import build_features
from detector.ssd_config import SsdConfig
from detector.two_stage_config import TwoStageConfig
from detector.two_stage_loss_config import TwoStageLossConfig
from tests.tiny_paper import DETECTOR, LOSS
from tests.tiny_videos import CLASSES, write_videos
from vod.config import from_mapping, load_config, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.fitting.callbacks import EpochLog
from vod.fitting.schedule import Schedule
from vod.preprocess import Preprocessing
from vod.weights import (
    WEIGHTS_FILE,
    WeightsRecord,
    read_record,
    save_model_weights,
    write_record,
)

CONFIGS = Path(__file__).parents[3] / "configs"

# Tracing and optimising the training graph would take most of these tests' time.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Even though the `tf.config.experimental_run_functions_eagerly`"
    ),
    # Keras itself reads its variables so when it saves a backup.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def eagerly(tmp_path_factory):
    import tensorflow as tf

    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    patch.undo()


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """Two epochs of two steps on generated videos."""
    folder = tmp_path_factory.mktemp("run")
    values = {
        "network": to_mapping(whole_config(paper_detector())),
        "loss": LOSS,
        "schedule": {"steps": 4, "steps_per_epoch": 2, "warmup_steps": 1},
        "batch_size": 2,
        "validation_pictures": 3,
        "export": False,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    videos = str(write_videos(folder / "vid", frames=3))
    config = str(folder / "config.yaml")
    return ["--config", config, "--data", videos, "--validate", videos]


@pytest.fixture(scope="module")
def unbroken(arguments, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken") / "out"
    assert main([*arguments, "--out", str(out)]) == 0
    return out


def test_a_run_leaves_weights_a_log_and_a_result(unbroken):
    record = read_record(unbroken / "weights", network="detector")
    assert record.classes == CLASSES
    assert "6 pictures (6 objects) of" in record.origin
    config = config_of(unbroken / "weights", record)
    assert (config.class_count, config.input_width) == (2, 96)
    with (unbroken / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    names = ("loss", "rpn_class", "rpn_box", "region_class", "region_box", "map")
    assert all(np.isfinite(float(row[name])) for row in rows for name in names)
    parts = sum(float(rows[0][name]) for name in names[1:5])
    assert float(rows[0]["loss"]) == pytest.approx(parts, rel=1e-4)
    result = json.loads((unbroken / "result.json").read_text())
    assert result["steps"] == 4
    assert set(result) == {"map", "ap_car", "ap_dog", "steps"}
    assert not (unbroken / "backup").exists()


@pytest.mark.parametrize(
    ("owner", "method", "allowed"),
    [(Schedule, "on_train_batch_begin", 3), (EpochLog, "on_epoch_end", 1)],
)
def test_a_resumed_run_ends_exactly_as_an_unbroken_one(
    arguments, unbroken, tmp_path, monkeypatch, owner, method, allowed
):
    original, seen = getattr(owner, method), []

    def stop(self, *given, **named):
        seen.append(1)
        if len(seen) > allowed:
            raise KeyboardInterrupt
        return original(self, *given, **named)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(owner, method, stop)
        with pytest.raises(KeyboardInterrupt):
            main([*arguments, "--out", str(out)])
    assert main([*arguments, "--out", str(out)]) == 1  # it must be told to resume
    assert main([*arguments, "--out", str(out), "--resume"]) == 0
    expected, found = (load_file(o / "weights" / WEIGHTS_FILE) for o in (unbroken, out))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_weights_of_other_classes_are_refused_or_their_layers_begin_anew(
    arguments, unbroken, tmp_path, caplog
):
    init = str(unbroken / "weights")
    more = ["--init", init, "--out", str(tmp_path / "out"), "--set", "classes=[dog]"]
    assert main([*arguments, *more]) == 1
    assert "was trained for the classes car, dog, but the data has dog." in caplog.text
    again = ["--set", "new_classes=true", "--set", "schedule.steps=1"]
    assert main([*arguments, *more, *again]) == 0
    assert read_record(tmp_path / "out" / "weights").classes == ("dog",)


def paper_detector(**changes):
    return from_mapping(TwoStageConfig, {**DETECTOR, **changes}, source="test")


def tiny(**changes):
    config = whole_config(paper_detector(**changes))
    return config, build_networks(config, TwoStageLossConfig(objects=2))


def test_an_ssd_gives_its_backbone(tmp_path):
    ssd = SsdConfig(input_height=64, input_width=64, width=0.25, class_count=2)
    model = build_features(ssd)
    save_model_weights(model, tmp_path / WEIGHTS_FILE)
    record = WeightsRecord(
        "ssd_mobilenet_v1",
        Preprocessing(64, 64),
        "random",
        "MIT",
        to_mapping(ssd),
        ("a", "b"),
    )
    write_record(tmp_path, record)
    config, networks = tiny(class_count=2)
    filled = start_from([networks.features], config, str(tmp_path), classes=("a", "b"))
    assert len(filled) == 2 * (1 + 2 * 13)
    ours = networks.features.get_layer("Conv2d_13_pointwise").kernel
    theirs = np.asarray(model.get_layer("Conv2d_13_pointwise").kernel)
    np.testing.assert_array_equal(np.asarray(ours), theirs.astype(np.float16))
    batch = dataclasses.replace(config, normalization="batch")
    with pytest.raises(ConfigError, match=r"set network\.normalization=none"):
        start_from([networks.features], batch, str(tmp_path), classes=())
    wide, networks = tiny(class_count=2, width=0.5)
    with pytest.raises(WeightsError, match=r"has shape .* Check its width"):
        start_from([networks.features], wide, str(tmp_path), classes=())
    (tmp_path / WEIGHTS_FILE).unlink()
    save_model_weights(networks.head, tmp_path / WEIGHTS_FILE)
    write_record(tmp_path, dataclasses.replace(record, network="lightflow"))
    with pytest.raises(WeightsError, match="does not hold this backbone"):
        start_from([networks.features], wide, str(tmp_path), classes=())


def test_frozen_layers_stay():
    _, networks = tiny(normalization="batch")
    learner = LossModel(networks.learner(), TwoStageLossConfig().weights)
    everything = len(learner.trainable_variables)
    freeze(learner, StepConfig(frozen_blocks=2))
    left = {variable.path.split("/")[0] for variable in learner.trainable_variables}
    assert not any("BatchNorm" in name for name in left)
    assert "Conv2d_2_pointwise" not in left
    assert {"Conv2d_3_depthwise", "rpn_logits", "deep_3x3"} <= left
    assert len(learner.trainable_variables) < everything


def test_values_go_only_where_they_fit():
    (_, first), (_, second) = tiny(), tiny(class_count=5)
    copy_weights([first.features], second.features)
    with pytest.raises(WeightsError, match=r"region_logits/kernel must have shape"):
        copy_weights([first.head], second.head)


def test_every_shipped_config_is_valid():
    names = [CONFIGS / "paper" / name for name in ("seven_classes", "vid_single")]
    for path in [*names, *(CONFIGS / "detector").glob("custom_*")]:
        load_config(DetectorFitConfig, path.with_suffix(".yaml"))


@pytest.mark.parametrize(
    ("schema", "values", "text"),
    [
        (StepConfig, {"average": 1.0}, r"average must lie in \(0, 1\)"),
        (StepConfig, {"frozen_blocks": 14}, "frozen_blocks must lie in 0 to 13"),
        (DetectorFitConfig, {"batch_size": 0}, "must be at least 1, received 0"),
        (DetectorFitConfig, {"classes": ("a", "a")}, "names one twice: a, a"),
    ],
)
def test_impossible_values_are_refused(schema, values, text):
    with pytest.raises(ConfigError, match=text):
        schema(**values)


def test_trained_weights_are_measured_and_pictures_drawn(
    arguments, unbroken, tmp_path, capsys
):
    data = arguments[arguments.index("--data") + 1]
    report, drawn = tmp_path / "report.json", tmp_path / "drawn"
    files = ["--report", str(report), "--draw", str(drawn)]
    weights = str(unbroken / "weights")
    assert measure(["--weights", weights, "--data", data, *files]) == 0
    values = json.loads(report.read_text())
    assert (values["pictures"], values["snippets"]) == (6, 2)
    assert set(values["AP"]) == set(CLASSES)
    assert len(list((drawn / "found").glob("*.jpg"))) == 8
    assert "mAP " in capsys.readouterr().out
    flow = str(CONFIGS.parent / "flow" / "weights" / "lightflow-0.5")
    assert measure(["--weights", flow, "--data", data]) == 1
