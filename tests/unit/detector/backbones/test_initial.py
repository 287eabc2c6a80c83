import keras
import numpy as np
import pytest

from detector.backbones.applications import application
from detector.backbones.initial import backbone_from_ssd, initialise_backbone
from detector.network import build_halves
from detector.network_config import DetectorConfig
from detector.registry import SHIPPED_WEIGHTS
from detector.ssd import load_ssd
from detector.ssd_config import SsdConfig
from vod.errors import ConfigError, WeightsError

SHIPPED = SHIPPED_WEIGHTS / "ssd_mobilenet_v1"


def features(**changes):
    sizes = {"input_height": 64, "input_width": 96, "class_count": 2}
    known = {"head": "fcos", "width": 0.75, "normalization": "none"}
    return build_halves(DetectorConfig(**(sizes | known | changes)))[0]


@pytest.mark.parametrize("head", ["fcos", "two_stage", "ssd"])
def test_the_shipped_backbone_gives_the_same_maps_below_another_head(head):
    model = features(head=head)
    backbone_from_ssd(SHIPPED, model)
    config = SsdConfig(64, 96, seam="backbone")
    shipped, _ = load_ssd(config, SHIPPED / "weights.safetensors")
    own = keras.Model(
        model.inputs[0],
        [
            model.get_layer(f"Conv2d_{block}_pointwise_relu6").output
            for block in (11, 13)
        ],
    )
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype("f4")
    for ours, theirs in zip(own(picture), shipped(picture), strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 0.5}, r"Conv2d_0/kernel has shape .*Check its width"),
        ({"normalization": "batch"}, r"BatchNorm.*Check backbone and normalization"),
    ],
)
def test_a_backbone_of_another_kind_is_refused(changes, sentence):
    model = features(**changes)
    before = [np.asarray(variable).copy() for variable in model.weights]
    with pytest.raises(WeightsError, match=sentence):
        backbone_from_ssd(SHIPPED, model)
    for first, now in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(first, np.asarray(now))


def test_a_model_without_mobilenet_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d")])
    with pytest.raises(WeightsError, match="does not hold this backbone"):
        backbone_from_ssd(SHIPPED, model)


def config_of(**changes):
    sizes = {"input_height": 64, "input_width": 96, "class_count": 2, "head": "fcos"}
    return DetectorConfig(**(sizes | changes))


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_imagenet_values_of_keras_mobilenet_give_keras_maps(normalization, monkeypatch):
    theirs = application("MobileNet", input_shape=(64, 96, 3), alpha=0.5)
    rng = np.random.default_rng(0)
    for variable in theirs.weights:
        low, high = (0.5, 1.5) if "variance" in variable.path else (-0.4, 0.6)
        variable.assign(rng.uniform(low, high, variable.shape))
    values = {v.path: np.asarray(v) for v in theirs.weights}
    asked = []

    def published(*arguments):
        asked.append(arguments)
        return values

    monkeypatch.setattr("detector.backbones.applications.imagenet_values", published)
    config = config_of(width=0.5, normalization=normalization)
    model, _ = build_halves(config)
    initialise_backbone(model, config, "imagenet")
    assert asked == [("MobileNet", (("alpha", 0.5),))]
    own = keras.Model(
        model.inputs[0], model.get_layer("Conv2d_13_pointwise_relu6").output
    )
    image = rng.uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)
    expected = np.asarray(theirs(image))
    assert expected.std() > 0.1
    # float32, another order of sums (measured 1e-5)
    np.testing.assert_allclose(np.asarray(own(image)), expected, atol=1e-3)


def test_imagenet_values_of_an_adapted_model_fill_it(monkeypatch):
    config = config_of(backbone="mobilenet_v2", width=0.35)
    theirs = application("MobileNetV2", input_shape=(224, 224, 3), alpha=0.35)
    values = {v.path: np.asarray(v) + 0.5 for v in theirs.weights}
    monkeypatch.setattr(
        "detector.backbones.applications.imagenet_values", lambda *_: values
    )
    model, _ = build_halves(config)
    initialise_backbone(model, config, "imagenet")
    filled = {v.path: np.asarray(v) for v in model.weights}
    assert values.keys() <= filled.keys()
    for path, value in values.items():
        np.testing.assert_array_equal(filled[path], value)


def test_a_download_that_fails_is_one_sentence(monkeypatch):
    def fail(*_, **__):
        raise Exception("URL fetch failure on https://...: None")  # as Keras does

    monkeypatch.setattr("keras.applications.MobileNetV2", fail)
    config = config_of(backbone="mobilenet_v2", width=0.35)
    model, _ = build_halves(config_of(width=0.5))
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(URL fetch fail"):
        initialise_backbone(model, config, "imagenet")


def test_a_backbone_without_imagenet_values_says_so():
    config = config_of(backbone="efficientnet_lite0", width=0.5)
    model, _ = build_halves(config)
    with pytest.raises(ConfigError, match="no ImageNet weights of efficientnet_lite0"):
        initialise_backbone(model, config, "imagenet")


def test_a_shipped_folder_is_a_source_as_well():
    config = config_of(width=0.75, normalization="none")
    first, second = build_halves(config)[0], build_halves(config)[0]
    initialise_backbone(first, config, SHIPPED)
    backbone_from_ssd(SHIPPED, second)
    for one, other in zip(first.weights, second.weights, strict=True):
        if one.path.startswith("Conv2d_"):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
