"""Patches of photographs and silhouettes."""

import cv2
import numpy as np
import pytest

from flow.textures import list_images, read_textures, silhouette
from vod.errors import FlowError


def write_image(path, height=40, width=60, value=(0, 0, 200)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), value, np.uint8))


def test_images_are_found_at_every_depth_whatever_the_case(tmp_path):
    for name in ("b.JPEG", "x/y/a.png", "x/c.jpg"):
        write_image(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none")
    names = [path.name for path in list_images([tmp_path])]
    assert names == ["b.JPEG", "c.jpg", "a.png"]


def test_folders_without_images_are_refused(tmp_path):
    with pytest.raises(FlowError, match=r"holds no \.jpg"):
        list_images([tmp_path])
    with pytest.raises(FlowError, match="does not exist"):
        list_images([tmp_path / "none"])


def test_a_broken_image_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"text")
    with pytest.raises(FlowError, match=r"bad\.jpg cannot be decoded"):
        read_textures([tmp_path], limit=1, longest_side=32, seed=0)


def test_patches_are_rgb_of_the_wanted_size_and_repeatable(tmp_path):
    for name in "abc":
        write_image(tmp_path / f"{name}.png")
    bank = read_textures([tmp_path], limit=2, longest_side=32, seed=0)
    assert len(bank) == 2
    for zoom in (0.3, 1.0, 9.0):
        patch = bank.patch(np.random.default_rng(1), 20, 30, zoom=zoom)
        assert patch.shape == (20, 30, 3)
        assert patch[0, 0].tolist() == [200, 0, 0]
        again = bank.patch(np.random.default_rng(1), 20, 30, zoom=zoom)
        np.testing.assert_array_equal(patch, again)


def test_silhouettes_are_solid_inside_and_clear_at_the_border():
    rng = np.random.default_rng(3)
    for _ in range(40):
        opacity = silhouette(rng, 24, 40)
        assert opacity.shape == (24, 40)
        assert opacity.max() == 1
        assert opacity.min() == 0
        border = [opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]]
        assert max(edge.max() for edge in border) == 0
