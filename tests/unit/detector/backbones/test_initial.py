import keras
import numpy as np
import pytest

from detector.backbones.initial import backbone_from_ssd
from detector.network import build_halves
from detector.network_config import DetectorConfig
from detector.registry import SHIPPED_WEIGHTS
from detector.ssd import load_ssd
from detector.ssd_config import SsdConfig
from vod.errors import WeightsError

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
