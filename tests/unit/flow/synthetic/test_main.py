"""`python -m flow.synthetic` writes pairs that the readers take as Flying Chairs."""

import cv2
import numpy as np
import pytest

from flow.datasets.reading import find_layout, read_pairs
from flow.synthetic.__main__ import SHEET, main
from flow.synthetic.pair import SyntheticConfig, make_pair
from flow.synthetic.textures import read_textures


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name in "abc":
        noise = rng.integers(0, 255, (80, 90, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), noise)
    return folder


def test_pairs_are_read_back_as_they_were_drawn(images, tmp_path, capsys):
    size = ["--size", "48", "64", "--seed", "4"]
    arguments = ["--images", str(images), "--out", str(tmp_path), *size]
    assert main([*arguments, "--count", "3"]) == 0
    assert find_layout(tmp_path)[0] == "chairs"
    loaded = [pair.load() for pair in read_pairs(tmp_path)]
    assert len(loaded) == 3
    bank = read_textures([images], limit=1000, longest_side=512, seed=4)
    drawn = make_pair(
        bank, SyntheticConfig(), np.random.default_rng((4, 2)), height=48, width=64
    )
    np.testing.assert_array_equal(loaded[1].current, drawn.current)
    np.testing.assert_array_equal(loaded[1].key, drawn.key)
    np.testing.assert_array_equal(loaded[1].flow, drawn.flow)
    sheet = cv2.imread(str(tmp_path / SHEET))
    assert sheet is not None
    shown = capsys.readouterr().out
    assert "generated: 3 pairs" in shown
    assert "pairs/s" in shown
    again = ["--images", str(images), "--out", str(tmp_path / "two"), *size]
    assert main([*again, "--count", "1", "--compare", str(tmp_path)]) == 0
    assert f"{tmp_path.name}: 3 pairs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--count", "0"], "--count and --limit must be 1 or more"),
        (["--set", "noize=3"], "Did you mean 'noise'"),
        (["--compare", "nowhere"], "nowhere"),
    ],
)
def test_wrong_requests_end_with_one_line(images, tmp_path, capsys, extra, message):
    base = ["--images", str(images), "--out", str(tmp_path), "--count", "1"]
    assert main([*base, "--size", "32", "32", *extra]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_without_images_is_named(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    arguments = ["--images", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    assert "holds no .jpg" in capsys.readouterr().err
