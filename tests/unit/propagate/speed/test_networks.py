from importlib.util import find_spec

import pytest

from propagate.speed.choices import Base, Choice, Network
from propagate.speed.networks import networks_of
from propagate.ways import Way
from tests.builders import make_info
from vod.errors import ConfigError

INFO = make_info(width=1280, height=720)


SHIPPED = ["ssd_mobilenet_v1 fp32", "ssd_mobilenet_v1 int8"]


def test_as_shipped_sizes_that_suit_the_video_are_offered_after_the_usual_one():
    networks = networks_of(Base(), [], [], INFO)
    assert [network.name for network in networks] == [
        *SHIPPED,
        *("ssd_mobilenet_v1 90000 fp32", "ssd_mobilenet_v1 90000 int8"),
        *("ssd_mobilenet_v1 66000 fp32", "ssd_mobilenet_v1 66000 int8"),
    ]
    assert [network.is_offered for network in networks] == [False] * 2 + [True] * 4
    assert networks[-1].flags == ("--size", "66000", "--precision", "int8")
    # A video of the shape of training has no better sides for as many pixels.
    usual = networks_of(Base(), [], ["fp32"], make_info(width=640, height=480))
    assert [network.flags[:2] for network in usual[1:]] == [("--size", "66000")]


def test_no_size_is_offered_whose_sides_would_be_too_short():
    ribbon = make_info(width=40_000_000, height=40)
    networks = networks_of(Base(), [], ["fp32"], ribbon)
    assert [network.name for network in networks] == SHIPPED[:1]


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(
            "engine.name=onnxruntime",  # would need a graph of every size
            marks=pytest.mark.skipif(
                find_spec("onnxruntime") is None, reason="needs the extra onnx"
            ),
        ),
        "engine.name=tensorflow",
        "detector.size=[300, 300]",  # somebody has asked for it
        "detector.pixels=66000",
    ],
)
def test_no_size_is_offered_that_needs_a_graph_or_against_a_wish(setting):
    networks = networks_of(Base(settings=(setting,)), [], ["fp32"], INFO)
    assert [network.is_offered for network in networks] == [False]


def test_a_size_and_precision_are_settings_and_flags_alike():
    (network,) = networks_of(Base(), ["224x400"], ["int8"], INFO)
    assert network.name == "ssd_mobilenet_v1 224x400 int8"
    config = Base().config(*network.settings)
    assert config.detector.size == (224, 400)
    assert config.engine.precision == "int8"
    assert network.flags == ("--size", "224x400", "--precision", "int8")


def test_pixels_are_settings_of_the_video_and_flags_of_any():
    (network,) = networks_of(Base(), ["66000"], ["fp32"], INFO)
    assert network.name == "ssd_mobilenet_v1 66000 fp32"
    assert Base().config(*network.settings).detector.size == (236, 268)
    assert network.flags == ("--size", "66000", "--precision", "fp32")
    base = Base(settings=("detector.pixels=66000",))
    (network,) = networks_of(base, [], ["fp32"], INFO)
    assert base.config(*network.settings).detector.size == (236, 268)
    assert network.flags == ("--precision", "fp32")


def test_keras_models_run_in_float32_alone():
    base = Base(settings=("engine.name=tensorflow",))
    assert [n.name for n in networks_of(base, [], [], INFO)] == [
        "ssd_mobilenet_v1 fp32"
    ]


def test_a_bundle_is_what_it_is(tmp_path):
    base = Base(settings=(f"engine.bundle={tmp_path / 'mine'}",))
    assert networks_of(base, [], [], INFO) == [Network("mine")]
    with pytest.raises(ConfigError, match="a bundle has a size and precision of its"):
        networks_of(base, ["224x224"], [], INFO)


@pytest.mark.parametrize(
    ("sizes", "precisions", "message"),
    [
        (["224"], [], "pixels must be from 1024"),
        (["224x"], [], "a size is HEIGHTxWIDTH"),
        (["8x8"], [], "size must be rows and columns"),
        ([], ["int4"], "cannot be 'int4'"),
    ],
)
def test_what_is_no_size_or_precision_is_refused(sizes, precisions, message):
    with pytest.raises(ConfigError, match=message):
        networks_of(Base(), sizes, precisions, INFO)


def test_a_choice_is_scored_as_the_way_that_it_takes():
    network = Network("ssd")
    assert Choice(network, "none", "causal", 1).way() == Way("per-frame", None, 1)
    assert Choice(network, "none", "causal", 5).way() == Way("hold", None, 5)
    assert Choice(network, "dis-fast", "offline", 5).way() == Way(
        "offline", "dis-fast", 5
    )
