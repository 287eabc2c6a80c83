"""The two stages' losses against plain NumPy loops, and their way into a model."""

import keras
import numpy as np
import pytest

from detector.box_coding_layer import encode_codes
from detector.matching import chance
from detector.rpn import anchor_corners
from detector.two_stage import build_head
from detector.two_stage_config import TwoStageConfig, map_specs
from detector.two_stage_loss_config import TwoStageLossConfig
from detector.two_stage_losses import (
    RegionLoss,
    RegionTargets,
    RpnLoss,
    hardest,
    smooth_l1,
    two_stage_losses,
)
from vod.boxes import pairwise_iou
from vod.errors import ConfigError
from vod.weights import load_model_weights, save_model_weights

SMALL = TwoStageConfig(
    input_height=64,
    input_width=96,
    width=0.25,
    class_count=3,
    anchor_sides=(16.0, 32.0),
    candidates=40,
    proposals=8,
    nms_rounds=12,
)
BOXES = np.array([[[10, 8, 40, 44], [50, 20, 90, 60]], [[0, 0, 30, 20]] * 2], "f")
LABELS = np.array([[2, 0], [1, -1]], np.int32)


def plain_smooth_l1(x, sigma):
    x = abs(float(x))
    return 0.5 * (sigma * x) ** 2 if x < 1 / sigma**2 else x - 0.5 / sigma**2


def plain_cross_entropy(logits, label):
    values = np.exp(np.asarray(logits, np.float64))
    return -np.log(values[label] / values.sum())


def test_smooth_l1_by_hand():
    # Sigma 3: curved below 1/9. 4.5 * 0.1^2 = 0.045; 0.5 - 1/18 = 0.4444.
    found = np.asarray(smooth_l1(np.array([0.1, -0.5, 0.0], np.float32), 3.0))
    np.testing.assert_allclose(found, [0.045, 0.444444, 0.0], atol=1e-6)


@pytest.mark.parametrize("border", [None, 0.0])
def test_the_rpn_learns_what_a_loop_says(border):
    loss = TwoStageLossConfig(objects=2, rpn_samples=24, rpn_border=border)
    rng = np.random.default_rng(0)
    anchors = anchor_corners(SMALL)
    logits = rng.normal(0, 1, (2, len(anchors), 2)).astype(np.float32)
    codes = rng.normal(0, 1, (2, len(anchors), 4)).astype(np.float32)
    found = RpnLoss(SMALL, loss)([logits, codes, BOXES, LABELS])
    numbers = np.asarray(chance(logits[..., 1] - logits[..., 0]))
    for picture in range(2):
        boxes = BOXES[picture][LABELS[picture] >= 0]
        iou = pairwise_iou(anchors, boxes)
        taught = np.ones(len(anchors), bool)
        if border is not None:
            taught = (anchors >= 0).all(1) & (anchors <= [96, 64, 96, 64]).all(1)
            iou[~taught] = 0
        best = np.isclose(iou, iou.max(axis=0), atol=1e-7).any(axis=1)
        positive = (iou.max(1) >= 0.7) | best
        negative = (iou.max(1) < 0.3) & ~best & taught
        order = np.argsort(-numbers[picture])
        yes = [n for n in order if positive[n]][:12]
        no = [n for n in order if negative[n]][: 24 - len(yes)]
        assert yes
        classes = sum(plain_cross_entropy(logits[picture, n], 1) for n in yes)
        classes += sum(plain_cross_entropy(logits[picture, n], 0) for n in no)
        away = 0.0
        for n in yes:
            target = np.asarray(encode_codes(boxes[iou[n].argmax()], anchors[n]))
            raw = (codes[picture, n] - target) / [10, 10, 5, 5]
            away += sum(plain_smooth_l1(x, 3.0) for x in raw)
        total = classes / (len(yes) + len(no))
        assert float(found["rpn_class"][picture]) == pytest.approx(total, rel=1e-4)
        assert float(found["rpn_box"][picture]) == pytest.approx(away / 24, rel=1e-4)


def regions_by_hand():
    """Proposals: near the first object, near nothing, near the second, and padding."""
    proposals = np.array(
        [[[12, 8, 42, 44], [0, 50, 10, 60], [50, 22, 90, 60], [0, 0, 0, 0]]] * 2, "f"
    )
    mask = np.array([[1, 1, 1, 0]] * 2, np.float32)
    return proposals, mask


def test_regions_are_told_what_they_show():
    loss = TwoStageLossConfig(objects=2)
    regions, wanted = RegionTargets(loss)([*regions_by_hand(), BOXES, LABELS])
    wanted = np.asarray(wanted)
    # The objects themselves come last; the second picture has one and a padding.
    assert wanted[0, :, 0].tolist() == [1, 1, 1, 0, 1, 1]
    assert wanted[0, :, 1].tolist() == [3, 0, 1, 0, 3, 1]
    assert wanted[1, :, 0].tolist() == [1, 1, 1, 0, 1, 0]
    assert wanted[1, :, 1].tolist() == [0, 0, 0, 0, 2, 0]
    np.testing.assert_array_equal(np.asarray(regions)[0, 4:], BOXES[0])
    # The first object lies 2 px of a 30 px wide region further left: tx = -2 / 30 * 10.
    np.testing.assert_allclose(wanted[0, 0, 2:], [-2 / 3, 0, 0, 0], atol=1e-5)
    assert (wanted[0, 1, 2:] == 0).all()
    alone = TwoStageLossConfig(objects=2, append_truth=False)
    assert RegionTargets(alone)([*regions_by_hand(), BOXES, LABELS])[0].shape[1] == 4


def test_sampled_regions_keep_the_share_of_objects():
    loss = TwoStageLossConfig(objects=2, choice="sample", region_samples=4)
    regions, wanted = RegionTargets(loss)([*regions_by_hand(), BOXES, LABELS])
    wanted = np.asarray(wanted)
    assert regions.shape == (2, 4, 4)
    # A quarter of 4 may show objects; there is one negative region.
    assert (wanted[0, :, 0] * (wanted[0, :, 1] > 0)).sum() == 1
    assert wanted[0, :, 0].sum() == 2


def test_the_second_stage_learns_from_the_hardest_regions_as_a_loop_says():
    loss = TwoStageLossConfig(objects=2, region_samples=5)
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (2, 9, 4)).astype(np.float32)
    codes = rng.normal(0, 1, (2, 9, 4)).astype(np.float32)
    counts = np.array([[1] * 9, [1, 1, 0, 0, 0, 0, 1, 0, 0]], np.float32)
    classes = rng.integers(0, 4, (2, 9))
    target = rng.normal(0, 1, (2, 9, 4)).astype(np.float32)
    wanted = np.concatenate(
        [counts[..., None], classes[..., None], target], -1, dtype=np.float32
    )
    found = RegionLoss(loss)([logits, codes, wanted])
    for picture in range(2):
        rows = []
        for n in np.flatnonzero(counts[picture]):
            wrong = plain_cross_entropy(logits[picture, n], classes[picture, n])
            away = 0.0
            if classes[picture, n]:
                error = codes[picture, n] - target[picture, n]
                away = sum(plain_smooth_l1(x, 1.0) for x in error)
            rows.append((wrong, away))
        rows = sorted(rows, key=lambda pair: -sum(pair))[:5]
        wrong, away = np.sum(rows, axis=0)
        expected = wrong / len(rows)
        assert float(found["region_class"][picture]) == pytest.approx(expected, 1e-4)
        assert float(found["region_box"][picture]) == pytest.approx(away / 5, 1e-4)


def test_a_region_without_loss_goes_before_one_that_does_not_count():
    kept = hardest(np.array([[0.0, 9.0, 2.0]], "f"), np.array([[1.0, 0, 1]], "f"), 3)
    assert np.asarray(kept).tolist() == [[1, 0, 1]]


@pytest.fixture(scope="module")
def learner():
    return two_stage_losses(SMALL, TwoStageLossConfig(objects=2))


def maps(batch, seed=0):
    rng = np.random.default_rng(seed)
    return [
        rng.normal(0, 1, (batch, s.height, s.width, s.channels)).astype(np.float32)
        for s in map_specs(SMALL)
    ]


def test_weights_go_from_the_losses_to_the_head_by_their_paths(learner, tmp_path):
    save_model_weights(learner, tmp_path / "w.safetensors", dtype="float32")
    head = build_head(SMALL)
    load_model_weights(head, tmp_path / "w.safetensors")
    assert {v.path for v in head.weights} == {v.path for v in learner.weights}


@pytest.mark.parametrize("choice", ["ohem", "sample"])
def test_degenerate_boxes_never_give_nan(choice):
    import tensorflow as tf

    model = two_stage_losses(SMALL, TwoStageLossConfig(objects=4, choice=choice))
    bad = np.array(
        [[(5, 5, 5, 9), (9, 9, 3, 3), (np.nan,) * 4, (0, 0, 1e9, 2)]] * 2, np.float32
    )
    inputs = [*maps(2), bad, np.zeros((2, 4), np.int32)]
    with tf.GradientTape() as tape:
        losses = model(inputs)
        total = sum(keras.ops.sum(value) for value in losses.values())
    assert all(np.isfinite(np.asarray(value)).all() for value in losses.values())
    for gradient in tape.gradient(total, model.trainable_variables):
        assert np.isfinite(np.asarray(tf.convert_to_tensor(gradient))).all()


def test_pictures_without_objects_teach_background(learner):
    nothing = [np.zeros((1, 2, 4), np.float32), np.full((1, 2), -1, np.int32)]
    losses = learner([*maps(1), *nothing])
    assert float(losses["rpn_box"][0]) == 0
    assert float(losses["region_box"][0]) == 0
    assert float(losses["rpn_class"][0]) > 0


def test_a_picture_learns_the_same_beside_any_other(learner):
    both = learner([*maps(2), BOXES, LABELS])
    one = learner([*(m[1:] for m in maps(2)), BOXES[1:], LABELS[1:]])
    for name, values in both.items():
        assert float(values[1]) == pytest.approx(float(one[name][0]), rel=1e-4)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"rpn_positive_iou": 0.0}, r"rpn_positive_iou must lie in \(0, 1\]"),
        ({"rpn_negative_iou": 0.8}, "rpn_negative_iou must be at most"),
        ({"objects": 0}, "objects must be at least 1, received 0"),
        ({"rpn_sigma": 0.0}, "rpn_sigma and region_sigma must be greater than 0"),
        ({"box_weight": -1.0}, "must not be negative"),
    ],
)
def test_impossible_values_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        TwoStageLossConfig(**values)
