"""Laws of the warp, on random maps and flows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import map_coordinates

from propagate.warp import warp

sizes = st.tuples(st.integers(1, 6), st.integers(1, 6))
borders = st.sampled_from(["edge", "zeros"])
SCIPY_MODE = {"edge": "nearest", "zeros": "grid-constant"}


@st.composite
def maps_and_flows(draw, channels=1):
    height, width = draw(sizes)
    finite = st.floats(-20, 20, width=32)
    key = draw(arrays(np.float64, (height, width, channels), elements=finite))
    flow = draw(arrays(np.float64, (height, width, 2), elements=finite))
    return key, flow


@given(maps_and_flows(), borders)
def test_warp_agrees_with_scipy(map_and_flow, border):
    key, flow = map_and_flow
    rows, columns = np.mgrid[: key.shape[0], : key.shape[1]].astype(np.float64)
    expected = map_coordinates(
        key[..., 0],
        [rows + flow[..., 1], columns + flow[..., 0]],
        order=1,
        mode=SCIPY_MODE[border],
    )
    np.testing.assert_allclose(
        warp(key, flow, border=border)[..., 0], expected, atol=1e-9
    )


@given(maps_and_flows(), borders, st.floats(-3, 3))
def test_warp_is_linear_in_features(map_and_flow, border, factor):
    key, flow = map_and_flow
    other = np.roll(key, 1)
    together = warp(key + factor * other, flow, border=border)
    apart = warp(key, flow, border=border) + factor * warp(other, flow, border=border)
    np.testing.assert_allclose(together, apart, atol=1e-9)


@given(maps_and_flows(), st.integers(-3, 3), st.integers(-3, 3))
def test_integer_flow_is_a_shift(map_and_flow, u, v):
    key, _ = map_and_flow
    flow = np.broadcast_to(np.array([u, v], np.float64), (*key.shape[:2], 2))
    padded = np.pad(key, ((3, 3), (3, 3), (0, 0)), mode="edge")
    height, width = key.shape[:2]
    expected = padded[3 + v : 3 + v + height, 3 + u : 3 + u + width]
    assert np.array_equal(warp(key, flow, border="edge"), expected)


@given(maps_and_flows())
def test_edge_border_never_leaves_the_range_of_the_map(map_and_flow):
    key, flow = map_and_flow
    out = warp(key, flow, border="edge")
    assert out.min() >= key.min() - 1e-9
    assert out.max() <= key.max() + 1e-9
