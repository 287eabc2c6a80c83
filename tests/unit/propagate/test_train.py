"""The training command on two tiny clips: everything but the learning."""

import csv
import json

import cv2
import numpy as np
import pytest

from detector.registry import SHIPPED_WEIGHTS
from flow.lightflow import LightFlowConfig, build_lightflow, load_lightflow
from flow.train.run import write_weights
from propagate.joint.batches import JointBatches
from propagate.joint.config import JointTrainConfig
from propagate.joint.model import JointModel
from propagate.joint.pairs import RealPairs
from propagate.train import main
from propagate.train_data import Clip
from propagate.transport_config import TransportConfig
from tests.builders import make_detections
from vod.config import load_config
from vod.errors import ConfigError
from vod.fitting.callbacks import EpochLog
from vod.weights import read_record

pytestmark = [
    # Tracing and optimising the training graph would take most of these tests' time.
    pytest.mark.filterwarnings(
        "ignore:Even though the `tf.config.experimental_run_functions_eagerly`"
    ),
    # Keras itself reads its variables so when it saves a backup.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SIDE = 64


@pytest.fixture(scope="module", autouse=True)
def eagerly():
    tensorflow = pytest.importorskip("tensorflow")
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


def moving_pictures(count, speed=2):
    """A textured square that slides right over a textured ground."""
    rng = np.random.default_rng(0)
    ground = cv2.blur(rng.integers(0, 120, (SIDE, SIDE, 3), np.uint8), (3, 3))
    square = cv2.blur(rng.integers(100, 255, (20, 20, 3), np.uint8), (3, 3))
    pictures = []
    for index in range(count):
        picture, left = ground.copy(), 4 + speed * index
        picture[20:40, left : left + 20] = square
        pictures.append(picture)
    return np.stack(pictures)


def square_clip(count=10, speed=2):
    found = [
        make_detections(((4 + speed * t, 20, 24 + speed * t, 40), 0.9, 0))
        for t in range(count)
    ]
    return Clip("square", moving_pictures(count, speed), found)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two folders of frames."""
    root = tmp_path_factory.mktemp("videos")
    for name in ("one", "two"):
        (root / name).mkdir()
        for index, picture in enumerate(moving_pictures(7)):
            cv2.imwrite(str(root / name / f"{index:03d}.png"), picture)
    return root


@pytest.fixture(scope="module")
def stills(tmp_path_factory):
    """A folder with one annotated picture."""
    root = tmp_path_factory.mktemp("stills")
    cv2.imwrite(str(root / "0.png"), moving_pictures(1)[0])
    content = {
        "images": [{"id": 1, "file_name": "0.png", "split": "train"}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 20, 20, 20]}
        ],
    }
    (root / "instances.json").write_text(json.dumps(content))
    return root


@pytest.fixture(scope="module")
def init(tmp_path_factory):
    """A weights folder of a very narrow LightFlow."""
    folder = tmp_path_factory.mktemp("narrow")
    config = LightFlowConfig(width=0.05)
    write_weights(build_lightflow(config), folder, config, "a test")
    return folder


@pytest.fixture(scope="module")
def arguments(videos, stills, init, tmp_path_factory):
    """A command line but for --out: two epochs of one step each."""
    config = tmp_path_factory.mktemp("config") / "smoke.yaml"
    config.write_text(
        "schedule: {steps: 2, steps_per_epoch: 1, warmup_steps: 1}\n"
        "real: 1\n"
        "generated: 1\n"
        "pseudo: 1\n"
        "images: 4\n"
        "snapshot_minutes: 60\n"
    )
    paths = {"--config": config, "--videos": videos, "--images": videos}
    paths |= {"--stills": stills, "--init": init}
    return [word for name, path in paths.items() for word in (name, str(path))]


@pytest.fixture(scope="module")
def run(arguments, videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    held_out = ["--held-out", str(videos / "two")]
    assert main([*arguments, *held_out, "--out", str(out)]) == 0
    return out


def log_rows(out):
    return list(csv.DictReader((out / "log.csv").read_text().splitlines()))


def test_training_leaves_weights_log_config_and_result(run):
    record = read_record(run / "weights", network="lightflow")
    assert record.config["width"] == 0.05
    expected = "propagate.train on 2 clips, seed 1, continuing: a test"
    assert record.origin == expected
    result = json.loads((run / "result.json").read_text())
    assert result["steps"] == 2
    assert set(result) >= {"carried_5", "held_5"}
    assert json.loads((run / "config.json").read_text())["real"] == 1
    rows = log_rows(run)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert not (run / "backup").exists()


def test_the_weights_fill_a_network_and_have_moved(run, init):
    after, before = (
        load_lightflow(folder, height=64, width=64)
        for folder in (run / "weights", init)
    )
    moved = [
        float(np.abs(new - old).max())
        for new, old in zip(after.get_weights(), before.get_weights(), strict=True)
    ]
    assert max(moved) > 0
    assert all(np.isfinite(value).all() for value in after.get_weights())


def test_an_interrupted_run_is_resumed_or_refused(
    arguments, tmp_path, monkeypatch, caplog
):
    out = tmp_path / "out"
    base = [*arguments, "--out", str(out)]
    base[base.index("--videos") + 1] += "/one"

    def interrupt(_callback, epoch, _logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EpochLog, "on_epoch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            main(base)
    assert (out / "backup").exists()
    before = (out / "config.json").read_text()
    with monkeypatch.context() as patch:
        patch.setattr("propagate.train.read_clips", pytest.fail)
        assert main([*base, "--set", "seed=2"]) == 1
    assert (out / "config.json").read_text() == before
    assert "holds an interrupted run. Continue it with --resume" in caplog.text
    assert main([*base, "--resume"]) == 0
    assert [row["epoch"] for row in log_rows(out)] == ["1", "2"]
    assert (out / "weights" / "record.json").exists()
    assert not (out / "backup").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--videos", "no/such/folder"], "no/such/folder"),
        (["--images", ""], "generated pairs need --images, or set generated=0"),
        (["--config", "no.yaml"], "no.yaml"),
        (["--stills", ""], "pseudo pairs need --stills, or set pseudo=0"),
        (["--set", "labelled=1"], "labelled pairs need --labelled, or set labelled=0"),
        (["--set", "real=0"], "at least 1 real pair"),
        (["--set", "detector=ssd"], "ssd"),
        (["--set", "pairs.distances=[0]"], "distances must be a list of frames"),
        (
            ["--init", str(SHIPPED_WEIGHTS / "ssd_mobilenet_v1")],
            "holds weights of 'ssd_mobilenet_v1'",
        ),
    ],
)
def test_wrong_input_is_one_sentence(arguments, tmp_path, caplog, changes, message):
    words = list(arguments)
    if changes[0] != "--set":
        place = words.index(changes[0])
        del words[place : place + 2]
        changes = changes if changes[1] else []
    assert main([*words, *changes, "--out", str(tmp_path / "out")]) == 1
    (error,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "out" / "weights").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("real=0", "at least 1 real pair, and no negative"),
        ("generated=-1", "at least 1 real pair, and no negative"),
        ("pseudo=-1", "at least 1 real pair, and no negative"),
        ("interval=0", "interval and labelled_clips must be 1 or more"),
        ("average=1", r"average must lie in \(0, 1\)"),
        ("clip_norm=0", "clip_norm and box_weight be positive"),
        ("pairs.smallest_crop=0", r"smallest_crop must lie in \(0, 1\]"),
    ],
)
def test_settings_without_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        load_config(JointTrainConfig, None, [change])


def batches_of(*clips, changes=()):
    settings = ["real=3", "generated=0", "schedule.steps_per_epoch=2", *changes]
    config = load_config(JointTrainConfig, None, settings)
    real = RealPairs(clips, config.pairs, size=32, cells=8)
    return JointBatches([(real, config.real)], None, config, cells=8)


def test_batches_repeat_for_the_same_number_only():
    batches = batches_of(square_clip())
    (current, earlier), targets = batches.batch(5)
    (again, _), _ = batches.batch(5)
    np.testing.assert_array_equal(current, again)
    assert not np.array_equal(current, batches.batch(6)[0][0])
    assert current.shape == earlier.shape == (3, 32, 32, 3)
    assert targets["flow"].shape == (3, 8, 8, 2)
    assert targets["boxes"].shape == (3, 6, 8)


def test_no_epoch_repeats_another():
    batches = batches_of(square_clip())
    first = [batches[index][0][0] for index in range(len(batches))]
    batches.on_epoch_end()
    np.testing.assert_array_equal(batches[0][0][0], batches.batch(2)[0][0])
    assert not np.array_equal(first[0], batches[0][0][0])


def test_pairs_carry_the_objects_boxes_in_cells():
    still = ["pairs.smallest_crop=1", "pairs.distances=[2]"]
    (_, _), targets = batches_of(square_clip(), changes=still).batch(0)
    weight, boxes = targets["box_weight"], targets["boxes"]
    assert weight[:, 0].tolist() == [1, 1, 1]
    sides = boxes[:, 0, 2:4] - boxes[:, 0, :2]
    np.testing.assert_allclose(sides, 20 / 8, rtol=1e-5)  # 8 pixels a cell
    # 4 pixels to either side, mirrored or turned in time, and none up or down.
    moved = boxes[:, 0, 4:6] - boxes[:, 0, :2]
    np.testing.assert_allclose(np.abs(moved), [[0.5, 0]] * 3, atol=1e-5)


def test_the_loss_is_least_for_the_true_flow():
    still = ["pairs.smallest_crop=1", "pairs.distances=[2]"]
    inputs, targets = batches_of(square_clip(), changes=still).batch(0)
    network = build_lightflow(LightFlowConfig(width=0.05), 32, 32, folded=True)
    model = JointModel(network, TransportConfig(), box_weight=1.0)
    moved = targets["boxes"][:, :1, 4:6] - targets["boxes"][:, :1, :2]
    true = np.broadcast_to(-4 * moved[:, None], (3, 8, 8, 2)).astype(np.float32)
    targets = targets | {"flow": true, "trust": np.ones((3, 8, 8), np.float32)}
    losses = [
        float(model.compute_loss(inputs, targets, [k * true])) for k in (1, 0, -1)
    ]
    assert losses[0] < losses[1] < losses[2]
