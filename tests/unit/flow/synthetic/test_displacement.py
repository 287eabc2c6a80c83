"""Counting displacements."""

import numpy as np
import pytest

from flow.synthetic.displacement import STEP, Displacements


def field(lengths):
    """A picture 384 rows high whose columns move as far as told, down."""
    flow = np.zeros((384, len(lengths), 2), np.float32)
    flow[..., 1] = lengths
    return flow


def test_figures_are_those_counted_by_hand():
    moved = Displacements()
    moved.add(field([0.5, 3.0, 3.0, 50.0]))
    moved.add(field([6.0] * 4))
    figures = moved.figures()
    assert figures.pairs == 2
    assert figures.mean == pytest.approx((0.5 + 3 + 3 + 50 + 24) / 8)
    assert figures.below_1 == 1 / 8
    assert figures.below_10 == 7 / 8
    assert figures.above_40 == 1 / 8
    assert figures.percentiles[50] == pytest.approx(6, abs=STEP)
    assert figures.percentiles[99] == pytest.approx(50, abs=STEP)


def test_lengths_count_in_pixels_of_384_rows_and_only_where_valid():
    moved = Displacements()
    flow = np.full((192, 2, 2), (3, 4), np.float32)
    flow[:, 1] = np.nan
    valid = np.array([[True, False]] * 192)
    moved.add(flow, valid)
    assert moved.figures().mean == pytest.approx(10)


def test_nothing_counted_gives_zeros_and_endless_lengths_a_last_count():
    moved = Displacements()
    assert moved.figures().mean == 0
    moved.add(field([9e9]))
    assert moved.figures().above_40 == 1


def test_the_line_tells_the_figures():
    moved = Displacements()
    moved.add(field([2.0]))
    line = moved.figures().line()
    assert "1 pairs" in line
    assert "mean 2.00" in line
    assert "> 40 px 0.0%" in line
