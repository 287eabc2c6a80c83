import dataclasses

import keras
import numpy as np
import pytest

from detector.mobilenet import mobilenet_v1
from detector.ssd import build_features, build_head, join, load_ssd
from detector.ssd_config import SsdConfig, map_specs
from vod.errors import WeightsError
from vod.weights import save_model_weights


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).normal(0, 1, (1, 64, 64, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def both_seams(tiny_config, tmp_path_factory):
    """Both halves at both seams, with the same weights file."""
    path = tmp_path_factory.mktemp("seams") / "w.safetensors"
    keras.utils.set_random_seed(1)
    save_model_weights(build_features(tiny_config), path, dtype="float32")
    backbone = dataclasses.replace(tiny_config, seam="backbone")
    return load_ssd(tiny_config, path), load_ssd(backbone, path)


def test_both_seams_give_equal_boxes_and_scores(both_seams, picture):
    results = [head(features(picture)) for features, head in both_seams]
    for first, second in zip(*results, strict=True):
        np.testing.assert_allclose(np.asarray(first), np.asarray(second), atol=1e-5)


def test_variables_have_the_same_paths_at_both_seams(both_seams):
    first, second = ({v.path for v in join(*pair).weights} for pair in both_seams)
    assert first == second
    assert "Conv2d_11_pointwise/kernel" in first
    assert "extra_5_3x3/bias" in first
    assert "predictor_0/kernel" in first


@pytest.mark.parametrize("seam", ["head", "backbone"])
@pytest.mark.parametrize("size", [(64, 64), (75, 110), (33, 48)])
@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_any_size_gives_the_promised_maps_boxes_and_scores(seam, size, normalization):
    config = SsdConfig(
        *size, width=0.05, class_count=2, seam=seam, normalization=normalization
    )
    features, head = build_features(config), build_head(config)
    maps = features(np.zeros((2, *size, 3), np.float32))
    for spec, values in zip(map_specs(config), maps, strict=True):
        assert tuple(values.shape) == (2, spec.height, spec.width, spec.channels)
    boxes, scores = head(maps)
    assert tuple(boxes.shape[::2]) == (2, 4)
    assert tuple(scores.shape) == (2, boxes.shape[1], 2)


def test_zero_maps_give_the_anchors_and_scores_of_one_half(tiny_config):
    head = build_head(tiny_config)
    shapes = [(1, *tensor.shape[1:]) for tensor in head.inputs]
    boxes, scores = head([np.zeros(shape, np.float32) for shape in shapes])
    # first cell of the 4x4 grid: centre (8, 8), side 0.1 * 64
    np.testing.assert_allclose(
        np.asarray(boxes)[0, 0], [4.8, 4.8, 11.2, 11.2], rtol=1e-5
    )
    np.testing.assert_allclose(np.asarray(scores), 0.5)


def test_raw_channels_are_anchor_major(tiny_config):
    head = build_head(tiny_config)
    maps = [np.zeros((1, *tensor.shape[1:]), np.float32) for tensor in head.inputs]
    # cell (row 1, column 2) of level 0, anchor 1, class 2: channel 1 * 7 + 4 + 2
    maps[0][0, 1, 2, 13] = 20
    scores = np.asarray(head(maps)[1])[0]
    assert np.argwhere(scores > 0.9).tolist() == [[(1 * 4 + 2) * 3 + 1, 2]]


def test_batch_norm_has_no_bias_and_folded_convolutions_have_one():
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, mobilenet_v1(image, width=0.05, normalization="batch"))
    paths = {variable.path for variable in model.weights}
    assert "Conv2d_0/bias" not in paths
    assert "Conv2d_0_BatchNorm/gamma" in paths
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, mobilenet_v1(image, width=0.05, normalization="none"))
    paths = {variable.path for variable in model.weights}
    assert {"Conv2d_0/bias", "Conv2d_7_depthwise/bias"} <= paths


def test_full_width_mobilenet_has_the_published_number_of_parameters():
    image = keras.Input((224, 224, 3))
    model = keras.Model(image, mobilenet_v1(image, width=1.0, normalization="batch"))
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_weights)
    # keras.applications and slim: 3,206,976 with beta and gamma, 3,185,088 convolutions
    assert trained == 3_206_976


def test_weights_of_another_width_do_not_fit(tiny_config, tmp_path):
    path = tmp_path / "w.safetensors"
    save_model_weights(build_features(tiny_config), path)
    wider = dataclasses.replace(tiny_config, width=0.75)
    with pytest.raises(WeightsError, match="must have shape"):
        load_ssd(wider, path)
