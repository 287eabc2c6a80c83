"""Flow files: what is written is read back, and bad files are named."""

import struct

import cv2
import numpy as np
import pytest

from flow.flo import known, read_flo, read_kitti_png, write_flo, write_kitti_png
from vod.errors import FlowError, ShapeError


def ramp(height: int = 3, width: int = 4) -> np.ndarray:
    return np.arange(height * width * 2, dtype=np.float32).reshape(height, width, 2)


def test_flo_is_read_back_as_written(tmp_path):
    write_flo(tmp_path / "a.flo", ramp())
    np.testing.assert_array_equal(read_flo(tmp_path / "a.flo"), ramp())
    assert [path.name for path in tmp_path.iterdir()] == ["a.flo"]


def test_flo_layout_is_magic_width_height_then_u_v_pairs(tmp_path):
    path = tmp_path / "a.flo"
    path.write_bytes(b"PIEH" + struct.pack("<ii4f", 2, 1, 1.0, 2.0, 3.0, 4.0))
    np.testing.assert_array_equal(read_flo(path), [[[1, 2], [3, 4]]])


def test_unknown_flow_is_known_by_its_size():
    flow = np.zeros((1, 3, 2), np.float32)
    flow[0, 1, 0] = 1e10
    flow[0, 2] = -1e10
    np.testing.assert_array_equal(known(flow), [[True, False, False]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a .flo file"),
        (b"PIEH\x01\x00", "is not a .flo file"),
        (b"JUNK" + struct.pack("<ii2f", 1, 1, 0, 0), "is not a .flo file.*JUNK"),
        (b"PIEH" + struct.pack("<ii2f", 2, 1, 0, 0), "so 28 bytes, but has 20"),
        (b"PIEH" + struct.pack("<ii3f", 1, 1, 0, 0, 0), "so 20 bytes, but has 24"),
        (b"PIEH" + struct.pack("<ii", -1, 1), "it is damaged"),
        (b"PIEH" + struct.pack("<ii2f", 1, 1, 0, float("nan")), "holds NaN"),
    ],
)
def test_a_bad_flo_file_is_named(tmp_path, content, message):
    path = tmp_path / "bad.flo"
    path.write_bytes(content)
    with pytest.raises(FlowError, match=rf"bad\.flo.*{message}"):
        read_flo(path)


def test_a_missing_flo_file_is_named(tmp_path):
    with pytest.raises(FlowError, match=r"cannot read flow file .*none\.flo"):
        read_flo(tmp_path / "none.flo")


def test_writing_refuses_other_shapes_and_nan(tmp_path):
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\), received \(2, 2\)"):
        write_flo(tmp_path / "a.flo", np.zeros((2, 2), np.float32))
    with pytest.raises(FlowError, match="holds NaN"):
        write_flo(tmp_path / "a.flo", np.full((1, 1, 2), np.nan, np.float32))
    assert not list(tmp_path.iterdir())


def test_kitti_png_keeps_64ths_of_pixels_and_the_mask(tmp_path):
    flow = np.array([[[1.5, -2.25], [0, 0], [-511, 511.984375]]], np.float32)
    valid = np.array([[True, False, True]])
    write_kitti_png(tmp_path / "a.png", flow, valid)
    read, mask = read_kitti_png(tmp_path / "a.png")
    np.testing.assert_array_equal(mask, valid)
    np.testing.assert_array_equal(read, flow)


def test_kitti_png_stores_u_v_valid_as_red_green_blue(tmp_path):
    write_kitti_png(tmp_path / "a.png", np.array([[[1.0, 2.0]]], np.float32))
    bgr = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(bgr, [[[1, 32768 + 128, 32768 + 64]]])


def test_kitti_png_refuses_what_16_bits_cannot_hold(tmp_path):
    with pytest.raises(FlowError, match=r"holds -512 to 511\.98 pixels"):
        write_kitti_png(tmp_path / "a.png", np.full((1, 1, 2), 600, np.float32))
    with pytest.raises(FlowError, match="cannot be read as a PNG"):
        read_kitti_png(tmp_path / "a.png")


def test_an_ordinary_picture_is_no_kitti_flow(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(FlowError, match=r"a\.png is not KITTI flow"):
        read_kitti_png(tmp_path / "a.png")
