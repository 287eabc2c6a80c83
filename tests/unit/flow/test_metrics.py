"""End-point error and Fl-all, worked by hand."""

import numpy as np
import pytest

from flow.metrics import FlowScore, pool, score_flow
from vod.errors import FlowError, ShapeError


def flow_of(*vectors):
    return np.array([vectors], np.float32)


def test_errors_are_euclidean_and_outliers_need_both_limits():
    truth = flow_of((0, 0), (0, 0), (100, 0), (100, 0), (10, 0))
    # 5 px of 0: outlier. 3 px exactly: not. 4 px of 100: under 5 %. 6 of 100: outlier.
    flow = flow_of((3, 4), (3, 0), (104, 0), (106, 0), (10, 0))
    score = score_flow(flow, truth)
    assert score == FlowScore(pixels=5, error_sum=18.0, outliers=2)
    assert score.epe == 18 / 5
    assert score.fl_all == 40.0


def test_unknown_and_masked_pixels_are_left_out():
    truth = flow_of((1e10, 0), (0, 0), (0, 0))
    flow = flow_of((np.nan, 0), (9, 0), (2, 0))
    assert score_flow(flow, truth, np.array([[True, False, True]])).epe == 2.0


def test_epe_is_the_mean_over_pictures_and_outliers_are_pooled():
    scores = [FlowScore(1, 4.0, 1), FlowScore(3, 6.0, 0)]
    assert pool(scores) == (3.0, 25.0)


def test_nothing_to_compare_is_an_error():
    with pytest.raises(FlowError, match="unknown at every pixel"):
        score_flow(flow_of((0, 0)), flow_of((1e10, 0)))
    with pytest.raises(FlowError, match="no picture was scored"):
        pool([])


def test_other_grids_and_values_are_refused():
    with pytest.raises(ShapeError, match=r"received \(1, 1, 2\) and \(1, 2, 2\)"):
        score_flow(flow_of((0, 0)), flow_of((0, 0), (0, 0)))
    with pytest.raises(FlowError, match="NaN or infinity"):
        score_flow(flow_of((np.nan, 0)), flow_of((0, 0)))
