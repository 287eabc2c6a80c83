"""Flow on the grid of features, against OpenCV and the rule of `FlowField`."""

import cv2
import numpy as np
import pytest

from flow.field import FlowField
from propagate.flow_grid import AreaResize, FlowToGrid, area_weights


@pytest.mark.parametrize("size", [(28, 50), (14, 25), (9, 17), (5, 7)])
def test_cells_get_the_mean_over_their_area_as_opencv_has_it(size):
    values = np.random.default_rng(0).normal(0, 1, (2, 28, 50, 3)).astype(np.float32)
    found = np.asarray(AreaResize(*size)(values))
    for row in range(2):
        expected = cv2.resize(values[row], size[::-1], interpolation=cv2.INTER_AREA)
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_weights_add_up():
    np.testing.assert_allclose(area_weights(4, 9).sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(area_weights(4, 9).sum(0), 4 / 9, rtol=1e-6)


def test_the_papers_flow_is_divided_by_eight():
    # 224 x 400 pictures, flow of 112 x 200 on its stride-4 grid, features on stride 16:
    # 8 pixels of the small picture are one cell of the features.
    flow = np.full((1, 28, 50, 2), (8.0, -4.0), np.float32)
    layer = FlowToGrid(14, 25, input_height=112, input_width=200)
    np.testing.assert_allclose(
        np.asarray(layer(flow))[0], np.full((14, 25, 2), (1, -0.5))
    )


def test_a_field_that_changes_evenly_is_what_flow_field_gives():
    rows, columns = np.mgrid[:28, :36].astype(np.float32)
    data = np.stack([0.1 * columns - 0.2 * rows, 0.3 * rows], -1)
    # A field in cells of its own grid is in pixels of the input by the stride 4.
    expected = FlowField(data).resized(14, 18).data
    layer = FlowToGrid(14, 18, input_height=112, input_width=144)
    found = np.asarray(layer(4 * data[None]))[0]
    inside = (slice(1, -1), slice(1, -1))  # the border is cut otherwise
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-4)
