import keras
import numpy as np
import pytest

from detector.registry import SHIPPED_WEIGHTS
from propagate.refine.config import RefinerConfig
from propagate.refine.model import correction_error, refiner_loss
from propagate.refine.network import (
    OUTPUTS,
    build_refiner,
    freeze_blocks,
    start_from_detector,
)
from vod.errors import WeightsError

TINY = RefinerConfig(
    side=32, blocks=6, fine_channels=4, deep_channels=4, mixed_channels=4, hidden=8
)


def outputs(code=(0, 0, 0, 0), logs=(0, 0, 0, 0), logit=0.0):
    return np.array([[*code, *logs, logit]], np.float32)


def truth(code=(0, 0, 0, 0), present=1.0):
    return np.array([[*code, present]], np.float32)


def loss(true, told):
    return float(refiner_loss(keras.ops.convert_to_tensor(true), told))


def test_the_loss_of_a_worked_example():
    # |off| sums to .5; logs 0 add .3 * .5, the error 2 * .5, presence .3 log 2.
    expected = 0.3 * 0.5 + 2 * 0.5 + 0.3 * np.log(2)
    got = loss(truth((0.2, 0.1, 0.1, 0.1)), outputs())
    assert got == pytest.approx(expected, rel=1e-5)


def test_where_the_object_is_absent_only_presence_counts():
    assert loss(truth((1, 1, 1, 1), present=0), outputs(logit=-20)) < 1e-6


def test_owning_up_to_an_error_costs_less_than_hiding_it():
    true = truth((0.5, 0.5, 0.5, 0.5))
    honest, sure = outputs(logs=(-0.7,) * 4), outputs(logs=(-4,) * 4)
    assert loss(true, honest) < loss(true, sure)


def test_the_metric_is_the_mean_error_where_objects_are():
    true = np.concatenate([truth((0.4, 0, 0, 0)), truth((1, 1, 1, 1), present=0)])
    told = np.concatenate([outputs(), outputs()])
    assert float(correction_error(true, told)) == pytest.approx(0.1)


def test_the_trunk_starts_as_the_detectors_first_blocks():
    network = build_refiner(TINY)
    start_from_detector(network, SHIPPED_WEIGHTS / "ssd_mobilenet_v1")
    freeze_blocks(network, 5)
    kernel = np.asarray(network.get_layer("trunk").get_layer("Conv2d_0").kernel)
    assert kernel.std() > 0.1
    trained = {v.path.split("/")[0] for v in network.trainable_variables}
    assert "Conv2d_6_pointwise" in trained
    assert not {"Conv2d_0", "Conv2d_1_depthwise", "Conv2d_5_pointwise"} & trained
    blank = np.zeros((2, 32, 32, 3), np.float32)
    assert network([blank, blank, blank[:, 0, 0, :1]]).shape == (2, OUTPUTS)


def test_a_trunk_of_another_width_is_refused():
    network = build_refiner(RefinerConfig(side=32, blocks=6, width=0.5))
    with pytest.raises(WeightsError, match="own width"):
        start_from_detector(network, SHIPPED_WEIGHTS / "ssd_mobilenet_v1")
