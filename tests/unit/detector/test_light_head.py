import numpy as np
import pytest

from detector.light_head import PositionSensitiveAlign, RegionBoxes, RegionScores


def looped_align(
    maps: np.ndarray,
    boxes: np.ndarray,
    *,
    size: tuple[int, int],
    grid: int,
    samples: int,
) -> np.ndarray:
    """Position-sensitive align, one point at a time."""
    batch, height, width, channels = maps.shape
    groups = channels // grid**2
    out = np.zeros((batch, boxes.shape[1], channels))
    for b, n, i, j, c in np.ndindex(batch, boxes.shape[1], grid, grid, groups):
        x1, y1, x2, y2 = boxes[b, n].astype(np.float64)
        channel = (i * grid + j) * groups + c
        values = []
        for p, q in np.ndindex(samples, samples):
            y = y1 + (y2 - y1) / grid * (i + (p + 0.5) / samples)
            x = x1 + (x2 - x1) / grid * (j + (q + 0.5) / samples)
            row = min(max(y * height / size[0] - 0.5, 0), height - 1)
            column = min(max(x * width / size[1] - 0.5, 0), width - 1)
            top, left = int(row), int(column)
            down, right = row - top, column - left
            value = 0.0
            for r, wr in ((top, 1 - down), (top + 1, down)):
                for k, wk in ((left, 1 - right), (left + 1, right)):
                    if wr * wk > 0:
                        value += wr * wk * maps[b, r, k, channel]
            values.append(value)
        out[b, n, channel] = np.mean(values)
    return out


@pytest.mark.parametrize(
    ("grid", "groups", "samples"), [(7, 10, 2), (3, 4, 1), (2, 1, 3)]
)
def test_align_is_that_of_a_loop(grid, groups, samples):
    rng = np.random.default_rng(grid)
    maps = rng.normal(size=(2, 5, 7, grid**2 * groups)).astype(np.float32)
    corners = rng.uniform(-10, 70, (2, 4, 2))
    sides = rng.uniform(0, 60, (2, 4, 2))
    boxes = np.concatenate([corners, corners + sides], axis=2).astype(np.float32)
    boxes[0, 0] = 0  # padding
    layer = PositionSensitiveAlign(
        input_height=80, input_width=112, grid=grid, samples=samples
    )
    expected = looped_align(maps, boxes, size=(80, 112), grid=grid, samples=samples)
    np.testing.assert_allclose(layer([maps, boxes]), expected, atol=2e-5)


def test_every_bin_reads_its_own_channels_by_hand():
    # Bin (i, j) of group c holds the constant 100 i + 10 j + c.
    i, j, c = np.meshgrid(range(2), range(2), range(3), indexing="ij")
    maps = np.broadcast_to((100 * i + 10 * j + c).reshape(-1), (1, 4, 4, 12))
    layer = PositionSensitiveAlign(input_height=64, input_width=64, grid=2)
    boxes = np.array([[[8, 8, 40, 56]]], np.float32)
    found = np.asarray(layer([maps.astype(np.float32), boxes]))
    expected = [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-5)


def test_a_ramp_is_read_at_the_bins_centres():
    # The map says x in input pixels; a bin's mean is its centre's x.
    x = (np.arange(6, dtype=np.float32) + 0.5) * 16
    maps = np.broadcast_to(x[None, None, :, None], (1, 4, 6, 4)).copy()
    layer = PositionSensitiveAlign(input_height=64, input_width=96, grid=2)
    boxes = np.array([[[16, 16, 56, 48]]], np.float32)
    # Bins span 16..36 and 36..56.
    np.testing.assert_allclose(
        np.asarray(layer([maps, boxes]))[0, 0], [26, 46, 26, 46], rtol=1e-5
    )


def test_gradients_reach_the_map():
    import tensorflow as tf

    layer = PositionSensitiveAlign(input_height=64, input_width=64, grid=2, samples=1)
    maps = tf.Variable(np.zeros((1, 4, 4, 4), np.float32))
    boxes = tf.constant([[[0.0, 0.0, 64.0, 64.0]]])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer([maps, boxes]))
    gradient = np.asarray(tf.convert_to_tensor(tape.gradient(total, maps)))
    # Bin (0, 0) is read at pixel 16, halfway between the centres of cells 0 and 1.
    np.testing.assert_allclose(gradient[0, :2, :2, 0], 0.25)
    assert gradient[0, :, :, 0].sum() == 1


def test_codes_of_zero_give_the_proposals_inside_the_picture():
    proposals = np.array([[[-4, 8, 200, 40]]], np.float32)
    layer = RegionBoxes(input_height=64, input_width=96)
    found = np.asarray(layer([np.zeros((1, 1, 4), np.float32), proposals]))
    np.testing.assert_allclose(found, [[[0, 8, 96, 40]]], atol=1e-5)


def test_scores_are_softmax_without_background_and_zero_for_padding():
    logits = np.log(np.array([[[2, 1, 1], [1, 1, 2]]], np.float32))
    mask = np.array([[1, 0]], np.float32)
    found = np.asarray(RegionScores()([logits, mask]))
    np.testing.assert_allclose(found, [[[0.25, 0.25], [0, 0]]], atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        PositionSensitiveAlign(input_height=3, input_width=4, grid=5, samples=6),
        RegionBoxes(input_height=3, input_width=4),
    ],
)
def test_the_layers_arguments_survive_their_config(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
