"""Any backbone with any head: two halves that keep to what their config promises."""

import dataclasses

import keras
import numpy as np
import pytest

from detector.backbones.table import BACKBONES
from detector.head_losses import HEAD_LOSSES, head_losses
from detector.network import build_halves, copy_weights, join
from detector.network_config import (
    HEADS,
    DetectorConfig,
    map_specs,
    resized,
    ssd_config,
    two_stage_config,
)
from detector.ssd_config import SsdOptions
from detector.two_stage_config import TwoStageOptions
from vod.config import from_mapping, load_config, to_mapping
from vod.errors import ConfigError, WeightsError

SMALL = DetectorConfig(
    width=0.1,
    input_height=75,
    input_width=110,
    class_count=3,
    two_stage=TwoStageOptions(proposals=5, candidates=20),
)
ROWS = {"two_stage": 5, "fcos": 10 * 14 + 5 * 7 + 3 * 4, "ssd": 5 * 7 * 3 + 19 * 6}


def of(head, **changes):
    return dataclasses.replace(SMALL, head=head, **changes)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("backbone", ["mobilenet_v1", "efficientnet_lite0"])
def test_halves_give_the_promised_maps_boxes_and_scores(head, backbone):
    config = of(head, backbone=backbone)
    features, second = build_halves(config)
    maps = features(np.zeros((2, 75, 110, 3), np.float32))
    for spec, values in zip(map_specs(config), maps, strict=True):
        assert tuple(values.shape) == (2, spec.height, spec.width, spec.channels)
    boxes, scores = second(maps)
    assert tuple(boxes.shape) == (2, ROWS[head], 4)
    assert tuple(scores.shape) == (2, ROWS[head], 3)
    assert ((np.asarray(scores) >= 0) & (np.asarray(scores) <= 1)).all()
    paths = [variable.path for variable in join(features, second).weights]
    assert len(paths) == len(set(paths))


def test_the_coarser_pyramid_starts_at_stride_16():
    config = of("fcos", fcos=dataclasses.replace(SMALL.fcos, first_stride=16))
    features, second = build_halves(config)
    assert [shape[1:3] for shape in features.output_shape] == [(5, 7), (3, 4), (2, 2)]
    assert second.output_shape[0][1] == 35 + 12 + 4


def test_fcos_boxes_of_raw_distances_zero_reach_one_stride_from_each_cell():
    config = of("fcos", normalization="none")
    second = build_halves(config)[1]
    maps = [np.zeros((1, *tensor.shape[1:]), np.float32) for tensor in second.inputs]
    boxes, scores = (np.asarray(values) for values in second(maps))
    # 110 columns over 14 cells: the first centre is at 110 / 28.
    x, y = 110 / 28, 75 / 20
    np.testing.assert_allclose(boxes[0, 0], [x - 8, y - 8, x + 8, y + 8], rtol=1e-5)
    assert boxes[0, -1, 2] - boxes[0, -1, 0] == pytest.approx(64)
    # Classes begin at the prior, .01, and centre-ness at a half.
    np.testing.assert_allclose(scores, (0.01 * 0.5) ** 0.5, rtol=1e-5)


@pytest.mark.parametrize("head", HEAD_LOSSES)
def test_weights_go_from_the_losses_to_the_head_by_path(head):
    config = of(head)
    features, second = build_halves(config)
    losses = head_losses(config)
    whole = join(features, second)
    for model in (features, losses):
        for variable in model.weights:
            variable.assign(np.full(variable.shape, 0.25, np.float32))
    copy_weights([features, losses], whole)
    assert all((np.asarray(variable) == 0.25).all() for variable in whole.weights)
    if second.weights:
        with pytest.raises(
            WeightsError, match=r"the weights do not fit the config: .* received No"
        ):
            copy_weights([features], whole)


@pytest.mark.parametrize("head", HEADS)
def test_a_config_comes_back_from_plain_values(head):
    config = of(head)
    assert from_mapping(DetectorConfig, to_mapping(config), source="test") == config


def test_a_yaml_file_states_only_what_differs(tmp_path):
    path = tmp_path / "d.yaml"
    path.write_text("head: fcos\nbackbone: mobilenet_v2\nfcos: {channels: 64}\n")
    config = load_config(DetectorConfig, path, ["class_count=7"])
    assert (config.head, config.fcos.channels, config.class_count) == ("fcos", 64, 7)
    with pytest.raises(ConfigError, match=r"unknown key 'fcos\.chanels'.*'channels'"):
        load_config(DetectorConfig, path, ["fcos.chanels=3"])


def test_the_heads_own_configs_carry_the_common_values():
    config = dataclasses.replace(
        SMALL, ssd=SsdOptions(trained_size=(200, 300)), backbone="mobilenet_v2"
    )
    ssd, paper = ssd_config(config), two_stage_config(config)
    assert (ssd.trained_size, paper.proposals) == ((200, 300), 5)
    for own in (ssd, paper):
        assert (own.backbone, own.input_width, own.width) == ("mobilenet_v2", 110, 0.1)


def test_another_size_keeps_an_ssds_anchors_and_the_rest():
    bigger = resized(of("ssd"), 150, 220)
    assert (bigger.input_height, bigger.ssd.trained_size) == (150, (75, 110))
    bigger = resized(of("fcos"), 150, 220)
    assert (bigger.input_width, bigger.ssd.trained_size) == (220, None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"backbone": "mobilenet"}, r"unknown backbone 'mobilenet'.*Did you mean"),
        ({"class_count": 0}, "class_count must be at least 1, received 0"),
        ({"input_height": 31}, "must be at least 32, received 31 and 110"),
        (
            {
                "head": "ssd",
                "backbone": "mobilenet_v2",
                "ssd": SsdOptions(seam="backbone"),
            },
            "seam cannot be 'backbone' on mobilenet_v2, only on mobilenet_v1",
        ),
    ],
)
def test_impossible_values_are_refused(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        dataclasses.replace(SMALL, **changes)


def test_every_backbone_of_the_table_may_stand_below_every_head():
    for backbone in BACKBONES:
        width = 1.0 if backbone == "efficientnet_v2_b0" else 0.5
        for head in HEADS:
            assert map_specs(of(head, backbone=backbone, width=width))


def test_losses_train_on_fit_as_a_functional_model():
    """What a training loop needs of them, on any Keras backend."""
    config = of("fcos")
    features = build_halves(config)[0]
    losses = head_losses(config)
    boxes, labels = losses.inputs[-2:]
    image = features.inputs[0]
    parts = losses([*features.outputs, boxes, labels])
    assert {name: tuple(part.shape) for name, part in parts.items()} == {
        "classes": (None,),
        "boxes": (None,),
        "centreness": (None,),
    }
    assert keras.Model([image, boxes, labels], parts).weights
