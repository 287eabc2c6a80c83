"""The generator's flow is exact: it is what warps the key picture into the current."""

import cv2
import numpy as np
import pytest

from flow.synthetic.motion import HeavyTail, MotionConfig
from flow.synthetic.pair import SyntheticConfig, make_pair
from flow.synthetic.textures import TextureBank, read_textures
from vod.errors import ConfigError

PLAIN = {"photometric": 0.0, "noise": 0.0, "blur": 0.0, "motion_blur": 0.0}
NONE = HeavyTail(sigma=0, power=1, limit=0)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """Smooth colour clouds, so that sampling between pixels loses little."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name in "abcd":
        coarse = rng.uniform(0, 255, (12, 12, 3)).astype(np.float32)
        picture = cv2.resize(coarse, (240, 240), interpolation=cv2.INTER_CUBIC)
        clipped = np.clip(picture, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), clipped)
    return read_textures([folder], limit=4, longest_side=240, seed=0)


def warped(pair):
    """Sample key picture and key layers where the flow points; NaN and 255 outside."""
    height, width = pair.flow.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    there = pair.flow + np.stack([x, y], -1).astype(np.float32)
    picture = cv2.remap(
        pair.key.astype(np.float32),
        there,
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(np.nan, np.nan, np.nan),
    )
    # A pixel is seen in both pictures when all four neighbours there are its layer.
    layer = pair.key_layer
    floor = np.floor(there).astype(int)
    inside = (
        (floor >= 0).all(-1)
        & (floor[..., 0] < width - 1)
        & (floor[..., 1] < height - 1)
    )
    fx, fy = np.where(inside, floor[..., 0], 0), np.where(inside, floor[..., 1], 0)
    same = inside.copy()
    for dy in (0, 1):
        for dx in (0, 1):
            same &= layer[fy + dy, fx + dx] == pair.current_layer
    return picture, same


def interior(mask, steps):
    """Leave out pixels near a layer's edge, where colours are mixed."""
    kernel = np.ones((3, 3), np.uint8)
    return cv2.erode(mask.astype(np.uint8), kernel, iterations=steps).astype(bool)


@pytest.mark.parametrize("seed", range(12))
def test_warping_the_key_by_the_flow_gives_the_current_picture(bank, seed):
    config = SyntheticConfig(**PLAIN)
    pair = make_pair(bank, config, np.random.default_rng(seed), height=96, width=128)
    picture, same = warped(pair)
    edges = cv2.morphologyEx(
        pair.current_layer, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    )
    seen = interior(same & (edges == 0), 2)
    assert seen.mean() > 0.15
    error = np.abs(picture - pair.current.astype(np.float32)).max(-1)[seen]
    # Both pictures are samples between a texture's pixels and rounded to bytes; a flow
    # wrong by one pixel gives a mean of 4 and more on these textures.
    assert error.mean() < 1.0
    assert np.percentile(error, 99) < 5.0


def test_a_flow_one_pixel_off_would_fail_the_test_above(bank):
    config = SyntheticConfig(**PLAIN)
    pair = make_pair(bank, config, np.random.default_rng(3), height=96, width=128)
    pair.flow[..., 0] += 1
    picture, same = warped(pair)
    seen = interior(same, 3)
    error = np.abs(picture - pair.current.astype(np.float32)).max(-1)[seen]
    assert error.mean() > 2.0


def test_the_same_seed_gives_the_same_pair_and_another_another(bank):
    config = SyntheticConfig()
    first, again, other = (
        make_pair(bank, config, np.random.default_rng(seed), height=64, width=96)
        for seed in (5, 5, 6)
    )
    for name in ("current", "key", "flow", "current_layer", "key_layer"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.current != other.current).any()


def test_a_pair_is_the_same_whatever_was_drawn_before(bank):
    config = SyntheticConfig(cutouts=1.0, chairs=0.0, object_count=(4, 4))

    def draw(bank, seed):
        rng = np.random.default_rng((1, seed))
        return make_pair(bank, config, rng, height=48, width=64)

    fresh = TextureBank([levels[0] for levels in bank.levels])
    for seed in range(5):
        draw(bank, seed)
    first, later = draw(fresh, 7), draw(bank, 7)
    np.testing.assert_array_equal(first.current, later.current)
    np.testing.assert_array_equal(first.key, later.key)


def centre(image):
    """Give the brightness-weighted mean (x, y)."""
    rows, columns = np.indices(image.shape)
    return np.array([(columns * image).sum(), (rows * image).sum()]) / image.sum()


def test_a_bright_spot_that_moves_right_and_down_has_positive_flow():
    # One bright square on black; the world shifts and nothing else.
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[40:56, 40:56] = 255
    bank = TextureBank([picture])
    shift = HeavyTail(sigma=60, power=1, limit=24)
    motion = MotionConfig(still=0, shift=shift, turn=NONE, zoom=NONE, shear=NONE)
    config = SyntheticConfig(
        background=motion, object_count=(0, 0), motion_scale=(1, 1), **PLAIN
    )
    found = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        pair = make_pair(bank, config, rng, height=64, width=64)
        current, key = (
            image[..., 0].astype(float) for image in (pair.current, pair.key)
        )
        whole = [
            image.sum() > 0 and np.pad(image[1:-1, 1:-1], 1).sum() == image.sum()
            for image in (current, key)
        ]
        if all(whole) and abs(current.sum() - key.sum()) < 0.02 * key.sum():
            moved = centre(key) - centre(current)
            # Exact where the texture is not stretched; a stretched one's edges fall
            # otherwise between pixels in either picture (0.10 at most, measured).
            np.testing.assert_allclose(pair.flow[32, 32], moved, atol=0.15)
            assert np.abs(moved).max() > 0.5
            found += 1
    assert found > 3


def test_still_worlds_have_zero_flow(bank):
    still = MotionConfig(still=1, shift=NONE, turn=NONE, zoom=NONE, shear=NONE)
    config = SyntheticConfig(background=still, objects=still)
    pair = make_pair(bank, config, np.random.default_rng(0), height=48, width=64)
    assert (pair.flow == 0).all()
    np.testing.assert_array_equal(pair.current_layer, pair.key_layer)


def test_heavy_tails_are_symmetric_and_limited():
    law = HeavyTail(sigma=2.0, power=3, limit=10)
    rng = np.random.default_rng(0)
    values = np.array([law.draw(rng) for _ in range(4000)])
    assert np.abs(values).max() == 10
    assert abs(values.mean()) < 0.5
    # |g| < 0.6745 sigma half of the time, so the median of |value| is 1.349 cubed.
    assert np.median(np.abs(values)) == pytest.approx(1.349**3, rel=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HeavyTail(-1, 1, 1), "must not be negative"),
        (
            lambda: MotionConfig(2, NONE, NONE, NONE, NONE),
            r"still must lie in \[0, 1\]",
        ),
        (
            lambda: SyntheticConfig(object_count=(3, 2)),
            "object_count must be two rising",
        ),
        (
            lambda: SyntheticConfig(texture_zoom=(0, 0)),
            "texture_zoom must be two rising",
        ),
    ],
)
def test_impossible_statistics_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
