"""Augmented pairs: geometry against brute force, published figures, exact flow."""

import numpy as np
import pytest

from flow.augment.config import AugmentConfig, Normal, StrengthConfig, Uniform
from flow.augment.geometry import Placement, draw_maps, take_flow, take_picture
from flow.augment.light import Light, add_noise, change_light
from flow.augment.pair import augment_pair
from vod.errors import ConfigError, ShapeError

STILL = {
    "translate": Uniform(0, 0),
    "rotate": Uniform(0, 0),
    "zoom": Uniform(0, 0),
    "squeeze": Uniform(0, 0),
    "noise": Uniform(0, 0),
    "key_translate": Normal(0, 0),
    "key_rotate": Normal(0, 0),
    "key_zoom": Normal(0, 0),
    "gamma": Normal(0, 0),
    "brightness": Normal(0, 0),
    "contrast": Normal(0, 0),
    "colour": Normal(0, 0),
}
"""No change at all."""


def smooth_picture(x, y):
    """A scene without sharp edges, stated at any point, `(..., 3)` in [30, 225]."""
    waves = [
        np.sin(x / 9 + y / 17 + k) * np.cos(y / 11 - x / 23 + 2 * k) for k in (0, 1, 2)
    ]
    return 127.5 + 97.5 * np.stack(waves, axis=-1)


def moving_scene(height, width):
    """A pair whose flow is one affine motion, with its exact flow."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    u = 3.0 + 0.04 * columns - 0.03 * rows
    v = -2.0 + 0.02 * columns + 0.05 * rows
    # The key picture is painted; what is at p in the current one is at p + flow in it.
    key = smooth_picture(columns, rows)
    current = smooth_picture(columns + u, rows + v)
    flow = np.stack([u, v], axis=-1).astype(np.float32)
    return (*(np.round(p).astype(np.uint8) for p in (current, key)), flow)


def test_defaults_are_the_published_figures():
    config = AugmentConfig()
    assert (config.translate, config.rotate) == (Uniform(0, 0.4), Uniform(0, 0.4))
    assert (config.zoom, config.squeeze) == (Uniform(0.2, 0.4), Uniform(0, 0.3))
    assert config.noise == Uniform(0.03, 0.03)
    for name in ("key_translate", "key_rotate", "key_zoom"):
        assert getattr(config, name) == Normal(0, 0.03)
    for name in ("gamma", "brightness", "contrast", "colour"):
        assert getattr(config, name) == Normal(0, 0.02)


def test_strength_rises_through_the_middle_at_its_half_life():
    schedule = StrengthConfig(initial=0.5, final=1.0, half_life=50_000)
    assert schedule.at(0) == 0.5
    assert schedule.at(50_000) == pytest.approx(0.75)
    assert schedule.at(10_000_000) == pytest.approx(1.0)


def test_strength_scales_the_spread_and_leaves_the_mean():
    rng = np.random.default_rng(0)
    for law in (Uniform(0.2, 0.4), Normal(0.2, 0.4)):
        full, half = (
            np.array([law.draw(rng, strength) for _ in range(4000)])
            for strength in (1.0, 0.5)
        )
        assert full.mean() == pytest.approx(0.2, abs=0.02)
        assert half.std() == pytest.approx(full.std() / 2, rel=0.05)
        assert law.draw(rng, 0.0) == pytest.approx(0.2)


def test_a_placement_maps_points_as_worked_by_hand():
    # Crop 3x5 of a picture 9x11: centres (2, 1) and (5, 4).
    turned = Placement((0.0, 0.0), np.pi / 2, (1.0, 1.0)).matrix((9, 11), (3, 5))
    # A quarter turn takes the crop's offset (1, 0) to (0, 1).
    np.testing.assert_allclose(turned @ [3, 1, 1], [5, 5, 1], atol=1e-12)
    zoomed = Placement((0.0, 0.0), 0.0, (2.0, -4.0)).matrix((9, 11), (3, 5))
    np.testing.assert_allclose(zoomed @ [4, 2, 1], [6, 3.75, 1])
    # A shift of 0.2 crop sides is 1 pixel across and 0.6 down, and is zoomed as well.
    moved = Placement((0.2, 0.2), 0.0, (2.0, 2.0)).matrix((9, 11), (3, 5))
    np.testing.assert_allclose(moved @ [2, 1, 1], [5.5, 4.3, 1])


def test_flow_follows_two_different_maps_as_points_do():
    height, width, out = 60, 80, (40, 50)
    _, _, flow = moving_scene(height, width)
    current_map = Placement((0.05, -0.04), 0.3, (1.3, 1.1)).matrix((height, width), out)
    key_map = Placement((0.09, -0.01), 0.36, (1.25, 1.2)).matrix((height, width), out)
    moved, valid = take_flow(
        flow, np.ones((height, width), bool), current_map, key_map, out
    )
    assert valid.all()
    for y in range(0, out[0], 7):
        for x in range(0, out[1], 7):
            place = current_map @ [x, y, 1]
            u = 3.0 + 0.04 * place[0] - 0.03 * place[1]
            v = -2.0 + 0.02 * place[0] + 0.05 * place[1]
            landed = np.linalg.solve(key_map, place + np.array([u, v, 0]))
            # OpenCV looks up at multiples of 1/32 pixel; the slope is at most 0.07.
            np.testing.assert_allclose(moved[y, x], landed[:2] - [x, y], atol=3e-3)


@pytest.mark.parametrize("seed", range(4))
def test_augmented_flow_warps_the_key_crop_onto_the_current_one(seed):
    current, key, flow = moving_scene(96, 128)
    dark = dict.fromkeys(("noise",), Uniform(0, 0)) | dict.fromkeys(
        ("gamma", "brightness", "contrast", "colour"), Normal(0, 0)
    )
    config = AugmentConfig(**dark, mirror=(0.5, 0.5))
    rng = np.random.default_rng(seed)
    current, key, flow, valid = augment_pair(
        current, key, flow, None, rng, config, 1.0, (64, 80)
    )
    assert current.shape == key.shape == (64, 80, 3)
    assert valid.all()
    rows, columns = np.mgrid[:64, :80]
    x = np.round(columns + flow[..., 0]).astype(int)
    y = np.round(rows + flow[..., 1]).astype(int)
    seen = (x >= 0) & (x < 80) & (y >= 0) & (y < 64)
    assert seen.mean() > 0.3
    found = key[y.clip(0, 63), x.clip(0, 79)].astype(float)
    error = np.abs(found - current)[seen].mean()
    # Half a pixel of rounding is worth about 4 grey values here; wrong flow, 50.
    assert error < 6
    still = np.abs(key.astype(float) - current)[seen].mean()
    assert error < still / 3


def test_zooming_twice_doubles_flow_and_mirroring_turns_it():
    flow = np.full((40, 60, 2), (3, -1), np.float32)
    picture = np.zeros((40, 60, 3), np.uint8)
    twice = AugmentConfig(**STILL | {"zoom": Uniform(np.log(2), 0)}, mirror=(1, 0))
    rng = np.random.default_rng(0)
    _, _, moved, _ = augment_pair(picture, picture, flow, None, rng, twice)
    np.testing.assert_allclose(moved, np.full((40, 60, 2), (-6, -2)), atol=1e-4)


def test_squeezing_acts_on_the_sides_oppositely():
    config = AugmentConfig(**STILL | {"squeeze": Uniform(np.log(1.25), 0)}, view=0.5)
    matrix, _ = draw_maps(np.random.default_rng(0), config, 1.0, (40, 60), (20, 30))
    # A view of half the picture already shows as many pixels as the crop has.
    np.testing.assert_allclose(np.diag(matrix)[:2], [1 / 1.25, 1.25])


def test_the_key_pictures_motion_is_added_to_the_pairs_own():
    moving = {"key_rotate": Normal(0.02, 0.0), "rotate": Uniform(0.3, 0.0)}
    config = AugmentConfig(**STILL | moving)
    rng = np.random.default_rng(0)
    current_map, key_map = draw_maps(rng, config, 1.0, (200, 200), (80, 80))
    for matrix, angle in ((current_map, 0.3), (key_map, 0.32)):
        assert np.arctan2(matrix[1, 0], matrix[0, 0]) == pytest.approx(angle)


def test_no_change_returns_the_pair():
    current, key, flow = moving_scene(30, 40)
    got = augment_pair(
        current, key, flow, None, np.random.default_rng(0), AugmentConfig(**STILL)
    )
    # The balance of colours divides by the pixel's sum and 1 %.
    np.testing.assert_allclose(got[1].astype(int), key, atol=3)
    np.testing.assert_array_equal(got[0], current)
    np.testing.assert_allclose(got[2], flow, atol=1e-5)
    assert got[3].all()


def test_the_same_seed_gives_the_same_crop():
    current, key, flow = moving_scene(48, 64)
    first, second = (
        augment_pair(
            current,
            key,
            flow,
            None,
            np.random.default_rng(5),
            AugmentConfig(),
            0.7,
            (32, 48),
        )
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_unknown_flow_stays_unknown_and_spoils_no_neighbour():
    flow = np.full((32, 48, 2), (2, 1), np.float32)
    flow[10:14, 20:24] = 1e10
    picture = np.zeros((32, 48, 3), np.uint8)
    mask = np.ones((32, 48), bool)
    mask[25:, :] = False
    config = AugmentConfig(**STILL | {"translate": Uniform(0.01, 0)}, view=0.8)
    rng = np.random.default_rng(0)
    _, _, moved, valid = augment_pair(
        picture, picture, flow, mask, rng, config, 1.0, (64, 96)
    )
    assert 0.5 < valid.mean() < 0.98
    # Zoomed 2 x 0.8^-1 = 2.5 times.
    np.testing.assert_allclose(
        moved[valid], np.full((valid.sum(), 2), (5, 2.5)), rtol=1e-4
    )
    assert (moved[~valid] == 0).all()


def test_no_flow_appears_between_those_of_two_shapes():
    flow = np.zeros((32, 48, 2), np.float32)
    flow[:, 24:] = (8, 0)
    current_map = Placement((0.013, 0.0), 0.2, (1.4, 1.4)).matrix((32, 48), (24, 32))
    moved, _ = take_flow(
        flow, np.ones((32, 48), bool), current_map, current_map, (24, 32)
    )
    length = np.linalg.norm(moved, axis=-1)
    assert np.all((length < 1e-3) | (np.abs(length - 8 * 1.4) < 1e-3))
    assert 0.2 < (length < 1e-3).mean() < 0.8


def test_pixels_beyond_the_picture_have_no_flow():
    flow = np.ones((10, 10, 2), np.float32)
    shifted = Placement((0.5, 0.0), 0.0, (1.0, 1.0)).matrix((10, 10), (10, 10))
    _, valid = take_flow(flow, np.ones((10, 10), bool), shifted, np.eye(3), (10, 10))
    np.testing.assert_array_equal(valid, np.tile(np.arange(10) < 5, (10, 1)))


def test_a_crop_never_shows_what_is_beyond_the_picture():
    config = AugmentConfig()
    corners = np.array([[0, 63, 0, 63], [0, 0, 47, 47], [1, 1, 1, 1]], float)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        for matrix in draw_maps(rng, config, 1.0, (96, 128), (48, 64)):
            x, y = (matrix @ corners)[:2]
            assert x.min() >= -1e-6
            assert x.max() <= 127 + 1e-6
            assert y.min() >= -1e-6
            assert y.max() <= 95 + 1e-6


def test_a_crop_greater_than_the_picture_enlarges_it():
    matrix, key_map = draw_maps(
        np.random.default_rng(0), AugmentConfig(**STILL), 1.0, (21, 31), (41, 51)
    )
    # Sides of 20 and 30 steps become 40 and 50: the greater need decides, a half.
    np.testing.assert_allclose(np.diag(matrix)[:2], [0.5, 0.5])
    np.testing.assert_array_equal(matrix, key_map)


def test_shrinking_averages_pixels_instead_of_skipping_them():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = Placement((0, 0), 0.0, (0.25, 0.25)).matrix((64, 64), (16, 16))
    small = take_picture(stripes, matrix, (16, 16))
    np.testing.assert_allclose(small.astype(int), 127, atol=2)
    # And the place is right: one white block lands where it should.
    block = np.zeros((64, 64, 3), np.uint8)
    block[32:36, 8:12] = 255
    small = take_picture(block, matrix, (16, 16))
    assert small[8, 2].tolist() == [255, 255, 255]
    assert small.sum() == 3 * 255


def test_light_changes_as_worked_by_hand():
    picture = np.array([[[0.2, 0.4, 0.39]]], np.float32)
    grey = change_light(picture, Light(1.0, 0.1, 2.0, (1.0, 1.0, 1.0)))
    # Sum 0.99 over 0.99 + 0.01 is 0.99; then (0.99 x + 0.1 - 0.5) 2 + 0.5.
    np.testing.assert_allclose(grey[0, 0], [0.096, 0.492, 0.4722], atol=1e-6)
    bent = change_light(picture, Light(2.0, 0.0, 1.0, (1.0, 1.0, 1.0)))
    np.testing.assert_allclose(bent[0, 0], (0.99 * picture[0, 0]) ** 2, atol=1e-6)
    red = change_light(picture, Light(1.0, 0.0, 1.0, (2.0, 1.0, 1.0)))
    # 0.4, 0.4, 0.39 times 0.99 / 1.2.
    np.testing.assert_allclose(red[0, 0], [0.33, 0.33, 0.32175], atol=1e-6)


def test_noise_has_the_stated_deviation_and_is_left_out_at_zero():
    grey = np.full((100, 100, 3), 0.5, np.float32)
    rng = np.random.default_rng(0)
    assert add_noise(grey, 0.03, rng).std() == pytest.approx(0.03, rel=0.02)
    assert add_noise(grey, 0.0, rng) is grey


def test_pairs_of_different_sizes_are_refused():
    rng = np.random.default_rng(0)
    small, large = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)
    flow = np.zeros((4, 5, 2), np.float32)
    with pytest.raises(ShapeError, match=r"of one size, received \(4, 5, 3\), \(4, 6"):
        augment_pair(small, large, flow, None, rng, AugmentConfig())
    with pytest.raises(ShapeError, match=r"and \(5, 4\)"):
        augment_pair(small, small, flow, np.ones((5, 4), bool), rng, AugmentConfig())
    with pytest.raises(ShapeError, match="must be at least 2 x 2"):
        augment_pair(small, small, flow, None, rng, AugmentConfig(), 1.0, (1, 5))


@pytest.mark.parametrize(
    ("schema", "values", "message"),
    [
        (AugmentConfig, {"mirror": (0.5, 1.5)}, "two shares in"),
        (AugmentConfig, {"view": 0.0}, r"view must lie in \(0, 1\]"),
        (AugmentConfig, {"tries": -1}, "tries must not be negative"),
        (Uniform, {"mean": 0.0, "spread": -0.1}, "spread must not be negative"),
        (Normal, {"mean": 0.0, "spread": -0.1}, "spread must not be negative"),
        (StrengthConfig, {"half_life": 0.0}, "half_life be positive"),
    ],
)
def test_impossible_settings_are_refused(schema, values, message):
    with pytest.raises(ConfigError, match=message):
        schema(**values)
