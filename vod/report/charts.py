"""The figures of the page, each made of plain numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vod.analysis.curves import RECALLS, Curve
from vod.report.svg import (
    BLUE,
    GRID,
    GROUND,
    INK,
    MUTED,
    ORANGE,
    SERIES,
    dress,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = npt.NDArray[np.float64]

_WIDTH: Final = 9.6  # inches, all of a page's column
_HALF: Final = 4.6  # two of these stand side by side
_NUMBER: Final = 8  # points
_CELL_TEXT_UP_TO: Final = 16  # classes; numbers in smaller cells run into each other


def draw_curves(curves: Sequence[Curve], ap: Mapping[str, float | None]) -> "Figure":
    """Draw one small precision-recall plot a class: thirty in one plot say nothing.

    Args:
        curves: of the classes with objects, at least one.
        ap: what the protocol makes of them, by class.
    """
    columns = min(6, max(3, len(curves)))
    rows = math.ceil(len(curves) / columns)
    figure = new_figure(_WIDTH, 1.5 * rows + 0.3)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, curve in zip(grid.flat, curves, strict=False):
        axes.fill_between(RECALLS, curve.at_recalls, color=BLUE, alpha=0.18, lw=0)
        axes.plot(curve.recall, curve.precision, color=BLUE, linewidth=1.3)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        dress(axes)
        title = f"{curve.name}  {_shown(ap.get(curve.name))}"
        axes.set_title(title, loc="left", fontsize=_NUMBER, color=INK)
    for axes in list(grid.flat)[len(curves) :]:
        axes.set_visible(False)
    figure.supxlabel("recall", fontsize=9, color=MUTED)
    figure.supylabel("precision", fontsize=9, color=MUTED)
    return figure


def draw_bars(
    names: Sequence[str], values: Sequence[float | None], *, axis: str
) -> "Figure":
    """Draw one level bar a name, its value at its end; None has no bar."""
    figure = new_figure(_HALF, 0.3 * len(names) + 0.6)
    axes = figure.subplots()
    lengths = [_number(value) for value in values]
    places = np.arange(len(names))
    axes.barh(places, lengths, height=0.62, color=BLUE)
    for place, length, value in zip(places, lengths, values, strict=True):
        _note(axes, _shown(value), (max(length, 0), float(place)), (4, 0), va="center")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel(axis)
    axes.margins(x=0.16)
    dress(axes, grid="x")
    axes.tick_params(axis="y", labelcolor=INK)
    return figure


def draw_groups(
    names: Sequence[str], series: Mapping[str, Sequence[float | None]]
) -> "Figure":
    """Draw AP by group (size, speed) as upright bars, one colour a series.

    Args:
        names: the groups, left to right.
        series: a value in [0, 1] for every group; None where it has no object.
    """
    figure = new_figure(_HALF, 2.5)
    axes = figure.subplots()
    width = 0.72 / max(1, len(series))
    places = np.arange(len(names))
    for i, (name, values) in enumerate(series.items()):
        middles = places + (i - (len(series) - 1) / 2) * width
        heights = [_number(value) for value in values]
        axes.bar(middles, heights, width * 0.88, color=SERIES[i], label=name)
        for middle, height, value in zip(middles, heights, values, strict=True):
            _note(axes, _shown(value), (float(middle), height), (0, 3), ha="center")
    axes.set_xticks(places, names)
    axes.set(ylim=(0, 1.2), yticks=(0, 0.25, 0.5, 0.75, 1), ylabel="mAP")
    if len(series) > 1:
        axes.legend(frameon=False, ncols=len(series), loc="upper left")
    dress(axes, grid="y")
    return figure


def draw_line(
    places: Sequence[float], values: Sequence[float | None], *, axis: str
) -> "Figure":
    """Draw mAP against a quantity, a dot at each place; None and NaN leave a gap."""
    figure = new_figure(_HALF, 2.5)
    axes = figure.subplots()
    heights = [math.nan if height is None else height for height in values]
    axes.plot(places, heights, color=BLUE, linewidth=1.6, marker="o", markersize=4)
    axes.set(xlabel=axis, ylabel="mAP", ylim=(0, 1.04))
    axes.locator_params(axis="x", integer=True, nbins=12)
    dress(axes)
    return figure


def draw_intervals(
    rows: Sequence[tuple[str, float, float, float]], *, axis: str
) -> "Figure":
    """Draw values with their intervals, one row each: (name, low, value, high)."""
    figure = new_figure(_HALF, (0.32 if len(rows) < 10 else 0.22) * len(rows) + 0.6)
    axes = figure.subplots()
    places = np.arange(len(rows))
    for place, (_, low, value, high) in zip(places, rows, strict=True):
        colour = ORANGE if place == 0 else BLUE
        axes.plot([low, high], [place, place], color=colour, lw=2.4, alpha=0.55)
        axes.plot([value], [place], "o", color=colour, markersize=5.5)
    axes.set_yticks(places, [name for name, *_ in rows])
    axes.invert_yaxis()
    axes.set_xlabel(axis)
    axes.margins(y=0.6 / max(1, len(rows)))
    dress(axes, grid="x")
    axes.tick_params(axis="y", labelcolor=INK)
    return figure


def draw_confusion(names: Sequence[str], counts: npt.NDArray[np.int64]) -> "Figure":
    """Draw the confusion of classes, each row shaded by its share.

    Args:
        names: C classes.
        counts: `(C + 1, C + 1)`: row = what is there, column = what was said; the last
            row is background that was called an object, the last column what was
            missed, the corner has no meaning.
    """
    side = max(2.6, min(_WIDTH, 1.2 + 0.42 * (len(names) + 1)))
    figure = new_figure(side + 0.7, side)
    axes = figure.subplots()
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    _shade(axes, shares)
    size = 7 if len(names) > 9 else _NUMBER
    if len(names) <= _CELL_TEXT_UP_TO:
        for row, column in np.argwhere(counts):
            axes.text(
                column,
                row,
                str(counts[row, column]),
                ha="center",
                va="center",
                color=INK,
                fontsize=size,
            )
    places = np.arange(len(names) + 1)
    axes.set_xticks(places, [*names, "missed"], rotation=40, ha="right")
    axes.set_yticks(places, [*names, "background"])
    axes.set(xlabel="said", ylabel="true")
    dress(axes, grid=None)
    axes.tick_params(labelcolor=INK)
    return figure


def _shade(axes: "Axes", shares: Values) -> None:
    """Fill a square a cell; an opacity, unlike a colour map, fits any ground."""
    from matplotlib.patches import Rectangle

    last = len(shares) - 1
    for row, column in np.argwhere(shares > 0):
        right = row == column and row != last
        cell = Rectangle(
            (column - 0.5, row - 0.5),
            1,
            1,
            facecolor=BLUE if right else ORANGE,
            alpha=float(0.03 + 0.77 * shares[row, column]),
            edgecolor=GROUND,
            linewidth=1,
        )
        axes.add_patch(cell)
    for place in (last - 0.5,):
        axes.axhline(place, color=GRID, linewidth=1)
        axes.axvline(place, color=GRID, linewidth=1)
    axes.set(xlim=(-0.5, last + 0.5), ylim=(last + 0.5, -0.5), aspect="equal")


def _number(value: float | None) -> float:
    return 0.0 if value is None or not math.isfinite(value) else float(value)


def _shown(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def _note(
    axes: "Axes",
    text: str,
    place: tuple[float, float],
    offset: tuple[float, float],
    **where: str,
) -> None:
    """Write a small number beside a mark, `offset` points from it."""
    axes.annotate(
        text,
        place,
        xytext=offset,
        textcoords="offset points",
        color=INK,
        fontsize=_NUMBER,
        **where,  # type: ignore[arg-type]
    )
