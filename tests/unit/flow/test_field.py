import numpy as np
import pytest

from flow.field import FlowField, resample_matrix
from vod.errors import ShapeError


def constant(height, width, u, v):
    data = np.zeros((height, width, 2), np.float32)
    data[..., 0], data[..., 1] = u, v
    return FlowField(data)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (1, 4, 5, 2)])
def test_data_that_is_not_u_and_v_on_a_grid_is_refused(shape):
    with pytest.raises(ShapeError, match=r"flow must be \(H, W, 2\), received"):
        FlowField(np.zeros(shape, np.float32))
    with pytest.raises(ShapeError, match=r"flow must be \(H, W, 2\), received"):
        FlowField.from_pixels(
            np.zeros(shape, np.float32), image_height=8, image_width=8
        )


@pytest.mark.parametrize(("height", "width"), [(0, 4), (4, 0), (-1, 4)])
def test_a_grid_without_cells_is_refused(height, width):
    with pytest.raises(ShapeError, match=f"to a {height} x {width} grid"):
        constant(2, 2, 1, 1).resized(height, width)


def test_resampling_to_the_same_size_is_the_identity():
    np.testing.assert_array_equal(resample_matrix(5, 5), np.eye(5, dtype=np.float32))


def test_halving_averages_as_the_triangle_filter_does():
    # Centre of the first new cell: 2 * 0.5 - 0.5 = 0.5; the triangle has half-width 2,
    # so cells 0..2 at distances .5 .5 1.5 weigh .75 .75 .25, divided by their sum 1.75.
    expected = [
        [3 / 7, 3 / 7, 1 / 7, 0],
        [0, 1 / 7, 3 / 7, 3 / 7],
    ]
    np.testing.assert_allclose(resample_matrix(2, 4), expected, rtol=1e-6)


def test_doubling_interpolates_between_half_pixel_centres():
    # New centres at -.25, .25, .75, 1.25 of the old grid; the edge is held.
    expected = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    np.testing.assert_allclose(resample_matrix(4, 2), expected, rtol=1e-6)


def test_a_resample_matrix_is_shared_and_so_cannot_be_written():
    matrix = resample_matrix(3, 7)
    assert matrix is resample_matrix(3, 7)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 2


def test_constant_flow_scales_u_by_width_and_v_by_height():
    resized = constant(4, 8, u=6, v=2).resized(8, 4)
    assert resized.data.shape == (8, 4, 2)
    assert resized.data.dtype == np.float32
    np.testing.assert_allclose(resized.data[..., 0], 3, rtol=1e-6)  # 6 * 4 / 8
    np.testing.assert_allclose(resized.data[..., 1], 4, rtol=1e-6)  # 2 * 8 / 4


def test_resizing_to_the_same_grid_gives_the_same_field():
    field = constant(4, 8, 1, 2)
    assert field.resized(4, 8) is field


def test_rows_and_columns_are_not_exchanged_by_resizing():
    data = np.zeros((2, 3, 2), np.float32)
    data[1, :, 1] = 1  # v on the lower row only
    resized = FlowField(data).resized(4, 3).data
    np.testing.assert_allclose(resized[..., 0], 0)
    # Row weights .0 .25 .75 1 of the lower row, times 4 / 2.
    np.testing.assert_allclose(resized[:, 1, 1], [0, 0.5, 1.5, 2], rtol=1e-6)


def test_pixels_of_a_larger_image_become_cells():
    pixels = np.zeros((2, 4, 2), np.float32)
    pixels[..., 0], pixels[..., 1] = 16, 6
    field = FlowField.from_pixels(pixels, image_height=12, image_width=64)
    np.testing.assert_allclose(field.data[..., 0], 1)  # 16 px of 64 / 4 px a cell
    np.testing.assert_allclose(field.data[..., 1], 1)  # 6 px of 12 / 2 px a cell


def test_cells_become_pixels_of_the_image():
    pixels = constant(2, 4, 1, 1).in_pixels(image_height=12, image_width=64)
    np.testing.assert_allclose(pixels[..., 0], 16)
    np.testing.assert_allclose(pixels[..., 1], 6)


def test_the_grain_of_a_resized_field_stays_the_same_part_of_the_picture():
    field = FlowField(np.zeros((10, 20, 2), np.float32), grain=0.25)
    assert field.resized(20, 40).grain == 0.5
    assert field.resized(10, 20).grain == 0.25
