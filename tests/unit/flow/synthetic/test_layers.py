"""Each pixel's flow leads to where its own layer's point went, seen there or not."""

import cv2
import numpy as np
import pytest

from flow.synthetic.layers import Canvas, Layer
from flow.synthetic.motion import Motion

HEIGHT, WIDTH = 72, 96


def ramp(rows=126, columns=126, blue=0):
    """A texture whose colours tell its own coordinates: red 2x, green 2y."""
    texture = np.zeros((rows, columns, 4), np.uint8)
    texture[..., 0] = 2 * np.arange(columns)
    texture[..., 1] = 2 * np.arange(rows)[:, None]
    texture[..., 2] = blue
    texture[..., 3] = 255
    return texture


def at(x, y, *, scale=1.0):
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1.0]])


def moved(matrix, points):
    """The brute force: one point after another, in exact double arithmetic."""
    out = np.empty(points.shape)
    for index in np.ndindex(points.shape[:2]):
        x, y, w = matrix @ [*points[index], 1]
        out[index] = x / w, y / w
    return out


def pixels():
    return np.dstack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))).astype(float)


TURNED = np.array([[1.02, -0.08, 5.3], [0.06, 0.97, -3.4], [4e-4, -3e-4, 1]])


def test_flow_of_a_homography_is_that_of_every_single_point():
    canvas = Canvas(HEIGHT, WIDTH)
    layer = Layer(ramp(), at(-15, -26), Motion(TURNED), endless=True)
    canvas.lay(layer, np.random.default_rng(0))
    expected = moved(TURNED, pixels()) - pixels()
    np.testing.assert_allclose(canvas.flow, expected, atol=1e-4)


@pytest.mark.parametrize("ripple", [0.0, 0.5, 4.0])
def test_the_texture_point_at_p_is_at_p_plus_flow_in_the_key_picture(ripple):
    canvas = Canvas(HEIGHT, WIDTH)
    layer = Layer(ramp(), at(-15, -26), Motion(TURNED, ripple))
    canvas.lay(layer, np.random.default_rng(3))
    # Where did each point of the current picture come from, by its colour?
    point = canvas.pictures[0][..., :2] / 2
    went = moved(TURNED @ layer.placed, point)
    error = np.linalg.norm(pixels() + canvas.flow - went, axis=-1)
    # Colours are rounded to half a texture pixel's quarter; a wrong axis, sign or
    # order of the two motions gives several pixels.
    assert error.max() < 0.45
    assert error.mean() < 0.25
    if ripple:
        rigid = moved(TURNED, pixels()) - pixels()
        assert np.abs(canvas.flow - rigid).max() > ripple / 2
        # The field is smooth, and does not fold: neighbours keep their order.
        there = pixels() + canvas.flow
        assert np.diff(there[..., 0], axis=1).min() > 0
        assert np.diff(there[..., 1], axis=0).min() > 0


def test_the_key_picture_at_p_plus_flow_has_the_current_pictures_colour():
    canvas = Canvas(HEIGHT, WIDTH)
    layer = Layer(ramp(), at(-15, -26), Motion(TURNED, 3.0))
    canvas.lay(layer, np.random.default_rng(1))
    there = (pixels() + canvas.flow).astype(np.float32)
    warped = cv2.remap(canvas.pictures[1], there, None, cv2.INTER_LINEAR)
    inside = (there >= 0).all(-1) & (there <= [WIDTH - 1, HEIGHT - 1]).all(-1)
    inside &= canvas.layers[0] == canvas.layers[1]
    gap = np.abs(warped.astype(int) - canvas.pictures[0])[inside]
    assert inside.mean() > 0.7
    assert gap.max() <= 3  # bytes rounded thrice


def test_flow_is_the_visible_layers_own_even_where_the_key_hides_it():
    canvas = Canvas(HEIGHT, WIDTH)
    rng = np.random.default_rng(0)
    canvas.lay(Layer(ramp(), at(-15, -26), Motion(at(2, 1)), endless=True), rng)
    # A 20 x 20 square goes from columns 10-29 to columns 50-69.
    canvas.lay(Layer(ramp(20, 20, 255), at(10, 30), Motion(at(40, 0))), rng)
    assert canvas.layers[0][40, 20] == 1
    np.testing.assert_allclose(canvas.flow[40, 20], [40, 0], atol=1e-5)
    # Current (55, 40) shows the background, whose point the square hides in the key.
    assert canvas.layers[0][40, 55] == 0
    assert canvas.layers[1][41, 57] == 1
    np.testing.assert_allclose(canvas.flow[40, 55], [2, 1], atol=1e-5)
    assert (canvas.layers[0] == 1).sum() == 400
    assert (canvas.layers[1] == 1).sum() == 400


def test_a_half_clear_edge_mixes_both_layers_and_is_the_lower_ones():
    canvas = Canvas(8, 8)
    rng = np.random.default_rng(0)
    below = np.full((8, 8, 4), 255, np.uint8)
    below[..., :3] = 100
    canvas.lay(Layer(below, at(0, 0), Motion(np.eye(3)), endless=True), rng)
    above = np.zeros((4, 4, 4), np.uint8)
    above[1:3, 1:3] = [100, 100, 100, 100]  # white, of opacity 100 / 255
    canvas.lay(Layer(above, at(2, 2), Motion(at(1, 0))), rng)
    # 100 (1 - 100 / 255) + 100 = 160.8
    assert canvas.pictures[0][3, 3].tolist() == [161, 161, 161, 255]
    assert (canvas.layers[0] == 0).all()
    assert (canvas.flow == 0).all()


def test_motion_blur_lies_along_the_motion_and_keeps_the_middle_in_place():
    canvas = Canvas(HEIGHT, WIDTH)
    rng = np.random.default_rng(0)
    back = np.zeros((8, 8, 4), np.uint8)
    back[..., 3] = 255
    canvas.lay(Layer(back, at(0, 0), Motion(np.eye(3)), endless=True), rng)
    dot = np.full((5, 5, 4), 255, np.uint8)
    layer = Layer(dot, at(40, 30), Motion(at(8, 0)))
    canvas.lay(layer, rng, exposure=0.5)
    picture = canvas.pictures[0][..., 0].astype(float)
    columns, rows = np.arange(WIDTH), np.arange(HEIGHT)
    assert (picture.sum(0) @ columns) / picture.sum() == pytest.approx(42, abs=0.1)
    assert (picture.sum(1) @ rows) / picture.sum() == pytest.approx(32, abs=0.1)
    assert (picture[32] > 0).sum() > 7  # 5 wide, and 4 of trail
    assert (picture[:, 42] > 0).sum() <= 7
    # 4.3 px at most (6 % of 72 rows), so the flow is told for the unblurred place.
    assert canvas.flow[32, 42].tolist() == [8, 0]


def test_layers_outside_the_picture_change_nothing():
    canvas = Canvas(16, 16)
    rng = np.random.default_rng(0)
    canvas.lay(Layer(ramp(8, 8), at(100, 0), Motion(np.eye(3), 0.5)), rng)
    assert not canvas.pictures[0].any()
    assert not canvas.layers[0].any()


def test_ripples_are_too_gentle_to_fold_however_great_the_setting():
    canvas = Canvas(HEIGHT, WIDTH)
    layer = Layer(ramp(), at(-15, -26), Motion(np.eye(3), 500.0), endless=True)
    for seed in range(20):
        canvas.lay(layer, np.random.default_rng(seed))
        there = pixels() + canvas.flow
        across, down = np.gradient(there, axis=1), np.gradient(there, axis=0)
        area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
        assert area.min() > 0
