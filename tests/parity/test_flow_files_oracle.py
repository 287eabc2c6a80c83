"""Flow files against what the oracle and the published pairs say of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from flow.datasets.pairs import read_flow
from flow.datasets.reading import find_layout, read_pairs
from flow.flo import flo_size, read_flo, write_flo
from flow.kitti_png import png_size, read_kitti_png, write_kitti_png


@pytest.fixture(scope="module")
def files(oracle: Path) -> Path:
    return oracle / "flow"


@pytest.fixture(scope="module")
def expected(files: Path) -> dict:
    return json.loads((files / "expected.json").read_text())


def test_known_pixels_and_their_mean_length_agree(files, expected):
    for case in (case for case in expected.values() if "gt" in case):
        flow, valid = read_flow(files / case["gt"])
        assert valid.sum() == case["valid"], case["gt"]
        length = np.linalg.norm(flow[valid].astype(np.float64), axis=1).mean()
        assert length == pytest.approx(case["gt_mean_magnitude"], rel=1e-12)


def test_sparse_png_and_flo_with_unknown_pixels_are_one_field(files):
    for stem in ("gt0_crop", "gt1_crop"):
        flo, from_flo = read_flow(files / f"{stem}_unknown.flo")
        png, from_png = read_flow(files / f"{stem}_kitti.png")
        np.testing.assert_array_equal(from_flo, from_png)
        assert np.abs(flo - png).max() <= 1 / 128


def test_every_file_is_written_back_as_the_same_numbers(files, tmp_path):
    paths = sorted(files.glob("*.flo"))
    assert len(paths) > 5
    for path in paths:
        write_flo(tmp_path / path.name, read_flo(path))
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert flo_size(path) == read_flo(path).shape[:2]
    paths = sorted(files.glob("*.png"))
    assert len(paths) > 2
    for path in paths:
        flow, valid = read_kitti_png(path)
        write_kitti_png(tmp_path / path.name, flow, valid)
        again, mask = read_kitti_png(tmp_path / path.name)
        np.testing.assert_array_equal(again, flow)
        np.testing.assert_array_equal(mask, valid)
        assert png_size(path) == valid.shape


def test_published_flying_chairs_pairs_are_multiples_of_a_64th(vod_data):
    root = vod_data / "flow" / "flying_chairs"
    assert find_layout(root) == ("chairs-examples", root)
    pairs = read_pairs(root)
    assert len(pairs) == 4
    for pair in pairs:
        current, key, flow, valid = pair.load()
        assert current.shape == key.shape == (384, 512, 3)
        assert valid.all()
        # So records in steps of 1/64 pixel hold them exactly.
        np.testing.assert_array_equal(flow * 64, np.round(flow * 64))
