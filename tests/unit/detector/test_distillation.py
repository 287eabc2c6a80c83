import keras
import numpy as np
import pytest
from keras import ops

from detector.distillation import (
    Distiller,
    LossConfig,
    cross_entropy,
    mirror_index,
    raw_model,
    smooth_l1,
)
from detector.ssd import build_features
from detector.ssd_config import SsdConfig
from detector.train_data import ABSENT, PRESENT, UNKNOWN
from vod.errors import ConfigError

ROWS = (4 * 4) * 3 + (2 * 2) * 6 + 4 * 6  # grids 4, 2, 1, 1, 1, 1


def raw(config, seed):
    keras.utils.set_random_seed(seed)
    return raw_model(build_features(config), config)


@pytest.fixture
def picture():
    return np.random.default_rng(0).normal(0, 1, (1, 64, 64, 3)).astype(np.float32)


def targets(state=UNKNOWN):
    return {
        "state": np.full((1, ROWS, 3), state, np.uint8),
        "codes": np.zeros((1, ROWS, 4), np.float32),
    }


def parts_of(distiller, clean, rows, y):
    distiller.compute_loss({"clean": clean}, y, rows)
    return {m.name: float(m.result()) for m in distiller.metrics if m.name != "loss"}


def test_cross_entropy_of_one_half_at_logit_zero_is_log_two():
    assert float(cross_entropy(0.5, ops.zeros(()))) == pytest.approx(np.log(2))


def test_smooth_l1_is_square_inside_one_and_straight_outside():
    values = np.asarray(smooth_l1(ops.array([0.0, 0.5, -1.0, 3.0])))
    np.testing.assert_allclose(values, [0, 0.125, 0.5, 2.5])


def test_mirroring_swaps_columns_and_keeps_anchors():
    index = mirror_index(SsdConfig(input_height=64, input_width=64))
    assert len(index) == ROWS
    # level 0: row 0, column 0, anchor 1 becomes row 0, column 3, anchor 1
    assert index[1] == 3 * 3 + 1
    np.testing.assert_array_equal(index[index], np.arange(ROWS))


def test_a_student_that_says_what_the_teacher_means_has_no_loss(tiny_config, picture):
    teacher = raw(tiny_config, 0)
    distiller = Distiller(raw(tiny_config, 0), teacher, tiny_config, LossConfig())
    # on a picture that is its own mirror image both of the teacher's answers agree
    symmetric = (picture + picture[:, :, ::-1]) / 2
    codes, scores = distiller._ask_teacher(symmetric)
    logits = np.log(np.asarray(scores) / (1 - np.asarray(scores)))
    rows = np.concatenate([np.asarray(codes), logits], axis=-1)
    parts = parts_of(distiller, symmetric, rows, targets())
    assert parts["teacher_classes"] == pytest.approx(0, abs=1e-5)
    assert parts["teacher_boxes"] == pytest.approx(0, abs=1e-5)
    assert parts["truth_classes"] == parts["truth_boxes"] == 0


def test_the_teacher_answers_a_mirrored_picture_with_mirrored_boxes(
    tiny_config, picture
):
    teacher = raw(tiny_config, 0)
    distiller = Distiller(teacher, raw(tiny_config, 0), tiny_config, LossConfig())
    codes, scores = map(np.asarray, distiller._ask_teacher(picture))
    turned = np.ascontiguousarray(picture[:, :, ::-1])
    mirrored_codes, mirrored_scores = map(np.asarray, distiller._ask_teacher(turned))
    index = mirror_index(tiny_config)
    np.testing.assert_allclose(scores[:, index], mirrored_scores, atol=1e-5)
    turn = np.array([-1, 1, 1, 1])
    np.testing.assert_allclose(codes[:, index] * turn, mirrored_codes, atol=1e-5)


def test_a_present_class_costs_its_focal_loss(tiny_config, picture):
    model = raw(tiny_config, 0)
    distiller = Distiller(model, raw(tiny_config, 0), tiny_config, LossConfig())
    y = targets()
    y["state"][0, 7, 2] = PRESENT
    y["codes"][0, 7] = [2, 0, 0, 0]
    parts = parts_of(distiller, picture, np.zeros((1, ROWS, 7), np.float32), y)
    assert parts["truth_classes"] == pytest.approx(0.25 * np.log(2), rel=1e-5)
    assert parts["truth_boxes"] == pytest.approx(1.5)


def test_an_absent_class_that_the_teacher_sees_is_not_punished(tiny_config, picture):
    model = raw(tiny_config, 0)
    rows = np.zeros((1, ROWS, 7), np.float32)
    trusting = LossConfig(teacher_trust=0.0)
    doubting = LossConfig(teacher_trust=1.0)
    for config, expected in ((trusting, 0.0), (doubting, 3 * ROWS * 0.25 * np.log(2))):
        distiller = Distiller(model, raw(tiny_config, 0), tiny_config, config)
        parts = parts_of(distiller, picture, rows, targets(ABSENT))
        assert parts["truth_classes"] == pytest.approx(expected, rel=1e-4)


def test_only_the_student_is_trained(tiny_config):
    student, teacher = raw(tiny_config, 0), raw(tiny_config, 1)
    distiller = Distiller(student, teacher, tiny_config, LossConfig())
    trained = {id(v) for v in distiller.trainable_variables}
    assert trained == {id(v) for v in student.trainable_variables}


def test_negative_weights_are_refused():
    with pytest.raises(ConfigError, match="must not be negative"):
        LossConfig(truth_boxes=-1.0)
