"""Batches: mirrored exactly, repeatable, each scene used as often as asked."""

import numpy as np
import pytest

from flow.synthetic.pair import SyntheticConfig
from flow.synthetic.textures import TextureBank
from flow.train.data import (
    MIRRORS,
    REUSE_DISTANCE,
    SyntheticBatches,
    mirror,
    normalise,
    target_grid,
)


@pytest.fixture(scope="module")
def bank():
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    return TextureBank([noise])


def batches(bank, **changes):
    values = {"steps": 4, "seed": 1} | changes
    return SyntheticBatches(
        bank, SyntheticConfig(), [(24, 32, 2), (30, 30, 1)], **values
    )


def same(first, second):
    return all(
        np.array_equal(a, b)
        for a, b in zip((*first[0], first[1]), (*second[0], second[1]), strict=True)
    )


def test_bytes_become_minus_one_to_one():
    values = normalise(np.array([0, 255], np.uint8))
    np.testing.assert_allclose(values, [-1, 1], atol=1e-6)


def test_target_averages_four_by_four_pixels_and_stays_in_pixels():
    flow = np.zeros((8, 8, 2), np.float32)
    flow[:4, :4, 0] = np.arange(16).reshape(4, 4)
    flow[4:, 4:, 1] = -2
    grid = target_grid(flow)
    assert grid.shape == (2, 2, 2)
    assert grid[0, 0].tolist() == [7.5, 0]
    assert grid[1, 1].tolist() == [0, -2]


def test_target_of_odd_sizes_has_the_networks_grid():
    assert target_grid(np.ones((150, 150, 2), np.float32)).shape == (38, 38, 2)


def test_mirroring_turns_pictures_and_the_flow_along_that_axis():
    picture = np.arange(6, dtype=np.uint8).reshape(1, 2, 3, 1)
    flow = np.array([[[[1.0, 2.0], [3.0, 4.0]]]], np.float32)
    current, key, turned = mirror((picture, picture + 1, flow), True, False)
    assert current[0, ..., 0].tolist() == [[2, 1, 0], [5, 4, 3]]
    assert key[0, 0, 0, 0] == 3
    assert turned.tolist() == [[[[-3, 4], [-1, 2]]]]
    current, _, turned = mirror((picture, picture, flow), False, True)
    assert current[0, ..., 0].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert turned.tolist() == [[[[1, -2], [3, -4]]]]
    unchanged = mirror((picture, picture, flow), False, False)
    np.testing.assert_array_equal(unchanged[2], flow)


def test_shapes_take_turns_and_targets_are_a_quarter(bank):
    first, second = batches(bank)[0], batches(bank)[1]
    assert first[0][0].shape == (2, 24, 32, 3)
    assert first[1].shape == (2, 6, 8, 2)
    assert second[0][1].shape == (1, 30, 30, 3)
    assert second[1].shape == (1, 8, 8, 2)


def test_batches_depend_on_seed_and_number_only(bank):
    one, two, other = batches(bank), batches(bank), batches(bank, seed=2)
    two.batch(5)
    assert same(one.batch(3), two.batch(3))
    assert not same(one.batch(3), other.batch(3))


def test_epochs_do_not_repeat(bank):
    data = batches(bank)
    assert len(data) == 4
    first = data[0]
    data.on_epoch_end()
    assert same(data[0], batches(bank).batch(4))
    assert not same(data[0], first)


def test_a_scene_comes_back_mirrored_and_from_memory_or_not_alike(bank):
    data = batches(bank, reuse=2)
    current, flow = data.batch(0)[0][0], data.batch(0)[1]
    assert MIRRORS[1] == (True, False)
    again = data.batch(REUSE_DISTANCE)
    np.testing.assert_array_equal(again[0][0], current[:, :, ::-1])
    np.testing.assert_array_equal(again[1], flow[:, :, ::-1] * [-1, 1])
    assert same(again, batches(bank, reuse=2).batch(REUSE_DISTANCE))
    new_scene = data.batch(2 * REUSE_DISTANCE)
    assert same(new_scene, batches(bank).batch(REUSE_DISTANCE))


def test_memory_holds_one_turn_of_scenes(bank):
    data = batches(bank, reuse=2)
    for number in range(2 * REUSE_DISTANCE):
        data.batch(number)
    assert len(data._recent) <= REUSE_DISTANCE + data.max_queue_size
