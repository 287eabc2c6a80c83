"""Scenes rendered with `keras.ops`: exact flow, batches as the network takes them."""

import cv2
import numpy as np
import pytest
from keras import ops

from flow.synthetic.atlas import LEVELS, Atlas, build_atlas
from flow.synthetic.config import SyntheticConfig
from flow.synthetic.motion import HeavyTail, MotionConfig, background_motion
from flow.synthetic.ops_batches import OpsBatches, area_weights, render
from flow.synthetic.scene_draw import draw_scenes
from flow.synthetic.textures import TextureBank

HEIGHT, WIDTH = 48, 64
PLAIN = {"photometric": 0.0, "noise": 0.0, "blur": 0.0}


@pytest.fixture(scope="module")
def bank():
    rng = np.random.default_rng(0)
    clouds = []
    for _ in range(3):
        coarse = rng.uniform(0, 255, (9, 9, 3)).astype(np.float32)
        cloud = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
        clouds.append(np.clip(cloud, 0, 255).astype(np.uint8))
    return TextureBank(clouds)


@pytest.fixture(scope="module")
def atlas(bank):
    return build_atlas(bank, SyntheticConfig(), things=12, side=48, seed=0)


def rendered(atlas, scenes, height=HEIGHT, width=WIDTH):
    tensors = {name: ops.convert_to_tensor(values) for name, values in scenes.items()}
    pixels = ops.convert_to_tensor(atlas.pixels)
    pictures = render(pixels, tensors, height=height, width=width)
    return [ops.convert_to_numpy(picture) for picture in pictures]


def draw(atlas, config, seed=0, count=4):
    rng = np.random.default_rng(seed)
    return draw_scenes(atlas, config, rng, size=(HEIGHT, WIDTH), count=count)


def warped(key, flow):
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    there = (flow + np.stack([x, y], -1)).astype(np.float32)
    inside = (there >= 0).all(-1) & (there <= [WIDTH - 1, HEIGHT - 1]).all(-1)
    return cv2.remap(key, there, None, cv2.INTER_LINEAR), inside


def test_an_atlas_holds_every_texture_where_it_says(atlas, bank):
    assert len(atlas.first) == 3 + 12
    assert atlas.photographs == 3
    for number in range(3):
        for level in range(min(LEVELS, len(bank.levels[number]))):
            rows, columns = atlas.sides[number, level]
            start = atlas.first[number, level]
            found = atlas.pixels[start : start + rows * columns]
            shown = found.reshape(rows, columns, 4)
            np.testing.assert_array_equal(shown[..., :3], bank.levels[number][level])
            assert (shown[..., 3] == 255).all()
    for number in range(3, 15):
        for level in range(LEVELS):
            rows, columns = atlas.sides[number, level]
            start = atlas.first[number, level]
            thing = atlas.pixels[start : start + rows * columns]
            thing = thing.reshape(rows, columns, 4)
            assert thing[[0, -1]].max() == 0
            assert thing[:, [0, -1]].max() == 0


def test_flow_of_a_lone_background_is_that_of_every_single_point(atlas):
    still = MotionConfig(0, *[HeavyTail(0, 1, 0)] * 4)
    motion = MotionConfig(
        still=0,
        shift=HeavyTail(30, 1, 60),
        turn=HeavyTail(8, 1, 20),
        zoom=HeavyTail(0.1, 1, 0.2),
        shear=HeavyTail(0.1, 1, 0.2),
        tilt=HeavyTail(0.1, 1, 0.2),
        ripple=HeavyTail(10, 1, 30),
    )
    config = SyntheticConfig(
        background=motion, objects=still, object_count=(0, 0), **PLAIN
    )
    scenes = draw(atlas, config)
    flow = rendered(atlas, scenes)[2]
    # Brute force in double arithmetic: p -> A (p + r(p)).
    for scene in range(4):
        for x, y in [(0, 0), (63, 0), (20, 31), (5, 47)]:
            p = np.array([x, y], float)
            r = sum(
                size * np.sin(vector @ p + phase)
                for vector, size, phase in zip(
                    scenes["wave_vector"][scene, 0].astype(float),
                    scenes["wave_size"][scene, 0].astype(float),
                    scenes["wave_phase"][scene, 0].astype(float),
                    strict=True,
                )
            )
            to = scenes["motion"][scene, 0].astype(float) @ [*(p + r), 1]
            expected = to[:2] / to[2] - p
            np.testing.assert_allclose(flow[scene, y, x], expected, atol=2e-3)


def test_the_key_warped_by_the_flow_is_the_current_picture(atlas):
    config = SyntheticConfig(object_count=(0, 0), texture_zoom=(0.5, 0.8), **PLAIN)
    current, key, flow = rendered(atlas, draw(atlas, config, count=8))
    for scene in range(8):
        picture, inside = warped(key[scene], flow[scene])
        error = np.abs(picture - current[scene]).max(-1)[inside]
        assert error.mean() < 1.5
        wrong, inside = warped(key[scene], flow[scene] + 1.0)
        wrong_error = np.abs(wrong - current[scene]).max(-1)[inside]
        assert wrong_error.mean() > 3 * error.mean()


def test_things_hide_what_is_behind_them_and_carry_their_own_flow():
    # One grey photograph, one white 8 x 8 thing with a clear border.
    pixels = np.zeros((16 + 100, 4), np.uint8)
    pixels[:16] = [100, 100, 100, 255]
    thing = np.zeros((10, 10, 4), np.uint8)
    thing[1:9, 1:9] = 255
    pixels[16:] = thing.reshape(-1, 4)
    atlas = Atlas(
        pixels,
        np.array([[0] * LEVELS, [16] * LEVELS]),
        np.array([[[4, 4]] * LEVELS, [[10, 10]] * LEVELS]),
        np.array([False, True]),
        1,
    )
    scenes = draw(atlas, SyntheticConfig(object_count=(1, 1), **PLAIN), count=1)
    for name in ("wave_size", "blur", "noise"):
        scenes[name][:] = 0
    scenes["gain"][:] = 1
    eye = np.eye(3, dtype=np.float32)

    def at(x, y):
        return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float32)

    scenes["motion"][0] = [at(1, 0), at(7, -3)]
    scenes["look_current"][0] = [eye, at(-20, -10)]
    scenes["look_key"][0] = [at(-1, 0), at(-27, -7)]
    current, key, flow = rendered(atlas, scenes)
    white = current[0, ..., 0] > 200
    assert np.argwhere(white).min(0).tolist() == [11, 21]
    assert np.argwhere(white).max(0).tolist() == [18, 28]
    assert np.argwhere(key[0, ..., 0] > 200).min(0).tolist() == [8, 28]
    assert (flow[0][white] == [7, -3]).all()
    assert (flow[0][~white] == [1, 0]).all()


def test_cells_hold_the_mean_of_the_pixels_that_they_cover():
    values = np.random.default_rng(0).random((1, 37)).astype(np.float32)
    for cells in (1, 5, 10, 37):
        expected = cv2.resize(values, (cells, 1), interpolation=cv2.INTER_AREA)
        found = values @ area_weights(cells, 37).T
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_batches_are_as_the_network_takes_them_and_the_same_for_the_same_seed(atlas):
    config = SyntheticConfig(object_count=(0, 2))
    shapes = ((32, 48, 2), (40, 40, 3))

    def batches(seed):
        return OpsBatches(atlas, config, shapes, steps=2, seed=seed)

    first, again, other = batches(1), batches(1), batches(2)
    (current, key), flow = first[0]
    assert current.shape == key.shape == (2, 32, 48, 3)
    assert flow.shape == (2, 8, 12, 2)
    assert current.dtype == flow.dtype == np.float32
    assert current.min() >= -1
    assert current.max() <= 1
    np.testing.assert_array_equal(again[0][1], flow)
    np.testing.assert_array_equal(again[0][0][0], current)
    assert (other[0][1] != flow).any()
    assert first[1][1].shape == (3, 10, 10, 2)
    first.on_epoch_end()
    np.testing.assert_array_equal(first[0][1], again.batch(2)[1])
    assert len(first) == 2


def test_ripples_cannot_fold(atlas):
    wild = MotionConfig(0, *[HeavyTail(0, 1, 0)] * 4, ripple=HeavyTail(1e3, 1, 1e3))
    config = SyntheticConfig(background=wild, object_count=(0, 0), **PLAIN)
    flow = rendered(atlas, draw(atlas, config, count=12))[2]
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    there = flow + np.stack([x, y], -1)
    across, down = np.gradient(there, axis=2), np.gradient(there, axis=1)
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > 0


def test_noise_is_grey_even_and_of_the_stated_deviation(atlas):
    still = MotionConfig(1, *[HeavyTail(0, 1, 0)] * 4)
    quiet = SyntheticConfig(background=still, object_count=(0, 0), **PLAIN)
    scenes = draw(atlas, quiet)
    plain = rendered(atlas, scenes)[0]
    scenes["noise"][:] = 3
    noisy = rendered(atlas, scenes)[0]
    middle = ((plain > 30) & (plain < 225)).all(-1)
    grain = (noisy - plain)[middle]
    assert grain.std() == pytest.approx(3, rel=0.05)
    assert abs(grain.mean()) < 0.1
    np.testing.assert_allclose(grain[:, 0], grain[:, 1], atol=1e-4)
    rows = (noisy - plain)[0, ..., 0]
    assert abs(np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1]) < 0.1


def test_many_motions_follow_the_law_of_single_ones(atlas):
    config = SyntheticConfig(object_count=(0, 0))
    scenes = draw(atlas, config, count=4000)
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2, 1])
    moved = scenes["motion"][:, 0].astype(float) @ middle
    shift = (moved[:, :2] / moved[:, 2:] - middle[:2]) * 384 / HEIGHT
    rng = np.random.default_rng(1)
    law = background_motion().shift
    single = np.array([law.draw(rng) for _ in range(4000)])
    for percent in (25, 75, 90):
        expected = np.percentile(np.abs(single), percent)
        found = np.percentile(np.abs(shift), percent)
        assert found == pytest.approx(expected, rel=0.3, abs=0.05)
