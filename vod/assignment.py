"""Give each row of a table at most one column so that the sum is greatest."""

import numpy as np
import numpy.typing as npt

from vod.types import FloatArray

Rows = npt.NDArray[np.intp]


def best_assignment(worth: FloatArray) -> tuple[Rows, Rows]:
    """Find the pairs of rows and columns whose worth adds up to most.

    What `scipy.optimize.linear_sum_assignment(worth, maximize=True)` finds, without the
    import of SciPy, which takes longer than a short clip. Pairs worth nothing are left
    out, so tables of overlaps, where most are, take little time.

    Args:
        worth: `(N, M)`, 0 or more.

    Returns:
        Rows, ascending, and the column of each.

    Source: Kuhn's Hungarian method with shortest augmenting paths, as in Jonker and
    Volgenant, Computing 38, 1987.
    """
    rows, columns = (np.flatnonzero(worth.any(axis)) for axis in (1, 0))
    if not len(rows):
        return rows, columns
    table = worth[np.ix_(rows, columns)].astype(np.float64)
    if len(rows) <= len(columns):
        first, second = _assign(-table)
    else:
        second, first = _assign(-table.T)
    useful = table[first, second] > 0
    first, second = first[useful], second[useful]
    order = np.argsort(first)
    return rows[first[order]], columns[second[order]]


def _assign(cost: npt.NDArray[np.float64]) -> tuple[Rows, Rows]:
    """Give every row of `(n, m)`, n <= m, a column at the least cost in all."""
    n, m = cost.shape
    # Most rows want a column that no row before them wants, and may have it at once.
    row_price, column_price = cost.min(1), np.zeros(m)
    row_of, wanted = np.full(m, -1, np.intp), cost.argmin(1)
    row_of[wanted[::-1]] = np.arange(n)[::-1]
    for start in np.flatnonzero(row_of[wanted] != np.arange(n)).tolist():
        distance, before = np.full(m, np.inf), np.full(m, -1, np.intp)
        is_open = np.ones(m, np.bool_)
        row, column, length = start, -1, 0.0
        while row >= 0:  # grow a tree of shortest paths until one ends at a free column
            onward = length + cost[row] - row_price[row] - column_price
            shorter = is_open & (onward < distance)
            distance[shorter], before[shorter] = onward[shorter], column
            column = int(np.where(is_open, distance, np.inf).argmin())
            length, is_open[column], row = distance[column], False, row_of[column]
        closed = np.flatnonzero(~is_open)
        gain = length - distance[closed]
        column_price[closed] -= gain
        taken = row_of[closed] >= 0
        row_price[row_of[closed[taken]]] += gain[taken]
        row_price[start] += length
        while column >= 0:  # along the path, every column goes to the row before
            earlier = int(before[column])
            row_of[column] = row_of[earlier] if earlier >= 0 else start
            column = earlier
    columns = np.flatnonzero(row_of >= 0)
    return row_of[columns], columns
