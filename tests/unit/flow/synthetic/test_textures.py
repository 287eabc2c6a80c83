"""Patches of photographs and silhouettes."""

import cv2
import numpy as np
import pytest

from flow.synthetic.cutouts import cut_out
from flow.synthetic.textures import TextureBank, list_images, read_textures
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
    (tmp_path / "worse.jpg").write_bytes(b"")
    with pytest.raises(FlowError, match=r"(bad|worse)\.jpg cannot be decoded"):
        read_textures([tmp_path], limit=1, longest_side=32, seed=0)


def test_folders_with_too_few_or_too_small_images_are_refused(tmp_path):
    write_image(tmp_path / "a.png")
    with pytest.raises(FlowError, match=r"holds 1 image, at least 2 are needed"):
        read_textures([tmp_path], limit=5, longest_side=32, seed=0)
    write_image(tmp_path / "b.png", height=3)
    with pytest.raises(FlowError, match=r"b\.png has 3 x 60 pixels, at least 8 x 8"):
        read_textures([tmp_path], limit=5, longest_side=32, seed=0)


def test_patches_are_rgb_and_repeatable(tmp_path):
    for name in "abc":
        write_image(tmp_path / f"{name}.png")
    bank = read_textures([tmp_path], limit=2, longest_side=32, seed=0)
    assert len(bank) == 2
    for zoom in (0.3, 1.0, 9.0):
        patch = bank.patch(np.random.default_rng(1), 20, 30, zoom=zoom)
        assert patch[0, 0].tolist() == [200, 0, 0]
        again = bank.patch(np.random.default_rng(1), 20, 30, zoom=zoom)
        np.testing.assert_array_equal(patch, again)


def test_patches_have_about_as_many_pixels_as_are_shown():
    bank = TextureBank([np.zeros((512, 512, 3), np.uint8)])
    for zoom in (1.0, 2.0, 4.0, 8.0):
        rng = np.random.default_rng(0)
        patch = bank.patch(rng, 60, 60, zoom=zoom)
        # A level is of half the side of the last: at most sqrt(2) too fine or coarse.
        assert 0.7 < (patch.shape[0] * patch.shape[1]) ** 0.5 / 60 < 1.45


def test_what_stands_out_of_a_photograph_is_cut_out_and_scaled():
    picture = np.full((256, 320, 3), (30, 120, 40), np.uint8)
    cv2.circle(picture, (170, 120), 60, (220, 60, 30), -1)
    bank = TextureBank([picture])
    full = bank.cutout(np.random.default_rng(0), 120)
    small = bank.cutout(np.random.default_rng(0), 60)
    assert full is not None
    assert small is not None
    assert abs(max(full.shape) - 122) < 8
    assert small.shape[0] == full.shape[0] // 2
    assert full[60, 60].tolist() == [220, 60, 30, 255]
    assert full[0].max() == 0


def test_nothing_is_cut_out_of_an_even_photograph():
    bank = TextureBank([np.full((64, 64, 3), 90, np.uint8)])
    assert bank.cutout(np.random.default_rng(0), 30) is None


def test_a_photograph_always_gives_the_same_silhouette():
    rng = np.random.default_rng(0)
    picture = rng.integers(60, 120, (200, 240, 3), np.uint8)
    cv2.ellipse(picture, (120, 90), (70, 40), 20, 0, 360, (200, 80, 40), -1)
    threads = cv2.getNumThreads()
    found = []
    for count in (1, 4):
        cv2.setNumThreads(count)
        cv2.setRNGSeed(count)
        found.append(cut_out(picture))
    cv2.setNumThreads(threads)
    np.testing.assert_array_equal(*found)
