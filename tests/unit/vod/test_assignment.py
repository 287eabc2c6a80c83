"""The assignment of rows to columns, on tables worked by hand."""

import numpy as np

from vod.assignment import best_assignment


def pairs(table):
    rows, columns = best_assignment(np.array(table, np.float32))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def test_the_greatest_sum_beats_the_greatest_pair():
    # 5 + 5 is more than 6 + 1.
    assert pairs([[6, 5], [5, 1]]) == [(0, 1), (1, 0)]


def test_a_table_with_more_rows_than_columns_leaves_rows_alone():
    assert pairs([[1], [3], [2]]) == [(1, 0)]


def test_a_table_with_more_columns_than_rows_leaves_columns_alone():
    assert pairs([[1, 3, 2]]) == [(0, 1)]


def test_pairs_worth_nothing_are_left_out():
    assert pairs([[0, 0, 0], [0, 0, 0.5]]) == [(1, 2)]
    assert pairs([[0, 0], [0, 0]]) == []


def test_an_empty_table_has_no_pairs():
    for shape in ((0, 0), (0, 3), (3, 0)):
        assert pairs(np.zeros(shape)) == []
