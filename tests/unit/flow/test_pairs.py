"""Finding and reading pairs in the layouts of Flying Chairs."""

import cv2
import numpy as np
import pytest

from flow.flo import write_flo
from flow.pairs import find_pairs
from vod.errors import FlowError


def write_pair(folder, names, size=(4, 6)):
    for place, name in enumerate(names[:2]):
        picture = np.zeros((*size, 3), np.uint8)
        picture[..., 2] = 100 + place  # red, in OpenCV's order
        cv2.imwrite(str(folder / name), picture)
    write_flo(folder / names[2], np.ones((*size, 2), np.float32))


def test_both_layouts_are_found_and_read_as_rgb(tmp_path):
    write_pair(tmp_path, ("b-img0.png", "b-img1.png", "b-gt.flo"))
    write_pair(tmp_path, ("00001_img1.ppm", "00001_img2.ppm", "00001_flow.flo"))
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["b", "00001"]
    for pair in pairs:
        current, key, flow = pair.read()
        assert current[0, 0].tolist() == [100, 0, 0]
        assert key[0, 0].tolist() == [101, 0, 0]
        assert flow.shape == (4, 6, 2)


def test_a_missing_picture_is_named(tmp_path):
    write_pair(tmp_path, ("b-img0.png", "b-img1.png", "b-gt.flo"))
    (tmp_path / "b-img1.png").unlink()
    with pytest.raises(FlowError, match=r"b-gt\.flo has no picture b-img1\.png"):
        find_pairs(tmp_path)


def test_folders_without_pairs_are_refused(tmp_path):
    with pytest.raises(FlowError, match=r"holds no flow pairs\. Expected files"):
        find_pairs(tmp_path)
    with pytest.raises(FlowError, match="does not exist"):
        find_pairs(tmp_path / "none")


def test_sizes_that_differ_are_told_with_the_files(tmp_path):
    write_pair(tmp_path, ("b-img0.png", "b-img1.png", "b-gt.flo"))
    write_flo(tmp_path / "b-gt.flo", np.ones((4, 5, 2), np.float32))
    with pytest.raises(
        FlowError, match=r"sizes differ: b-img0\.png \(4, 6\).*\(4, 5\)"
    ):
        find_pairs(tmp_path)[0].read()


def test_a_picture_that_is_none_is_named(tmp_path):
    write_pair(tmp_path, ("b-img0.png", "b-img1.png", "b-gt.flo"))
    (tmp_path / "b-img0.png").write_bytes(b"text")
    with pytest.raises(FlowError, match=r"b-img0\.png cannot be decoded"):
        find_pairs(tmp_path)[0].read()
