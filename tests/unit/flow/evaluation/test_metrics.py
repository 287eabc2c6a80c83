"""End-point error and Fl-all, worked by hand."""

import numpy as np
import pytest

from flow.evaluation.metrics import BANDS, BandScore, FlowScore, pool, score_flow
from vod.errors import FlowError, ShapeError

NOTHING = BandScore(0, 0.0)


def flow_of(*vectors):
    return np.array([vectors], np.float32)


def slow(pixels, error_sum, outliers):
    """Give a score whose pixels all move less than 10 pixels."""
    bands = (BandScore(pixels, error_sum), NOTHING, NOTHING)
    return FlowScore(pixels, error_sum, outliers, bands)


def test_errors_are_euclidean_and_outliers_need_both_limits():
    truth = flow_of((0, 0), (0, 0), (100, 0), (100, 0), (10, 0))
    # 5 px of 0: outlier. 3 px exactly: not. 4 px of 100: under 5 %. 6 of 100: outlier.
    flow = flow_of((3, 4), (3, 0), (104, 0), (106, 0), (10, 0))
    score = score_flow(flow, truth)
    assert (score.pixels, score.error_sum, score.outliers) == (5, 18.0, 2)
    assert score.epe == 18 / 5
    assert score.fl_all == 40.0


def test_every_pixel_is_in_the_band_of_its_true_length_and_edges_open_a_band():
    # Lengths 0, 9.99, 10 (6, 8), 39.99, 40 and 500, errors 1 to 6 pixels.
    truth = flow_of((0, 0), (9.99, 0), (6, 8), (39.99, 0), (0, -40), (500, 0))
    errors = np.arange(1, 7, dtype=np.float32)
    score = score_flow(truth + np.stack([0 * errors, errors], axis=-1), truth)
    slow, medium, fast = score.bands
    assert (slow.pixels, medium.pixels, fast.pixels) == (2, 2, 2)
    assert slow.epe == pytest.approx((1 + 2) / 2)
    assert medium.epe == pytest.approx((3 + 4) / 2)
    assert fast.epe == pytest.approx((5 + 6) / 2)


def test_a_band_without_pixels_has_no_error():
    score = score_flow(flow_of((1, 0)), flow_of((0, 0)))
    assert [band.epe for band in score.bands] == [1.0, None, None]


def test_unknown_and_masked_pixels_are_left_out():
    truth = flow_of((1e10, 0), (0, 0), (0, 0))
    flow = flow_of((np.nan, 0), (9, 0), (2, 0))
    score = score_flow(flow, truth, np.array([[True, False, True]]))
    assert score.epe == 2.0
    assert sum(band.pixels for band in score.bands) == 1


def test_pictures_are_pooled_by_picture_and_by_pixel():
    pooled = pool([slow(1, 4.0, 1), slow(3, 6.0, 0)])
    assert pooled.epe == (4.0 + 2.0) / 2
    assert pooled.epe_pixels == 10 / 4
    assert pooled.fl_all == 25.0
    assert pooled.fl_all_pictures == 50.0
    assert (pooled.pictures, pooled.pixels) == (2, 4)
    assert pooled.bands == (BandScore(4, 10.0), NOTHING, NOTHING)


def test_the_report_names_every_figure():
    values = pool([slow(2, 3.0, 0)]).to_json()
    assert values["epe"] == values["epe_over_all_pixels"] == 1.5
    assert values["by_displacement"] == {
        "0-10": {"pixels": 2, "epe": 1.5},
        "10-40": {"pixels": 0, "epe": None},
        "40+": {"pixels": 0, "epe": None},
    }
    assert tuple(values["by_displacement"]) == BANDS


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
