"""Laws of a flow field, on random grids."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flow.field import FlowField, resample_matrix

sizes = st.integers(1, 12)
displacements = st.floats(-30, 30, width=32)


@st.composite
def fields(draw):
    shape = (draw(sizes), draw(sizes), 2)
    return FlowField(draw(arrays(np.float32, shape, elements=displacements)))


@given(st.integers(1, 40), st.integers(1, 40))
def test_rows_of_resampling_are_weights_that_sum_to_1(new_size, old_size):
    matrix = resample_matrix(new_size, old_size)
    assert matrix.shape == (new_size, old_size)
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-6)


@given(st.integers(1, 40), st.integers(1, 40))
def test_resampling_treats_both_ends_alike(new_size, old_size):
    matrix = resample_matrix(new_size, old_size)
    np.testing.assert_allclose(matrix, matrix[::-1, ::-1], atol=1e-6)


@given(sizes, sizes, sizes, sizes)
def test_zero_flow_stays_zero(height, width, new_height, new_width):
    zero = FlowField(np.zeros((height, width, 2), np.float32))
    assert not zero.resized(new_height, new_width).data.any()


@given(sizes, sizes, sizes, sizes, displacements, displacements)
def test_constant_flow_scales_u_and_v_separately(height, width, rows, columns, u, v):
    data = np.tile(np.float32([u, v]), (height, width, 1))
    resized = FlowField(data).resized(rows, columns).data
    expected = np.tile([u * columns / width, v * rows / height], (rows, columns, 1))
    np.testing.assert_allclose(resized, expected, rtol=1e-5, atol=1e-5)


@given(fields(), sizes, sizes, st.integers(1, 500), st.integers(1, 500))
def test_resized_motion_in_pixels_stays_within_its_range(
    field, rows, columns, image_height, image_width
):
    image = {"image_height": image_height, "image_width": image_width}
    before = field.in_pixels(**image)
    after = field.resized(rows, columns).in_pixels(**image)
    slack = 1e-4 * (1 + np.abs(before).max())
    assert (after <= before.max((0, 1)) + slack).all()
    assert (after >= before.min((0, 1)) - slack).all()


@given(fields(), st.integers(1, 500), st.integers(1, 500))
def test_pixels_and_cells_are_inverse(field, image_height, image_width):
    image = {"image_height": image_height, "image_width": image_width}
    again = FlowField.from_pixels(field.in_pixels(**image), **image)
    np.testing.assert_allclose(again.data, field.data, rtol=1e-5, atol=1e-30)


@given(fields(), sizes, sizes, st.floats(-4, 4, width=32))
def test_resizing_is_linear_in_the_flow(field, rows, columns, factor):
    scaled = FlowField(field.data * np.float32(factor)).resized(rows, columns).data
    expected = field.resized(rows, columns).data * np.float32(factor)
    np.testing.assert_allclose(scaled, expected, rtol=1e-4, atol=1e-2)
