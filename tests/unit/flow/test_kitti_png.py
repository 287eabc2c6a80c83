"""KITTI's flow files: what is written is read back, and bad files are named."""

import cv2
import numpy as np
import pytest

from flow.kitti_png import png_size, read_kitti_png, write_kitti_png
from vod.errors import FlowError, ShapeError


def test_64ths_of_pixels_and_the_mask_are_kept(tmp_path):
    flow = np.array([[[1.5, -2.25], [9, 9], [-512, 511.984375]]], np.float32)
    valid = np.array([[True, False, True]])
    write_kitti_png(tmp_path / "a.png", flow, valid)
    read, mask = read_kitti_png(tmp_path / "a.png")
    np.testing.assert_array_equal(mask, valid)
    np.testing.assert_array_equal(read, flow * valid[..., None])
    assert png_size(tmp_path / "a.png") == (1, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_u_v_valid_are_red_green_blue(tmp_path):
    write_kitti_png(tmp_path / "a.png", np.array([[[1.0, 2.0]]], np.float32))
    bgr = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(bgr, [[[1, 32768 + 128, 32768 + 64]]])


def test_unknown_pixels_are_three_zeros_whatever_their_flow(tmp_path):
    flow = np.array([[[np.nan, 1e10], [0, 0]]], np.float32)
    write_kitti_png(tmp_path / "a.png", flow, np.array([[False, True]]))
    bgr = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert bgr.tolist() == [[[0, 0, 0], [1, 32768, 32768]]]


def test_any_blue_above_0_means_known(tmp_path):
    bgr = np.array([[[65535, 32768, 32832], [0, 1, 2]]], np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), bgr)
    flow, valid = read_kitti_png(tmp_path / "a.png")
    assert valid.tolist() == [[True, False]]
    assert flow.tolist() == [[[1, 0], [0, 0]]]


@pytest.mark.parametrize("component", [600, -512.02, np.inf])
def test_what_16_bits_cannot_hold_is_refused(tmp_path, component):
    flow = np.full((1, 1, 2), component, np.float32)
    with pytest.raises(FlowError, match=r"a\.png: KITTI's PNG holds -512 to 511\.98"):
        write_kitti_png(tmp_path / "a.png", flow)
    assert not list(tmp_path.iterdir())


def test_nan_and_other_shapes_are_refused(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(FlowError, match=r"a\.png: flow to write holds NaN"):
        write_kitti_png(path, np.full((1, 1, 2), np.nan, np.float32))
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\), received \(1, 2\)"):
        write_kitti_png(path, np.zeros((1, 2), np.float32))
    with pytest.raises(ShapeError, match=r"the mask must be \(1, 1\), received \(2, 1"):
        write_kitti_png(path, np.zeros((1, 1, 2), np.float32), np.ones((2, 1), bool))


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        ((2, 2, 3), np.uint8, r"is not KITTI flow: .*of 16 bits, .*\(2, 2, 3\) of 8"),
        ((2, 2), np.uint16, r"is not KITTI flow: .*received \(2, 2\) of 16"),
        ((2, 2, 4), np.uint16, r"is not KITTI flow: .*received \(2, 2, 4\) of 16"),
    ],
)
def test_other_pictures_are_no_kitti_flow(tmp_path, shape, kind, message):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros(shape, kind))
    with pytest.raises(FlowError, match=rf"a\.png {message}"):
        read_kitti_png(tmp_path / "a.png")


@pytest.mark.parametrize("read", [read_kitti_png, png_size])
def test_missing_and_foreign_files_are_named(tmp_path, read):
    path = tmp_path / "a.png"
    with pytest.raises(FlowError, match=r"cannot read flow file .*a\.png: No such"):
        read(path)
    path.write_bytes(b"text")
    with pytest.raises(FlowError, match=r"a\.png cannot be read as a PNG: it is none"):
        read(path)


def test_a_file_cut_short_is_named(tmp_path):
    path = tmp_path / "a.png"
    noise = np.random.default_rng(0).uniform(-9, 9, (20, 20, 2)).astype(np.float32)
    write_kitti_png(path, noise)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FlowError, match=r"a\.png cannot be read as a PNG: it is dam"):
        read_kitti_png(path)
