import numpy as np
import pytest

from detector.anchors import anchor_shapes, anchors_per_cell, generate_anchors


def test_six_levels_have_three_then_six_anchors_a_cell():
    assert anchors_per_cell(6) == [3, 6, 6, 6, 6, 6]


def test_the_lowest_level_has_one_small_square_and_two_of_ratio_two():
    shapes = np.array(anchor_shapes(6)[0])
    root = 2**0.5
    expected = [(0.1, 0.1), (0.2 * root, 0.2 / root), (0.2 / root, 0.2 * root)]
    np.testing.assert_allclose(shapes, expected, rtol=1e-6)


def test_the_last_level_interpolates_its_extra_square_with_scale_one():
    shapes = np.array(anchor_shapes(6)[5])
    np.testing.assert_allclose(shapes[0], (0.95, 0.95))
    np.testing.assert_allclose(shapes[5], (0.95**0.5, 0.95**0.5))
    # ratio 3: width is three times height, the area stays 0.95 squared
    np.testing.assert_allclose(shapes[3, 0] / shapes[3, 1], 3)
    np.testing.assert_allclose(shapes[3].prod(), 0.95**2)


def test_anchors_are_centred_on_cells_in_the_order_row_column_anchor():
    anchors = generate_anchors([(2, 4)], input_height=100, input_width=200)
    assert anchors.shape == (2 * 4 * 3, 4)
    np.testing.assert_allclose(anchors[0, :2], (25, 25))
    np.testing.assert_allclose(anchors[3, :2], (75, 25))
    np.testing.assert_allclose(anchors[12, :2], (25, 75))


def test_anchor_sides_are_shares_of_the_shorter_side():
    anchors = generate_anchors([(1, 2)], input_height=100, input_width=200)
    np.testing.assert_allclose(anchors[0, 2:], (10, 10))


def test_the_public_detector_has_1917_anchors():
    grids = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
    anchors = generate_anchors(grids, input_height=300, input_width=300)
    assert anchors.shape == (1917, 4)
    assert anchors.dtype == np.float32


@pytest.mark.parametrize("levels", [1, 2, 6])
def test_any_number_of_levels_has_anchors(levels):
    grids = [(level + 1, level + 2) for level in range(levels)]
    anchors = generate_anchors(grids, input_height=64, input_width=96)
    cells = [h * w for h, w in grids]
    expected = sum(c * a for c, a in zip(cells, anchors_per_cell(levels), strict=True))
    assert len(anchors) == expected
    assert (anchors[:, 2:] > 0).all()


def test_anchors_of_another_picture_keep_their_size_but_not_their_place():
    anchors = generate_anchors([(2, 4)], input_height=100, input_width=200, side=300)
    # Cells of 50 x 50; the first anchor of a cell has a side of a tenth of 300.
    np.testing.assert_allclose(anchors[0], [25, 25, 30, 30])
    np.testing.assert_allclose(anchors[3, :2], [75, 25])
