"""The assignment against SciPy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from vod.assignment import best_assignment


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(0, 12),
    columns=st.integers(0, 12),
    share=st.sampled_from([0.1, 0.4, 1.0]),
)
def test_the_sum_is_scipys_and_no_row_or_column_serves_twice(
    seed, rows, columns, share
):
    rng = np.random.default_rng(seed)
    table = rng.random((rows, columns)) * (rng.random((rows, columns)) < share)
    ours, theirs = best_assignment(table), linear_sum_assignment(table, maximize=True)
    assert np.isclose(table[ours].sum(), table[theirs].sum())
    assert all(len(np.unique(side)) == len(side) for side in ours)


@given(seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 3))
def test_ties_end_in_a_greatest_sum_too(seed, levels):
    table = np.random.default_rng(seed).integers(0, levels + 1, (8, 6)).astype(float)
    ours, theirs = best_assignment(table), linear_sum_assignment(table, maximize=True)
    assert table[ours].sum() == table[theirs].sum()
