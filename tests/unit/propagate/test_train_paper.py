"""Joint training by the command: two videos learnt by heart, and what is refused."""

import json
from pathlib import Path

import pytest
import yaml

from propagate.evaluate_paper import main as evaluate
from propagate.paper_train_config import PaperTrainConfig
from propagate.train_paper import main
from tests.tiny_paper import AS_IT_IS, LOSS, NETWORK, write_tiny
from tests.tiny_videos import CLASSES, write_videos
from vod.config import load_config
from vod.errors import ConfigError
from vod.weights import read_record

CONFIGS = Path(__file__).parents[3] / "configs"

# Keras itself reads its variables so when it saves a backup.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    values = {
        "network": NETWORK,
        "loss": LOSS,
        "schedule": {
            "steps": 200,
            "steps_per_epoch": 200,
            "warmup_steps": 10,
            "peak": 4.0e-3,
        },
        "step": {"average": 0.8},
        "pictures": {"augment": AS_IT_IS},
        "snippets": {"keys": 2, "interval": 4},
        "batch_size": 4,
        "validation_interval": 4,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    videos = write_videos(folder / "vid")
    init = write_tiny(folder / "init")
    named = {"config": folder / "config.yaml", "data": videos, "init": init}
    yield [part for key, value in named.items() for part in (f"--{key}", str(value))]
    patch.undo()


@pytest.fixture(scope="module")
def trained(arguments, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "out"
    data = arguments[arguments.index("--data") + 1]
    assert main([*arguments, "--validate", data, "--out", str(out)]) == 0
    return out


def test_two_videos_are_learnt_by_heart(trained):
    result = json.loads((trained / "result.json").read_text())
    assert result == {"map": 1.0, "ap_car": 1.0, "ap_dog": 1.0, "steps": 200.0}
    record = read_record(trained / "weights", network="paper")
    assert record.classes == CLASSES
    assert "16 pictures (16 objects)" in record.origin
    assert set(record.graphs) == {"first_key", "next_key", "between", "head"}


def test_the_weights_are_scored_in_every_way(trained, arguments, tmp_path, capsys):
    data = arguments[arguments.index("--data") + 1]
    report = tmp_path / "report.json"
    code = evaluate(
        [
            *("--weights", str(trained / "weights"), "--data", data),
            *("--interval", "4", "--ways", "gru", "no_gru"),
            *("--report", str(report)),
        ]
    )
    assert code == 0
    values = json.loads(report.read_text())
    assert values["ways"]["gru"]["mAP"]["value"] > 0.9
    assert (values["frames"], values["videos"]) == (16, 2)
    assert values["ways"]["gru"]["resamples"] == 1000
    gain = values["differences"]["gru - no_gru"]["mAP"]["difference"]["value"]
    ways = values["ways"]
    assert gain == pytest.approx(
        ways["gru"]["mAP"]["value"] - ways["no_gru"]["mAP"]["value"]
    )
    assert "gru     mAP" in capsys.readouterr().out


def test_weights_of_other_classes_are_refused(arguments, tmp_path, caplog):
    more = ["--out", str(tmp_path / "out"), "--set", "classes=[dog, car]"]
    assert main([*arguments, *more]) == 1
    assert "trained for the classes car, dog, but the data has dog, car" in caplog.text


def test_weights_of_another_shape_are_refused(arguments, tmp_path, caplog):
    more = ["--out", str(tmp_path / "out"), "--set", "network.detector.groups=3"]
    assert main([*arguments, *more]) == 1
    assert "the weights do not fit the config: regions/kernel must have" in caplog.text


def test_a_flow_of_another_width_is_refused(arguments, tmp_path, caplog):
    flow = Path(__file__).parents[3] / "flow" / "weights" / "lightflow-0.5"
    assert main([*arguments, "--out", str(tmp_path / "o"), "--flow", str(flow)]) == 1
    assert "width 0.5, the config 0.1: set network.flow.width=0.5." in caplog.text


def test_every_shipped_config_is_valid():
    for name in ("vid", "seven_classes_video"):
        load_config(PaperTrainConfig, CONFIGS / "paper" / f"{name}.yaml")
    recipe = load_config(PaperTrainConfig, CONFIGS / "paper" / "vid.yaml")
    assert recipe.schedule.steps == 240000
    assert [stage[1] for stage in recipe.schedule.stages] == [1e-3, 1e-4, 1e-5]
    assert len(recipe.snippets.times(0)) == 9


@pytest.mark.parametrize("name", ["batch_size", "validation_interval"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name} must be at least 1, received 0"):
        PaperTrainConfig(**{name: 0})
