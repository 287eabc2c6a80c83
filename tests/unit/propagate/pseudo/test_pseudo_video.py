"""Pictures set in motion: exact boxes, exact flow, the same for the same seed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from propagate.pseudo.config import MotionConfig, PseudoConfig
from propagate.pseudo.draw import draw_snippet, superellipse
from propagate.pseudo.examples import PseudoPairs, pseudo_clip, pseudo_clips
from propagate.pseudo.paths import bounds, draw_path
from propagate.pseudo.snippet import Sheet, Snippet
from propagate.refine.stills import Still
from propagate.train_data import PairConfig
from vod.config import load_config
from vod.errors import ConfigError

SIDE = 96
STILL = MotionConfig(0, 0, 0, 0, 0)


def make_stills(count=3):
    rng = np.random.default_rng(0)
    stills = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8)
        picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        stills.append(Still(picture, np.array([[20, 30, 70, 80]], np.float32)))
    return stills


def snippet_of(seed, **changes):
    config = replace(PseudoConfig(), **changes)
    return draw_snippet(make_stills(), config, np.random.default_rng(seed))


def moved(*rows):
    """One matrix a frame: x', y' = rows applied to x, y, 1."""
    return np.array([[*map(list, row), [0, 0, 1]] for row in rows], float)


def by_hand(path, cover=None):
    """A square of 20 pixels before a still grey ground; frame by frame as told."""
    ground = Sheet(np.full((40, 60, 3), 90, np.uint8), None, np.stack([np.eye(3)] * 2))
    cover = np.ones((20, 20), np.float32) if cover is None else cover
    thing = Sheet(np.full((20, 20, 3), 250, np.uint8), cover, path)
    return Snippet(
        (40, 60),
        (ground, thing),
        np.array([1], np.int32),
        np.array([[0, 0, 20, 20]], np.float32),
        4.0,
    )


def test_flow_and_box_of_a_shift_by_hand():
    path = moved([(1, 0, 10), (0, 1, 5)], [(1, 0, 14), (0, 1, 8)])
    snippet = by_hand(path)
    earlier, current = snippet.view(0), snippet.view(1)
    assert snippet.boxes(0).tolist() == [[10, 5, 30, 25]]
    assert snippet.boxes(1).tolist() == [[14, 8, 34, 28]]
    assert current.picture[8, 14].tolist() == [250] * 3
    assert current.picture[7, 14].tolist() == [90] * 3
    flow = snippet.flow(current, earlier)
    np.testing.assert_allclose(flow[8:28, 14:34, :2], [[[-4, -3]] * 20] * 20, atol=1e-5)
    assert (flow[8:28, 14:34, 2] == 1).all()
    assert (flow[0, 0] == (0, 0, 1)).all()
    # The ground that the square has left was hidden before.
    assert flow[5, 10, 2] == 0


def test_flow_and_box_of_growth_by_hand():
    path = moved([(1, 0, 20), (0, 1, 10)], [(1.5, 0, 20), (0, 0.5, 10)])
    snippet = by_hand(path)
    assert snippet.boxes(1).tolist() == [[20, 10, 50, 20]]
    flow = snippet.flow(snippet.view(1), snippet.view(0))
    # Pixel 34 has its centre at 34.5, which was at 20 + 14.5 / 1.5.
    np.testing.assert_allclose(flow[15, 34, 0], 20 + 14.5 / 1.5 - 34.5, atol=1e-5)
    np.testing.assert_allclose(flow[15, 34, 1], 10 + 5.5 / 0.5 - 15.5, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_boxes_follow_the_flow_exactly_where_nothing_turns(seed):
    motion = MotionConfig(0.02, 0.02, 0.01, 0, 0)
    snippet = snippet_of(seed, camera=1.0, motion=motion)
    one, other = snippet.boxes(4), snippet.boxes(9)
    for owner, first, second in zip(snippet.owners, one, other, strict=True):
        path = snippet.sheets[owner].path
        back = path[4] @ np.linalg.inv(path[9])
        corners = back @ [second[[0, 2]], second[[1, 3]], [1, 1]]
        np.testing.assert_allclose(corners[:2].T.ravel(), first, atol=1e-3)


def test_the_box_of_a_turned_superellipse_touches_it():
    turn = np.radians(30)
    matrix = np.array(
        [[np.cos(turn), -np.sin(turn), 7], [np.sin(turn), np.cos(turn), 3], [0, 0, 1]]
    )
    angle = np.linspace(0, 2 * np.pi, 100_000)
    for power in (2.0, 4.0):
        x, y = (
            half * np.sign(f(angle)) * np.abs(f(angle)) ** (2 / power)
            for half, f in ((10, np.cos), (5, np.sin))
        )
        outline = (matrix @ [x + 10, y + 5, np.ones_like(x)])[:2]
        found = bounds(matrix, np.array([0, 0, 20, 10]), power)
        expected = [*outline.min(1), *outline.max(1)]
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_flow_warps_the_earlier_picture_onto_the_current_one(seed):
    snippet = snippet_of(seed)
    earlier, current = snippet.view(6), snippet.view(8)
    flow = snippet.flow(current, earlier)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    warped = cv2.remap(
        earlier.picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR
    )
    # What is told as seen in both; rims, where two layers mix, left out.
    sure = cv2.erode(flow[..., 2], np.ones((9, 9))) > 0
    edges = cv2.morphologyEx(current.tops, cv2.MORPH_GRADIENT, np.ones((9, 9)))
    sure &= edges == 0
    assert sure.mean() > 0.2
    gap = np.abs(warped.astype(float) - current.picture)[sure].mean()
    # Two bilinear samplings of blurred noise: measured 1 to 3 grey values.
    assert gap < 4


def test_what_is_covered_or_outside_is_less_visible():
    covered = by_hand(moved([(1, 0, 50), (0, 1, 5)], [(1, 0, 10), (0, 1, 5)]))
    # Half of the square is beyond the right border of 60 pixels.
    np.testing.assert_allclose(covered.visible(covered.view(0)), [0.5])
    np.testing.assert_allclose(covered.visible(covered.view(1)), [1.0])
    snippet = replace(
        covered,
        owners=np.array([0, 1], np.int32),
        homes=np.array([[10, 5, 50, 25], [0, 0, 20, 20]], np.float32),
    )
    np.testing.assert_allclose(snippet.visible(snippet.view(1)), [0.5, 1.0])


def test_the_same_seed_gives_the_same_snippet():
    one, again, other = snippet_of(3), snippet_of(3), snippet_of(4)
    np.testing.assert_array_equal(one.view(5).picture, again.view(5).picture)
    np.testing.assert_array_equal(one.boxes(5), again.boxes(5))
    assert not np.array_equal(one.view(5).picture, other.view(5).picture)


def test_a_path_rests_once_and_moves_otherwise():
    config = PseudoConfig()
    path = draw_path(
        np.random.default_rng(0),
        config,
        centre=np.array([30.0, 40.0]),
        side=100,
        pace=1.0,
    )
    away = np.abs(path - np.eye(3)).max((1, 2))
    assert path.shape == (21, 3, 3)
    assert (away < 1e-9).sum() == 1
    # Smooth: no step is much longer than the longest of its neighbours.
    steps = np.abs(np.diff(path[:, :2, 2], axis=0))
    assert (np.abs(np.diff(steps, axis=0)) <= 0.6 * steps.max() + 1e-9).all()


def test_without_motion_nothing_moves():
    snippet = snippet_of(0, motion=STILL)
    np.testing.assert_array_equal(snippet.view(0).picture, snippet.view(20).picture)
    flow = snippet.flow(snippet.view(20), snippet.view(0))
    np.testing.assert_allclose(flow[..., :2], 0, atol=1e-4)
    assert (flow[..., 2] == 1).all()


def test_a_superellipse_is_sure_inside_and_open_in_the_corners():
    cover = superellipse(40, 80, PseudoConfig())
    assert cover[20, 40] == 1
    assert cover[0, 0] == 0
    np.testing.assert_allclose(cover, cover[::-1, ::-1], atol=1e-5)


def test_pairs_are_drawn_alike_for_the_same_seed():
    source = PseudoPairs(
        make_stills(), PseudoConfig(), PairConfig(), size=SIDE // 2, cells=12
    )
    one, again = (source.draw(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.current, again.current)
    np.testing.assert_array_equal(one.flow, again.flow)
    assert one.current.shape == (SIDE // 2, SIDE // 2, 3)
    assert one.flow.shape == (12, 12, 2)
    assert one.boxes.shape == (6, 8)


def test_a_pairs_boxes_move_as_its_flow_says():
    shift = MotionConfig(0.04, 0, 0, 0, 0)
    config = PseudoConfig(objects=(0, 0), camera=1, motion=shift, pace=(1, 1))
    pairs = PairConfig(distances=(3,), smallest_crop=1, photometric=0, noise=0)
    source = PseudoPairs(make_stills(), config, pairs, size=SIDE, cells=24)
    checked = 0
    for seed in range(6):
        pair = source.draw(np.random.default_rng(seed))
        if pair.box_weight[0]:
            back = (pair.boxes[0, :4] - pair.boxes[0, 4:]) * SIDE
            np.testing.assert_allclose(back, [*pair.flow[12, 12]] * 2, atol=0.02)
            checked += 1
    assert checked > 2


def test_a_clip_has_a_track_of_every_object_where_it_is_seen():
    config = PseudoConfig()
    snippet = snippet_of(1)
    clip = pseudo_clip(snippet, config, "one")
    assert clip.pictures.shape == (21, SIDE, SIDE, 3)
    assert len(clip.tracks) == len(snippet.owners)
    first = clip.tracks[0]
    frame = int(first.frames[0])
    np.testing.assert_array_equal(first.on(frame)[0], snippet.boxes(frame)[0])
    assert len(pseudo_clips(make_stills(), config, count=2, seed=1)) == 2


def test_nothing_cannot_be_set_in_motion():
    with pytest.raises(ConfigError, match="no picture has an object to set in motion"):
        pseudo_clips([], PseudoConfig(), count=1, seed=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("frames=1", "2 frames or more"),
        ("objects=[3, 1]", "objects from 0 up"),
        ("sides=[0, 1]", "sides must be positive"),
        ("power=1", "power must be more than 1"),
        ("motion.turn=-1", "must not be negative"),
        ("camera=-1", "camera must not be negative"),
    ],
)
def test_settings_without_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        load_config(PseudoConfig, None, [change])
