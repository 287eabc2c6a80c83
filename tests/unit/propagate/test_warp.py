"""The warp's law, by hand, and the Keras layer against it."""

import numpy as np
import pytest

from propagate.warp import warp
from vod.errors import ShapeError

RAMP = np.arange(25, dtype=np.float64).reshape(5, 5, 1)


def constant_flow(u: float, v: float, shape=(5, 5)):
    return np.broadcast_to(np.array([u, v], np.float32), (*shape, 2)).copy()


@pytest.mark.parametrize("border", ["edge", "zeros"])
def test_warp_of_zero_flow_returns_input(border):
    assert np.array_equal(warp(RAMP, constant_flow(0, 0), border=border), RAMP)


def test_one_bright_pixel_shows_sign_and_axes():
    key = np.zeros((5, 7, 1), np.float32)
    key[1, 4] = 1
    # The object is at (x=4, y=1) in the key frame and at (x=2, y=3) now: seen from
    # now, the key frame is 2 to the right and 2 up.
    current = warp(key, constant_flow(2, -2, (5, 7)), border="zeros")
    assert np.argwhere(current[..., 0] == 1).tolist() == [[3, 2]]
    assert current.sum() == 1


def test_u_and_v_are_not_exchanged():
    key = np.zeros((5, 5, 1), np.float32)
    key[0, 2] = 1
    assert warp(key, constant_flow(1, 0), border="zeros")[0, 1, 0] == 1


def test_half_a_cell_averages_neighbours():
    out = warp(RAMP, constant_flow(0.5, 0), border="edge")
    assert out[0, :, 0].tolist() == [0.5, 1.5, 2.5, 3.5, 4.0]


def test_zeros_border_fades_over_one_cell():
    out = warp(RAMP + 1, constant_flow(0.5, 0), border="zeros")
    assert out[0, 4, 0] == 2.5
    assert warp(RAMP + 1, constant_flow(1, 0), border="zeros")[0, 4, 0] == 0


@pytest.mark.parametrize(("border", "expected"), [("edge", 4.0), ("zeros", 0.0)])
def test_huge_flow_lands_outside(border, expected):
    out = warp(RAMP, constant_flow(1e30, 0), border=border)
    assert out[0, 0, 0] == expected


def test_output_keeps_the_dtype_of_the_features():
    for dtype in (np.float32, np.float64):
        out = warp(RAMP.astype(dtype), constant_flow(0.3, 0.1), border="edge")
        assert out.dtype == dtype


def test_grids_that_differ_are_refused():
    with pytest.raises(ShapeError, match=r"must share a grid.*received \(3, 5, 2\)"):
        warp(RAMP, constant_flow(0, 0, (3, 5)), border="edge")


@pytest.mark.parametrize("border", ["edge", "zeros"])
def test_keras_layer_equals_numpy_warp(border):
    from propagate.warp_layer import BilinearWarp

    rng = np.random.default_rng(1)
    key = rng.normal(size=(3, 6, 8, 4)).astype(np.float32)
    flow = rng.normal(scale=4, size=(3, 6, 8, 2)).astype(np.float32)
    layer = BilinearWarp(border=border)
    batched = np.asarray(layer([key, flow]))
    for ours, one_key, one_flow in zip(batched, key, flow, strict=True):
        np.testing.assert_allclose(
            ours, warp(one_key, one_flow, border=border), atol=2e-6
        )
    assert BilinearWarp.from_config(layer.get_config()).border == border


def test_keras_layer_passes_gradients_to_flow():
    import keras

    from propagate.warp_layer import BilinearWarp

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient is taken with TensorFlow's tape")
    import tensorflow as tf

    key = tf.constant(RAMP[None].astype(np.float32))
    flow = tf.Variable(np.full((1, 5, 5, 2), 0.25, np.float32))
    with tf.GradientTape() as tape:
        out = BilinearWarp(border="edge")([key, flow])
    gradient = tape.gradient(out, flow).numpy()
    # Inside, the ramp rises by 1 a cell to the right and by 5 a cell down.
    np.testing.assert_allclose(gradient[0, 1:4, 1:4], [[[1, 5]] * 3] * 3, atol=1e-5)
