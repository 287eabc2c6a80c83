"""One pair: what its files hold, in which order, and how bad ones are named."""

import cv2
import numpy as np
import pytest

from flow.datasets.pairs import PairFiles, read_flow
from flow.flo import write_flo
from flow.kitti_png import write_kitti_png
from tests.flow_layouts import SIZE, flow_of, write_field, write_mask, write_picture
from vod.errors import FlowError


@pytest.fixture
def pair(tmp_path):
    write_picture(tmp_path / "a.png", 1)
    write_picture(tmp_path / "b.png", 101)
    write_field(tmp_path / "f.flo", flow_of(1))
    return PairFiles("pair", tmp_path / "a.png", tmp_path / "b.png", tmp_path / "f.flo")


def test_pictures_are_rgb_and_flow_is_in_pixels(pair):
    current, key, flow, valid = pair.load()
    assert current[0, 3].tolist() == [1, 3, 0]
    assert key[2, 0].tolist() == [101, 0, 2]
    np.testing.assert_array_equal(flow, flow_of(1))
    assert flow.dtype == np.float32
    assert valid.dtype == bool
    assert valid.all()
    assert pair.size() == SIZE


def test_flow_of_kitti_is_recognised_by_its_ending(pair, tmp_path):
    valid = np.ones(SIZE, bool)
    valid[1, 2] = False
    write_kitti_png(tmp_path / "f.png", flow_of(3), valid)
    sparse = PairFiles("sparse", pair.current, pair.key, tmp_path / "f.png")
    loaded = sparse.load()
    np.testing.assert_array_equal(loaded.valid, valid)
    np.testing.assert_array_equal(loaded.flow, flow_of(3) * valid[..., None])
    assert sparse.size() == SIZE


def test_unknown_flow_is_zero_and_not_valid(pair):
    flow = flow_of(1)
    flow[2, 3, 0] = 1.666666752e9
    write_flo(pair.flow, flow)
    loaded = pair.load()
    assert np.argwhere(~loaded.valid).tolist() == [[2, 3]]
    assert loaded.flow[2, 3].tolist() == [0, 0]


def test_masks_leave_pixels_out(pair, tmp_path):
    marked = np.zeros((2, *SIZE), bool)
    marked[0, 0, 0] = marked[1, 1, 1] = True
    paths = (tmp_path / "m0.png", tmp_path / "m1.png")
    for path, mask in zip(paths, marked, strict=True):
        write_mask(path, mask)
    masked = PairFiles("masked", pair.current, pair.key, pair.flow, paths)
    loaded = masked.load()
    np.testing.assert_array_equal(loaded.valid, ~marked.any(axis=0))
    assert not loaded.flow[~loaded.valid].any()
    write_mask(paths[1], np.zeros((3, 4), bool))
    with pytest.raises(FlowError, match=r"pair masked: sizes differ: .*m1\.png \(3, 4"):
        masked.load()


@pytest.mark.parametrize("name", ["a.png", "b.png"])
def test_pictures_of_another_size_are_told_with_the_files(pair, tmp_path, name):
    write_picture(tmp_path / name, 1, (12, 15))
    with pytest.raises(
        FlowError,
        match=rf"pair pair: sizes differ: .*{name} \(12, 15\).*f\.flo \(12, 16\)",
    ):
        pair.load()


def test_flow_of_another_size_is_told_with_the_files(pair):
    write_flo(pair.flow, np.ones((12, 15, 2), np.float32))
    with pytest.raises(FlowError, match=r"sizes differ: .*f\.flo \(12, 15\)"):
        pair.load()


def test_pictures_that_are_none_are_named(pair):
    pair.current.write_bytes(b"text")
    with pytest.raises(FlowError, match=r"a\.png cannot be decoded as an image"):
        pair.load()
    pair.current.write_bytes(b"")
    with pytest.raises(FlowError, match=r"a\.png cannot be decoded as an image"):
        pair.load()
    pair.current.unlink()
    with pytest.raises(FlowError, match=r"cannot read picture .*a\.png: No such file"):
        pair.load()


def test_a_picture_cut_short_is_named(pair):
    noise = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    encoded = cv2.imencode(".png", noise)[1].tobytes()
    pair.key.write_bytes(encoded[: len(encoded) // 2])
    with pytest.raises(FlowError, match=r"b\.png cannot be decoded as an image"):
        pair.load()


def test_other_endings_are_no_flow(tmp_path):
    with pytest.raises(FlowError, match=r"a\.npy is no flow file: .*\.flo or \.png"):
        read_flow(tmp_path / "a.npy")
