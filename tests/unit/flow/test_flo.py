"""Files in .flo: what is written is read back, and bad files are named."""

import struct

import numpy as np
import pytest

from flow.flo import flo_size, known, read_flo, write_flo
from vod.errors import FlowError, ShapeError, VideoError


def ramp(height: int = 3, width: int = 4) -> np.ndarray:
    return np.arange(height * width * 2, dtype=np.float32).reshape(height, width, 2)


def test_flo_is_read_back_as_written(tmp_path):
    write_flo(tmp_path / "a.flo", ramp())
    np.testing.assert_array_equal(read_flo(tmp_path / "a.flo"), ramp())
    assert [path.name for path in tmp_path.iterdir()] == ["a.flo"]
    assert flo_size(tmp_path / "a.flo") == (3, 4)


def test_flo_layout_is_magic_width_height_then_u_v_pairs(tmp_path):
    path = tmp_path / "a.flo"
    path.write_bytes(struct.pack("<fii4f", 202021.25, 2, 1, 1.0, 2.0, 3.0, 4.0))
    np.testing.assert_array_equal(read_flo(path), [[[1, 2], [3, 4]]])
    write_flo(tmp_path / "b.flo", np.array([[[1, 2], [3, 4]]], np.float32))
    assert (tmp_path / "b.flo").read_bytes() == path.read_bytes()


def test_unknown_flow_is_known_by_its_size():
    flow = np.zeros((1, 4, 2), np.float32)
    flow[0, 1, 0] = 1.1e9
    flow[0, 2] = -1e10
    flow[0, 3] = np.inf
    np.testing.assert_array_equal(known(flow), [[True, False, False, False]])


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


@pytest.mark.parametrize("read", [read_flo, flo_size])
def test_a_missing_flo_file_is_named(tmp_path, read):
    with pytest.raises(FlowError, match=r"cannot read flow file .*none\.flo: No such"):
        read(tmp_path / "none.flo")


def test_writing_refuses_other_shapes_and_nan(tmp_path):
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\), received \(2, 2\)"):
        write_flo(tmp_path / "a.flo", np.zeros((2, 2), np.float32))
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\), received \(0, 2, 2\)"):
        write_flo(tmp_path / "a.flo", np.zeros((0, 2, 2), np.float32))
    with pytest.raises(FlowError, match=r"a\.flo: flow to write holds NaN"):
        write_flo(tmp_path / "a.flo", np.full((1, 1, 2), np.nan, np.float32))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_named_when_writing(tmp_path):
    with pytest.raises(VideoError, match=r"cannot write .*no/a\.flo: the folder"):
        write_flo(tmp_path / "no" / "a.flo", ramp())
