"""Batches of real pairs: decided by seed and number, every pair once a pass."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from flow.datasets.batches import RealPairsBatches, crop
from flow.datasets.reading import read_pairs
from flow.datasets.record_writing import write_records
from tests.flow_layouts import chairs, kitti
from vod.errors import ConfigError, FlowError

SHAPES = [(8, 10, 2), (6, 6, 3)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return chairs(tmp_path_factory.mktemp("chairs"), codes="1" * 7)


def batches(root, shapes=SHAPES, **changes):
    return RealPairsBatches(read_pairs(root), shapes, **{"seed": 1} | changes)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_shapes_take_turns(root):
    data = batches(root)
    assert [array.shape for array in data.batch(0)] == [
        (2, 8, 10, 3),
        (2, 8, 10, 3),
        (2, 8, 10, 2),
        (2, 8, 10),
    ]
    assert data.batch(3).valid.shape == (3, 6, 6)
    kinds = [array.dtype for array in data.batch(0)]
    assert kinds == [np.uint8, np.uint8, np.float32, bool]


def test_all_arrays_of_a_pair_are_cut_at_one_place(root):
    current, key, flow, valid = batches(root).batch(0)
    assert valid.all()
    for place in range(2):
        number, left, top = (int(n) for n in current[place, 0, 0])
        assert key[place, 0, 0].tolist() == [100 + number, left, top]
        np.testing.assert_allclose(
            flow[place, 0, 0], [number + left / 64, -number / 2 + top / 64]
        )


def test_every_pair_comes_once_in_each_pass_in_another_order(root):
    data = batches(root, [(6, 6, 1)])
    passes = [
        [int(data.batch(7 * turn + i).current[0, 0, 0, 0]) for i in range(7)]
        for turn in range(3)
    ]
    assert all(sorted(numbers) == [1, 2, 3, 4, 5, 6, 7] for numbers in passes)
    assert passes[0] != passes[1]


def test_passes_go_on_across_batches_of_different_shapes(root):
    data = batches(root)
    numbers = [int(n) for i in range(14) for n in data.batch(i).current[:, 0, 0, 0]]
    for turn in range(5):
        assert sorted(numbers[7 * turn : 7 * turn + 7]) == [1, 2, 3, 4, 5, 6, 7]


def test_batches_depend_on_seed_and_number_only(root):
    one, two = batches(root), batches(root)
    two.batch(9)
    assert same(one.batch(4), two.batch(4))
    assert not same(one.batch(4), batches(root, seed=2).batch(4))
    assert not same(one.batch(4), one.batch(6))


def test_threads_get_what_one_thread_gets(root):
    data = batches(root)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(data.batch, range(12)))
    assert all(same(together[i], batches(root).batch(i)) for i in range(12))


def test_records_serve_as_well_as_files(root, tmp_path):
    write_records(root, tmp_path / "out", shards=1)
    assert same(batches(root).batch(3), batches(tmp_path / "out").batch(3))


def test_transforms_get_the_whole_pair_its_chance_the_crop_and_the_batch(root):
    seen = []

    def turn_over(current, key, flow, valid, rng, *, size, batch):
        seen.append((current.shape, size, batch, rng.integers(1 << 30)))
        return current[::-1], key[::-1], flow[::-1] * np.float32([1, -1]), valid[::-1]

    data = batches(root, transform=turn_over)
    first = data.batch(3)
    assert [entry[:3] for entry in seen] == [((12, 16, 3), (6, 6), 3)] * 3
    assert len({entry[3] for entry in seen}) == 3
    assert same(first, data.batch(3))
    assert seen[:3] == seen[3:]
    number, _, row = (int(n) for n in first.current[0, 0, 0])
    assert first.flow[0, 0, 0, 1] == pytest.approx(number / 2 - row / 64)


def test_a_transform_may_crop_and_enlarge_by_itself(root):
    def double(current, key, flow, valid, _rng, *, size, batch):
        del batch
        height, width = size
        arrays = (current, key, 2 * flow, valid)
        doubled = (a.repeat(2, axis=0).repeat(2, axis=1) for a in arrays)
        return tuple(a[:height, :width] for a in doubled)

    data = batches(root, [(24, 32, 1)], transform=double)
    assert data.batch(0).current.shape == (1, 24, 32, 3)
    assert data.batch(0).current[0, :2, :2, 1:].max() == 0
    with pytest.raises(
        FlowError, match=r"pair 0000\d is 24 x 32, smaller than .* 24 x"
    ):
        batches(root, [(24, 33, 1)], transform=double).batch(0)


def test_pairs_smaller_than_the_crop_are_refused_before_training(tmp_path):
    data = kitti(tmp_path)
    RealPairsBatches(read_pairs(data), [(11, 16, 1)], seed=0)
    with pytest.raises(
        FlowError, match="pair 000001 is 11 x 17, smaller than the crop 12 x 16"
    ):
        RealPairsBatches(read_pairs(data), [(12, 2, 1), (2, 16, 1)], seed=0)


def test_a_crop_as_large_as_the_pair_is_the_pair(root):
    pair = read_pairs(root)[0].load()
    assert same(crop(pair, (12, 16), np.random.default_rng(0), "a"), pair)


def test_every_place_of_the_crop_occurs(root):
    pair = read_pairs(root)[0].load()
    rng = np.random.default_rng(0)
    places = {tuple(crop(pair, (11, 14), rng, "a").current[0, 0]) for _ in range(80)}
    assert places == {(1, left, top) for left in range(3) for top in range(2)}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"shapes": []}, ConfigError, "shapes must be a list of positive"),
        ({"shapes": [(0, 4, 1)]}, ConfigError, r"received \[\(0, 4, 1\)\]"),
        ({"seed": -1}, ConfigError, "seed must not be negative, received -1"),
    ],
)
def test_impossible_values_are_refused(root, changes, error, message):
    with pytest.raises(error, match=message):
        batches(root, **changes)
    with pytest.raises(FlowError, match="there are no flow pairs"):
        RealPairsBatches([], SHAPES, seed=0)
