"""Where a run's pairs come from, and that none is both trained on and measured."""

import dataclasses

import cv2
import numpy as np
import pytest

from flow.augment.config import AugmentConfig, StrengthConfig, Uniform
from flow.datasets.batches import RealPairsBatches
from flow.datasets.reading import read_pairs
from flow.flo import write_flo
from flow.lightflow import LightFlowConfig, build_lightflow
from flow.train.config import DataConfig, FlowTrainConfig, LossConfig
from flow.train.data import RealBatches, SyntheticBatches, weighted_target
from flow.train.sources import open_source
from tests.chairs_layout import write_chairs
from vod.errors import ConfigError, FlowError

CHAIRS = FlowTrainConfig(
    network=LightFlowConfig(width=0.05),
    data=DataConfig(source="chairs", split="train", validation_split="val"),
    shapes=((64, 96, 2), (48, 64, 1)),
)


@pytest.fixture(scope="module")
def chairs(tmp_path_factory):
    return write_chairs(tmp_path_factory.mktemp("FlyingChairs"))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name in "ab":
        noise = rng.integers(0, 255, (80, 100, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), noise)
    return folder


def test_batches_of_a_data_set_have_the_shapes_and_a_weight(chairs):
    source = open_source(CHAIRS, [], chairs)
    (current, key), target = source.batches.batch(0)
    assert current.shape == key.shape == (2, 64, 96, 3)
    assert current.dtype == key.dtype == target.dtype == np.float32
    assert -1 <= current.min() < current.max() <= 1
    assert target.shape == (2, 16, 24, 3)
    np.testing.assert_allclose(target[..., 2], 1)
    assert source.batches.batch(1)[1].shape == (1, 12, 16, 3)
    assert "6 pairs of FlyingChairs" in source.origin
    assert source.describe(3) == "batch 3 of seed 1 (1 pairs of 48 x 64)"


def test_a_batch_depends_on_its_number_alone(chairs):
    one, two = (open_source(CHAIRS, [], chairs).batches for _ in range(2))
    two.batch(5)
    for first, second in zip(one.batch(2)[0], two.batch(2)[0], strict=True):
        np.testing.assert_array_equal(first, second)
    one.first_batch = 2
    np.testing.assert_array_equal(one[1][1], two.batch(3)[1])


def test_held_out_pairs_are_measured_and_drawn(chairs):
    source = open_source(CHAIRS, [], chairs)
    model = build_lightflow(CHAIRS.network)
    held_out = read_pairs(chairs, "chairs", "val")
    lengths = [np.linalg.norm(pair.load().flow, axis=-1).mean() for pair in held_out]
    # A random network predicts hardly any flow of noise.
    expected = pytest.approx(np.mean(lengths), rel=0.2)
    assert source.measure(model)["val_epe"] == expected
    pictures = source.draw(model)
    assert [picture.shape for picture in pictures.values()] == [(64, 384, 3)] * 2


def test_pairs_are_held_out_where_no_split_names_them(chairs):
    data = DataConfig(source="auto")
    source = open_source(dataclasses.replace(CHAIRS, data=data), [], chairs)
    assert "7 pairs of FlyingChairs" in source.origin


def test_strength_follows_the_batchs_number(chairs):
    still = dict.fromkeys(("rotate", "zoom", "squeeze", "noise"), Uniform(0, 0))
    turning = AugmentConfig(**still | {"rotate": Uniform(0.0, 0.5)})
    data = DataConfig(
        source="chairs",
        augment=turning,
        strength=StrengthConfig(initial=0.0, final=1.0, half_life=1.0),
    )
    config = dataclasses.replace(CHAIRS, data=data, shapes=((32, 32, 4),))
    batches = open_source(config, [], chairs).batches

    def turned(number):
        """Say by how much the batch's flows are no more whole pixels."""
        flow = batches.batch(number)[1][:, 4, 4, :2]
        return np.abs(flow - np.round(flow)).max()

    # Zoom has a mean of its own, here 0; without strength nothing moves.
    assert turned(0) < 0.01
    assert turned(50) > 0.05


def test_generated_pairs_come_from_photographs(photographs):
    config = FlowTrainConfig(shapes=((64, 64, 1),), validation_pairs=1)
    source = open_source(config, [photographs], None)
    assert isinstance(source.batches, SyntheticBatches)
    assert "synthetic pairs from photographs" in source.origin
    model = build_lightflow(LightFlowConfig(width=0.05))
    assert source.measure(model)["val_epe"] > 0
    (picture,) = source.draw(model).values()
    assert picture.shape == (64, 256, 3)


def test_generated_pairs_can_come_from_the_accelerator(photographs):
    data = DataConfig(source="ops", things=4, things_side=32)
    config = FlowTrainConfig(data=data, shapes=((64, 64, 1),), validation_pairs=1)
    (current, key), flow = open_source(config, [photographs], None).batches.batch(0)
    assert current.shape == key.shape == (1, 64, 64, 3)
    assert flow.shape == (1, 16, 16, 2)


def test_unknown_flow_is_left_out_of_a_cells_mean():
    flow = np.zeros((4, 8, 2), np.float32)
    flow[:, :4] = (2, -1)
    flow[0, :4] = (1e10, 1e10)
    valid = np.ones((4, 8), bool)
    valid[0, :4] = False
    valid[:, 4:] = False
    target = weighted_target(flow, valid)
    np.testing.assert_allclose(target, [[[2, -1, 0.75], [0, 0, 0]]], atol=1e-6)


def test_an_epoch_moves_on(chairs):
    pairs = read_pairs(chairs)
    crops = RealPairsBatches(pairs, ((32, 32, 1),), seed=0)
    batches = RealBatches(crops, steps=3, workers=1)
    assert len(batches) == 3
    expected = batches.batch(4)[1]
    batches.on_epoch_end()
    np.testing.assert_array_equal(batches[1][1], expected)


def test_folders_that_do_not_suit_the_source_are_refused(chairs, photographs):
    generated = FlowTrainConfig()
    with pytest.raises(ConfigError, match="is synthetic: name folders of photographs"):
        open_source(generated, [], None)
    with pytest.raises(ConfigError, match="is synthetic: name folders of photographs"):
        open_source(generated, [photographs], chairs)
    with pytest.raises(ConfigError, match="is chairs: name the data set's folder with"):
        open_source(CHAIRS, [], None)
    with pytest.raises(ConfigError, match="is chairs: name the data set's folder with"):
        open_source(CHAIRS, [photographs], chairs)


def test_a_validation_split_of_all_pairs_leaves_none_to_train_on(chairs):
    data = DataConfig(source="chairs", split="val", validation_split="val")
    with pytest.raises(FlowError, match="every pair is in the validation split 'val'"):
        open_source(dataclasses.replace(CHAIRS, data=data), [], chairs)


def test_one_pair_is_too_few(tmp_path):
    for name in ("a-img0.png", "a-img1.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((64, 96, 3), np.uint8))
    write_flo(tmp_path / "a-gt.flo", np.ones((64, 96, 2), np.float32))
    config = dataclasses.replace(CHAIRS, data=DataConfig(source="auto"))
    with pytest.raises(FlowError, match="holds one pair; training needs one more"):
        open_source(config, [], tmp_path)


@pytest.mark.parametrize(
    ("schema", "values", "message"),
    [
        (DataConfig, {"source": "chair"}, "Did you mean 'chairs'"),
        (DataConfig, {"split": "train"}, "synthetic pairs have no split 'train'"),
        (DataConfig, {"workers": 0}, "workers, things and things_side must be pos"),
        (LossConfig, {"weights": (1.0,)}, "weights must be 5 numbers"),
        (LossConfig, {"weights": (0.0,) * 5}, "weights must not all be 0"),
        (FlowTrainConfig, {"validation_pairs": 0}, "validation_pairs must be positive"),
    ],
)
def test_impossible_settings_are_refused(schema, values, message):
    with pytest.raises(ConfigError, match=message):
        schema(**values)
