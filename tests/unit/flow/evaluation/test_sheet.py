"""The picture of a pair."""

import numpy as np
import pytest

from flow.datasets.pairs import LoadedPair
from flow.evaluation.metrics import score_flow
from flow.evaluation.sheet import Estimate, choose_scales, draw_sheet, error_map
from tests.shifted_pairs import HEIGHT, WIDTH, shifted_pictures


def pair_of(u, v, *, unknown_rows=0):
    current, key = shifted_pictures(u, v)
    flow = np.broadcast_to(np.float32((u, v)), (HEIGHT, WIDTH, 2)).copy()
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[:unknown_rows] = False
    return LoadedPair(current, key, flow, valid)


def estimate_of(loaded, u, v, label="a flow"):
    flow = np.broadcast_to(np.float32((u, v)), loaded.flow.shape).copy()
    return Estimate(label, flow, score_flow(flow, loaded.flow, loaded.valid))


def test_error_is_unknown_where_the_truth_is():
    loaded = pair_of(3, 0, unknown_rows=2)
    error = error_map(loaded, estimate_of(loaded, 3, 4).flow)
    assert np.isnan(error[:2]).all()
    assert (error[2:] == 4).all()


def test_scales_reach_the_long_vectors_and_the_bad_errors_of_all_flows():
    loaded = pair_of(6, 8)
    scales = choose_scales(
        loaded, [estimate_of(loaded, 6, 8), estimate_of(loaded, 0, 0)]
    )
    assert scales.full_length == pytest.approx(10)
    assert scales.worst_error == pytest.approx(10)
    assert scales.enlarged == 2  # 10 px become 20, two steps of the grid of 10


def test_scales_of_a_pair_without_motion_are_not_empty():
    loaded = pair_of(0, 0)
    scales = choose_scales(loaded, [estimate_of(loaded, 0, 0)])
    assert (scales.full_length, scales.worst_error) == (1.0, 1.0)


def test_every_flow_has_a_column_of_its_own():
    loaded = pair_of(4, 0, unknown_rows=10)
    right, left = estimate_of(loaded, 4, 0), estimate_of(loaded, -4, 0, "a $ name")
    one = draw_sheet(loaded, [right])
    two = draw_sheet(loaded, [right, left])
    assert one.dtype == np.uint8
    assert two.shape[0] == one.shape[0]
    assert two.shape[1] - one.shape[1] == pytest.approx(372, abs=1)
    red, cyan = (255, 0, 0), (0, 255, 255)
    counts = [
        [int((sheet == colour).all(axis=-1).sum()) for colour in (red, cyan)]
        for sheet in (one, two)
    ]
    # The truth and the right flow are red, the left one is cyan.
    assert counts[0][0] > 1.5 * 360 * 250
    assert counts[1][1] - counts[0][1] > 0.9 * 360 * 270
    assert counts[1][0] == pytest.approx(counts[0][0], rel=0.02)
