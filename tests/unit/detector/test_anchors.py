import keras
import numpy as np
import pytest

from detector.anchors import (
    anchor_shapes,
    anchors_per_cell,
    cell_centres,
    generate_anchors,
)

INNER = slice(2, -2)  # cells that see nothing beyond the border


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


def test_anchors_are_centred_where_asked_in_the_order_row_column_anchor():
    anchors = generate_anchors([((25, 75), (20, 60, 100, 140))], side=100)
    assert anchors.shape == (2 * 4 * 3, 4)
    assert anchors.dtype == np.float32
    np.testing.assert_allclose(anchors[0, :2], (20, 25))
    np.testing.assert_allclose(anchors[3, :2], (60, 25))
    np.testing.assert_allclose(anchors[12, :2], (20, 75))


def test_anchor_sides_are_shares_of_the_side():
    anchors = generate_anchors([((50,), (50, 150))], side=300)
    np.testing.assert_allclose(anchors[0, 2:], (30, 30))


@pytest.mark.parametrize("levels", [1, 2, 6])
def test_any_number_of_levels_has_anchors(levels):
    grids = [(level + 1, level + 2) for level in range(levels)]
    centres = [(np.arange(h), np.arange(w)) for h, w in grids]
    anchors = generate_anchors(centres, side=64)
    cells = [h * w for h, w in grids]
    expected = sum(c * a for c, a in zip(cells, anchors_per_cell(levels), strict=True))
    assert len(anchors) == expected
    assert (anchors[:, 2:] > 0).all()


@pytest.mark.parametrize("side", [1, 2, 33, 224, 300, 301])
@pytest.mark.parametrize("halvings", [0, 1, 4, 9])
def test_in_training_cells_part_the_side_evenly(side, halvings):
    found = cell_centres(side, halvings, side)
    cells = -(-side // 2**halvings)
    np.testing.assert_allclose(found, (np.arange(cells) + 0.5) * side / cells)


def seen_by(side, halvings):
    """Give the middle of what each cell sees, by convolving a ramp: nothing assumed.

    A 3x3 layer of stride 2 whose weights are thirds gives the mean of what it sees;
    where that reaches beyond the border, cells are left out.
    """
    ramp = np.arange(side, dtype=np.float32) + 0.5
    picture = keras.ops.reshape(ramp, (1, 1, side, 1))
    kernel = np.full((1, 3, 1, 1), 1 / 3, np.float32)
    for _ in range(halvings):
        picture = keras.ops.conv(picture, kernel, strides=(1, 2), padding="same")
    found = np.asarray(picture).ravel()
    place = (np.arange(len(found)) + 0.5) / len(found)
    return found[INNER], place[INNER]


@pytest.mark.parametrize("side", [224, 236, 256, 301, 400, 512])
@pytest.mark.parametrize("halvings", [1, 4, 5])
def test_elsewhere_they_are_as_far_from_what_they_see_as_in_training(side, halvings):
    seen, place = seen_by(side, halvings)
    seen_then, place_then = seen_by(300, halvings)
    learned = cell_centres(300, halvings, 300)[INNER] - seen_then
    line = np.polyfit(place_then, learned, 1)
    found = cell_centres(side, halvings, 300)[INNER] - seen
    np.testing.assert_allclose(found, np.polyval(line, place), atol=1e-2)
