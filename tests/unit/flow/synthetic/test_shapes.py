"""Silhouettes and chairs."""

import numpy as np

from flow.synthetic.shapes import chair, silhouette


def test_silhouettes_are_opaque_somewhere_and_clear_at_the_border():
    rng = np.random.default_rng(3)
    for _ in range(60):
        opacity = silhouette(rng, 24, 40)
        assert opacity.shape == (24, 40)
        assert opacity.max() > 127
        border = [opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]]
        assert max(edge.max() for edge in border) == 0


def test_some_silhouettes_are_thin_some_solid_and_some_have_holes():
    rng = np.random.default_rng(0)
    shapes = [silhouette(rng, 60, 60) > 127 for _ in range(80)]
    covered = np.array([shape.mean() for shape in shapes])
    assert covered.min() < 0.15
    assert covered.max() > 0.5
    holes = sum(not s[30, 30] and s[30, :30].any() and s[30, 30:].any() for s in shapes)
    assert holes > 3


def test_chairs_fit_their_side_and_are_premultiplied():
    rng = np.random.default_rng(1)
    for side in (24, 60, 200):
        for _ in range(20):
            drawn = chair(rng, side)
            assert max(drawn.shape[:2]) <= side + 1
            assert max(drawn.shape[:2]) > 0.8 * side
            assert drawn[..., 3].max() == 255
            assert drawn[[0, -1]].max() == 0
            assert drawn[:, [0, -1]].max() == 0
            # A colour times its opacity is never above it; a byte's rounding aside.
            assert (drawn[..., :3] <= drawn[..., 3:].astype(int) + 1).all()


def test_chairs_are_thin_and_repeatable():
    covered = [
        (chair(np.random.default_rng(seed), 100)[..., 3] > 127).mean()
        for seed in range(40)
    ]
    assert np.median(covered) < 0.5
    first, again = (chair(np.random.default_rng(7), 90) for _ in range(2))
    np.testing.assert_array_equal(first, again)
