"""What trains is what runs: a sample's losses are those of inference's maps."""

import dataclasses

import numpy as np
import pytest

from detector.fit_measure import MEASURED
from detector.network import copy_weights
from detector.two_stage_loss_config import TwoStageLossConfig
from detector.two_stage_losses import two_stage_losses
from propagate.aggregation_start import begin_as_mean
from propagate.paper_learner import INPUTS, PaperLearner, blank_sample
from propagate.paper_models import paper_detector
from propagate.paper_networks import build_paper_networks, load_paper
from propagate.paper_video import whole_videos
from tests.tiny_paper import LOSS, tiny_config, tiny_networks, write_tiny
from tests.tiny_videos import CLASSES, box_at, picture, write_videos
from vod.config import from_mapping
from vod.dataset.annotated import read_annotated
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing

MOVED = np.ones(1, np.float32)
PREPROCESSING = Preprocessing(64, 96, mean=120.0, scale=130.0)


@pytest.fixture(scope="module")
def networks():
    made = tiny_networks()
    loss = from_mapping(TwoStageLossConfig, LOSS, source="test")
    losses = two_stage_losses(made.config.detector, loss)
    copy_weights([made.head], losses)
    return dataclasses.replace(made, losses=losses)


@pytest.fixture(scope="module")
def frames():
    shown = [picture(0, number) for number in (0, 3, 6, 7)]
    return np.concatenate([PREPROCESSING.normalise(rgb) for rgb in shown])


@pytest.fixture(scope="module")
def objects():
    boxes = np.zeros((1, 4, 4), np.float32)
    boxes[0, 0] = box_at(0, 7)
    return boxes, np.array([[0, -1, -1, -1]], np.int32)


def test_a_samples_losses_are_those_of_the_maps_that_inference_carries(
    networks, frames, objects
):
    found = PaperLearner(networks, PREPROCESSING)([frames[None], MOVED, *objects])
    detector = paper_detector(networks, PREPROCESSING)
    key = None
    for number in range(3):
        key = detector.key(frames[number : number + 1], key)
    _, maps = detector.between(frames[3:], key)
    expected = networks.losses([*maps, *objects])
    assert set(found) == {"rpn_class", "rpn_box", "region_class", "region_box"}
    for name, value in expected.items():
        assert float(found[name][0]) == pytest.approx(float(value[0]), rel=1e-3), name


def test_a_key_frame_is_judged_by_its_own_maps(networks, frames, objects):
    sample = np.stack([frames[0], frames[1], frames[1]])[None]
    found = PaperLearner(networks, PREPROCESSING)([sample, 0 * MOVED, *objects])
    detector = paper_detector(networks, PREPROCESSING)
    key = detector.key(frames[1:2], detector.key(frames[:1], None))
    for name, value in networks.losses([*key.maps, *objects]).items():
        assert float(found[name][0]) == pytest.approx(float(value[0]), rel=1e-3), name


def test_everything_learns(networks, frames, objects):
    import tensorflow as tf

    learner = PaperLearner(networks, PREPROCESSING)
    with tf.GradientTape() as tape:
        losses = learner([frames[None], MOVED, *objects])
        total = sum(tf.reduce_sum(value) for value in losses.values())
    variables = learner.trainable_variables
    gradients = tape.gradient(total, variables)
    parts = {"features": "Conv2d_3_depthwise/kernel", "gru": "gru_1_u/kernel"}
    parts |= {"head": "region_logits/kernel", "flow": "conv3_dw/kernel"}
    by_path = dict(zip([v.path for v in variables], gradients, strict=True))
    for path in parts.values():
        assert np.abs(np.asarray(tf.convert_to_tensor(by_path[path]))).max() > 0, path


def test_a_video_begins_anew_and_every_frame_may_be_a_key(networks):
    detector = paper_detector(networks, PREPROCESSING, aggregate=False)
    shown = [picture(0, number) for number in range(4)]
    every = list(detector.frames(shown, 1, MEASURED))
    sparse = list(detector.frames(shown, 2, MEASURED))
    for number in (0, 2):
        np.testing.assert_array_equal(every[number].scores, sparse[number].scores)
    assert not np.array_equal(every[1].scores, sparse[1].scores)
    again = list(detector.frames(shown[2:], 2, MEASURED))
    np.testing.assert_array_equal(again[0].scores, sparse[2].scores)
    with pytest.raises(ConfigError, match="interval must be at least 1, received 0"):
        next(detector.frames(shown, 0, MEASURED))


def test_the_gru_may_begin_as_the_mean_of_state_and_features():
    config = dataclasses.replace(
        tiny_config(),
        aggregation=dataclasses.replace(tiny_config().aggregation, layers=2),
    )
    model = build_paper_networks(config).aggregation
    begin_as_mean(model, config.aggregation)
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 1, (1, 4, 6, 32)).astype(np.float32)
    state = rng.uniform(0, 1, (1, 4, 6, 64)).astype(np.float32)
    new = np.asarray(model([features, state, np.zeros((1, 4, 6, 2), np.float32)]))
    first = (features + state[..., :32]) / 2
    second = (first + state[..., 32:]) / 2
    expected = np.concatenate([first, second], -1)
    # A tenth of Keras' random values is left in.
    assert np.abs(new - expected).mean() < 0.1 * expected.mean()
    assert np.corrcoef(new.ravel(), expected.ravel())[0, 1] > 0.9


def test_a_weights_folder_gives_the_same_system(networks, frames, tmp_path):
    folder = write_tiny(tmp_path / "weights")
    loaded, record = load_paper(folder)
    assert record.classes == CLASSES
    first = paper_detector(networks, PREPROCESSING).key(frames[:1], None)
    second = paper_detector(loaded, PREPROCESSING).key(frames[:1], None)
    for ours, stored in zip(first.maps, second.maps, strict=True):
        # Values are stored as float16: 11 bits, through 15 layers.
        np.testing.assert_allclose(ours, stored, atol=0.02 * np.abs(ours).max())
    (folder / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="sha256 differs"):
        load_paper(folder)


def test_a_system_without_losses_cannot_learn():
    with pytest.raises(ConfigError, match="built to detect, not to learn"):
        PaperLearner(tiny_networks(), PREPROCESSING)


def test_a_blank_sample_runs(networks):
    sample = blank_sample(networks, keys=2, objects=4)
    losses = PaperLearner(networks, PREPROCESSING)([sample[name] for name in INPUTS])
    assert all(np.isfinite(np.asarray(value)).all() for value in losses.values())


def test_whole_videos_are_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = read_annotated(str(write_videos(tmp_path / "vid", frames=4)))
    assert len(whole_videos(source, 8)) == 8
    assert len(whole_videos(source, 5)) == 4
    assert len(whole_videos(source, 1)) == 4
