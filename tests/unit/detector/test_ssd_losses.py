import keras
import numpy as np
import pytest

from detector.ssd import build_head
from detector.ssd_config import SsdConfig, ssd_anchors
from detector.ssd_losses import hardest, match_anchors, ssd_losses
from detector.train_data import PRESENT, UNKNOWN, assign

CONFIG = SsdConfig(96, 128, width=0.1, class_count=3, normalization="batch")
ANCHORS = ssd_anchors(CONFIG)

BOXES = np.array(
    [
        [[10, 12, 60, 70], [30, 20, 50, 44], [0, 0, 0, 0]],
        [[2, 2, 120, 90], [5, 5, 5, 40], [60, 10, 100, 64]],
    ],
    np.float32,
)
LABELS = np.array([[2, 0, -1], [1, 0, 1]], np.int32)


def test_matching_is_that_of_the_distillations_ground_truth():
    present, empty, codes = map(np.asarray, match_anchors(ANCHORS, BOXES, LABELS, 3))
    everything = np.ones(3, np.bool_)
    for picture, kept in enumerate(([0, 1], [0, 2])):  # without padding and the line
        state, expected = assign(
            BOXES[picture, kept],
            LABELS[picture, kept],
            ANCHORS,
            annotated=everything,
        )
        matched = (state == PRESENT).any(-1)
        np.testing.assert_array_equal(present[picture], state == PRESENT)
        np.testing.assert_array_equal(
            empty[picture], ~matched & (state != UNKNOWN).any(-1)
        )
        np.testing.assert_allclose(
            codes[picture][matched], expected[matched], atol=1e-4
        )
        assert 2 <= matched.sum() < len(ANCHORS) / 4


def test_three_times_as_many_negatives_are_looked_at_and_three_without_objects():
    wrong = np.array([[5, 1, 9, 3, 4, 2], [5, 1, 9, 3, 4, 2]], np.float32)
    matched = np.array([[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]], np.float32)
    empty = np.array([[0, 1, 0, 1, 1, 1], [1, 1, 0, 1, 1, 1]], np.float32)
    assert np.asarray(hardest(wrong, matched, empty)).tolist() == [
        [0, 0, 0, 1, 1, 1],
        [1, 0, 0, 1, 1, 0],
    ]


def test_predictions_that_are_right_cost_nothing_and_others_what_they_should():
    model = ssd_losses(CONFIG)
    present, _, codes = map(np.asarray, match_anchors(ANCHORS, BOXES, LABELS, 3))
    rows = np.concatenate([codes, np.where(present, 20, -20)], axis=-1)
    perfect = model([*levels_of(rows, model), BOXES, LABELS])
    for loss in perfect.values():
        np.testing.assert_allclose(np.asarray(loss), 0, atol=1e-4)
    # All logits 0: log 2 a class at three negatives a positive, and these.
    zero = np.concatenate([codes, np.zeros_like(present)], axis=-1)
    positives = present.max(-1).sum(-1)
    expected = 4 * positives * 3 * np.log(2) / positives.mean()
    got = model([*levels_of(zero, model), BOXES, LABELS])["classes"]
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-4)
    # One anchor's first code off by 3: smooth L1 is 2.5.
    moved = rows.copy()
    moved[0, np.flatnonzero(present[0].max(-1))[0], 0] += 3
    got = model([*levels_of(moved, model), BOXES, LABELS])["boxes"]
    np.testing.assert_allclose(np.asarray(got), [2.5 / positives.mean(), 0], atol=1e-4)


def levels_of(rows, model):
    """Cut `(B, N, 4 + C)` back into the maps that `flatten_levels` laid out."""
    maps, start = [], 0
    for tensor in model.inputs[:-2]:
        height, width, channels = tensor.shape[1:]
        count = height * width * channels // rows.shape[-1]
        part = rows[:, start : start + count]
        maps.append(part.reshape(-1, height, width, channels).astype(np.float32))
        start += count
    return maps


def test_a_picture_without_objects_gives_numbers():
    model = ssd_losses(CONFIG)
    maps = [np.zeros((1, *tensor.shape[1:]), "f4") for tensor in model.inputs[:-2]]
    nothing = np.full((1, 3), -1, np.int32)
    losses = model([*maps, np.zeros((1, 3, 4), np.float32), nothing])
    assert float(losses["boxes"][0]) == 0
    assert float(losses["classes"][0]) == pytest.approx(9 * np.log(2), rel=1e-5)


@pytest.mark.parametrize("seam", ["head", "backbone"])
def test_variables_are_those_of_the_head(seam):
    config = SsdConfig(96, 128, width=0.1, class_count=3, seam=seam)
    paths = {v.path for v in ssd_losses(config).weights}
    assert paths == {v.path for v in build_head(config).weights}
    assert bool(paths) == (seam == "backbone")


def test_the_layer_opens_again_from_its_description():
    model = ssd_losses(CONFIG)
    again = keras.models.model_from_json(model.to_json())
    rng = np.random.default_rng(0)
    maps = [rng.normal(0, 1, (2, *t.shape[1:])) for t in model.inputs[:-2]]
    inputs = [*(m.astype(np.float32) for m in maps), BOXES, LABELS]
    first, second = model(inputs), again(inputs)
    for name, loss in first.items():
        np.testing.assert_allclose(np.asarray(loss), np.asarray(second[name]))
