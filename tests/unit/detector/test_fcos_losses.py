import math

import keras
import numpy as np
import pytest

from detector.fcos import build_head, cells
from detector.fcos_config import FcosOptions, level_strides, reaches
from detector.fcos_losses import (
    FcosLosses,
    centreness_of,
    fcos_losses,
    focal_loss,
    sides_to,
)
from detector.network_config import DetectorConfig

CONFIG = DetectorConfig(
    head="fcos",
    width=0.25,
    input_height=160,
    input_width=224,
    class_count=3,
    fcos=FcosOptions(channels=64),
)
BOXES = np.array(
    [
        [[10, 12, 60, 70], [30, 20, 50, 44], [0, 0, 0, 0], [20, 4, 200, 150]],
        [[2, 2, 220, 90], [5, 5, 5, 40], [60, 10, 100, 64], [70, 30, 90, 44]],
    ],
    np.float32,
)
LABELS = np.array([[2, 0, -1, 1], [1, 0, 1, 2]], np.int32)


def owner_of(cell, stride, reach, boxes, labels, radius):
    """Say with plain loops which object a cell answers for, None for none."""
    best, smallest = None, math.inf
    for index, (x1, y1, x2, y2) in enumerate(boxes):
        area = (x2 - x1) * (y2 - y1)
        if labels[index] < 0 or area <= 0:
            continue
        sides = (cell[0] - x1, cell[1] - y1, x2 - cell[0], y2 - cell[1])
        central = max(abs(cell[0] - (x1 + x2) / 2), abs(cell[1] - (y1 + y2) / 2))
        inside = min(sides) > 0 and central < radius * stride
        if inside and reach[0] < max(sides) <= reach[1] and area < smallest:
            best, smallest = index, area
    return best


def test_each_cell_answers_for_the_object_that_plain_loops_say():
    present, matched, own = map(np.asarray, FcosLosses(CONFIG).assign(BOXES, LABELS))
    centres, strides = cells(CONFIG)
    reach = dict(zip(level_strides(CONFIG.fcos), reaches(CONFIG.fcos), strict=True))
    seen = set()
    for picture in range(2):
        for row, (cell, stride) in enumerate(zip(centres, strides[:, 0], strict=True)):
            index = owner_of(
                cell, stride, reach[stride], BOXES[picture], LABELS[picture], 1.5
            )
            assert matched[picture, row] == (index is not None)
            expected = np.zeros(3)
            if index is not None:
                expected[LABELS[picture, index]] = 1
                np.testing.assert_array_equal(own[picture, row], BOXES[picture, index])
                seen.add((picture, index, int(stride)))
            np.testing.assert_array_equal(present[picture, row], expected)
    assert {s for _, _, s in seen} == {8, 16, 32}
    objects = {(picture, index) for picture, index, _ in seen}
    assert objects == {(0, 0), (0, 1), (0, 3), (1, 0), (1, 2), (1, 3)}


def test_cells_lie_in_the_middle_of_what_they_see():
    centres, strides = cells(CONFIG)
    assert len(centres) == 20 * 28 + 10 * 14 + 5 * 7
    assert centres[[0, 1, 28]].tolist() == [[4, 4], [12, 4], [4, 12]]
    assert (centres[560].tolist(), float(strides[560, 0])) == ([8, 8], 16)


def test_the_coarser_pyramid_has_twice_the_reach():
    options = FcosOptions(first_stride=16)
    assert level_strides(options) == (16, 32, 64)
    assert reaches(options) == ((0, 128), (128, 256), (256, math.inf))


@pytest.mark.parametrize(
    ("sides", "expected"),
    [([3, 4, 3, 4], 1.0), ([1, 2, 4, 8], 0.25), ([0, 2, 4, 8], 0.0)],
)
def test_centreness_of_hand_worked_distances(sides, expected):
    got = centreness_of(np.array(sides, np.float32))
    assert float(got) == pytest.approx(expected)


def test_sides_are_left_top_right_bottom():
    box, point = np.array([1, 2, 10, 20], "f4"), np.array([4, 6], "f4")
    assert np.asarray(sides_to(box, point)).tolist() == [3, 4, 6, 14]


def test_the_focal_loss_of_even_odds_is_a_quarter_of_log_two_times_its_weight():
    got = np.asarray(focal_loss(np.array([1.0, 0.0], "f4"), np.zeros(2, "f4")))
    np.testing.assert_allclose(
        got, [0.25 * 0.25 * np.log(2), 0.75 * 0.25 * np.log(2)], rtol=1e-5
    )


def test_predictions_that_are_right_cost_nothing_but_the_rims_entropy():
    layer = FcosLosses(CONFIG)
    present, matched, own = map(np.asarray, layer.assign(BOXES, LABELS))
    centres, strides = cells(CONFIG)
    sides = np.asarray(sides_to(own, centres))
    central = np.asarray(centreness_of(sides)) * matched
    raw = np.log(np.maximum(sides, 1e-3) / strides)
    odds = np.clip(central, 1e-6, 1 - 1e-6)
    logit = np.log(odds / (1 - odds))[..., None]
    classes = np.where(present > 0, 20, -20).astype(np.float32)
    inputs = [classes, logit.astype("f4"), raw.astype("f4"), BOXES, LABELS]
    losses = {name: np.asarray(loss) for name, loss in layer(inputs).items()}
    np.testing.assert_allclose(losses["classes"], 0, atol=1e-5)
    np.testing.assert_allclose(losses["boxes"], 0, atol=1e-4)
    entropy = -(odds * np.log(odds) + (1 - odds) * np.log(1 - odds)) * matched
    expected = entropy.sum(-1) / matched.sum(-1).mean()
    np.testing.assert_allclose(losses["centreness"], expected, atol=1e-4)


def test_variables_are_those_of_the_head_and_a_level_has_its_own_statistics():
    paths = {v.path for v in fcos_losses(CONFIG).weights}
    assert paths == {v.path for v in build_head(CONFIG).weights}
    assert {
        "class_tower_0_pointwise/kernel",
        "class_tower_0_8_BatchNorm/gamma",
        "box_tower_1_32_BatchNorm/moving_mean",
        "scale_16/kernel",
    } <= paths


def test_a_batch_without_objects_gives_numbers_and_the_layer_opens_again():
    model = fcos_losses(CONFIG)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    maps = [np.ones((1, *tensor.shape[1:]), "f4") for tensor in model.inputs[:-2]]
    inputs = [*maps, np.zeros((1, 2, 4), "f4"), np.full((1, 2), -1, np.int32)]
    first, second = model(inputs), again(inputs)
    assert {name: float(loss[0]) for name, loss in first.items()} == {
        "classes": pytest.approx(float(second["classes"][0])),
        "boxes": 0,
        "centreness": 0,
    }
