"""A run that was killed and resumed ends with the weights of an unbroken one."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from flow.train.run import main
from tests.chairs_layout import write_chairs
from vod.fitting.callbacks import EpochLog
from vod.fitting.schedule import Schedule
from vod.weights import WEIGHTS_FILE

CONFIGS = Path(__file__).parents[4] / "configs" / "flow"

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


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """Train on Flying Chairs' layout, all options on, three epochs of two steps."""
    chairs = write_chairs(tmp_path_factory.mktemp("chairs"))
    settings = [
        "network.width=0.1",
        "data.source=chairs",
        "data.split=train",
        "data.validation_split=val",
        "schedule.steps=6",
        "schedule.peak=0.01",
        "loss.kind=multiscale",
        "precision=mixed_bfloat16",
    ]
    base = ["--config", str(CONFIGS / "smoke.yaml"), "--data", str(chairs)]
    return base + [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="module")
def unbroken(arguments, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken") / "out"
    assert main([*arguments, "--out", str(out)]) == 0
    return out


def weights(out):
    return load_file(out / "weights" / WEIGHTS_FILE)


def interrupt(monkeypatch, owner, method, allowed):
    """Stop the run, as Ctrl-C or a signal does, at the call after `allowed` ones."""
    seen = []

    def stop(self, *given, **named):
        seen.append(1)
        if len(seen) > allowed:
            raise KeyboardInterrupt
        return original(self, *given, **named)

    original = getattr(owner, method)
    monkeypatch.setattr(owner, method, stop)


@pytest.mark.parametrize(
    ("owner", "method", "allowed"),
    [
        (Schedule, "on_train_batch_begin", 3),  # in the middle of the second epoch
        (EpochLog, "on_epoch_end", 1),  # after the second backup, before its log line
    ],
)
def test_a_resumed_run_ends_exactly_as_an_unbroken_one(
    arguments, unbroken, tmp_path, monkeypatch, owner, method, allowed
):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt(patch, owner, method, allowed)
        with pytest.raises(KeyboardInterrupt):
            main([*arguments, "--out", str(out)])
    assert not (out / "weights").exists()
    assert main([*arguments, "--out", str(out), "--resume"]) == 0
    expected, found = weights(unbroken), weights(out)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    results = [json.loads((o / "result.json").read_text()) for o in (unbroken, out)]
    assert results[0] == results[1]


def test_multi_scale_and_mixed_precision_train_and_leave_plain_weights(unbroken):
    stored = weights(unbroken)
    assert {values.dtype for values in stored.values()} == {np.dtype(np.float16)}
    assert all(np.isfinite(values).all() for values in stored.values())
    result = json.loads((unbroken / "result.json").read_text())
    assert result["steps"] == 6
    assert 0 < result["val_epe"] < 100


def test_steps_matter(arguments, unbroken, tmp_path):
    """Guards the comparison above: another batch order gives other weights."""
    out = tmp_path / "out"
    assert main([*arguments, "--out", str(out), "--set", "seed=2"]) == 0
    name = "conv1_pw/kernel"
    assert not np.array_equal(weights(out)[name], weights(unbroken)[name])


def test_what_shapes_the_state_cannot_change(arguments, tmp_path, monkeypatch, caplog):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt(patch, Schedule, "on_train_batch_begin", 2)
        with pytest.raises(KeyboardInterrupt):
            main([*arguments, "--out", str(out)])
    again = [*arguments, "--out", str(out), "--resume"]
    assert main([*again, "--set", "precision=float32"]) == 1
    assert "--resume cannot change precision: the interrupted run" in caplog.text
    assert "has mixed_bfloat16, the config float32" in caplog.text
    assert main([*again, "--set", "network.width=0.2"]) == 1
    assert "--resume cannot change network" in caplog.text
