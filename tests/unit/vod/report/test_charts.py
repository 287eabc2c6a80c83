import math

import numpy as np
import pytest

from tests.scenes import make_found, make_truth, square
from vod.analysis.curves import precision_recall_curves
from vod.analysis.ranking import rank
from vod.report import charts

BOX = square(20, 40, 60)


def words_of(axes):
    return [text.get_text() for text in axes.texts]


def test_every_class_has_its_plot_with_its_ap():
    names = [f"class{i}" for i in range(8)]
    objects = [("v", 0, i, BOX, i) for i in range(8)]
    truth = make_truth({"v": 1}, *objects, classes=names)
    curves = precision_recall_curves(rank(truth, make_found(classes=names))).curves
    figure = charts.draw_curves(curves, {**dict.fromkeys(names, 0.25), "class1": None})
    plots = [axes for axes in figure.axes if axes.get_visible()]
    assert len(plots) == 8
    assert plots[0].get_title(loc="left") == "class0  0.250"
    assert plots[1].get_title(loc="left") == "class1  -"


def test_bars_are_as_long_as_their_values():
    figure = charts.draw_bars(["a", "b", "c"], [0.5, None, math.nan], axis="gain")
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0, 0]
    assert words_of(axes) == ["0.500", "-", "-"]


def test_groups_of_one_series_have_no_legend_and_of_two_have_one():
    one = charts.draw_groups(["slow", "fast"], {"mAP": [0.5, None]}).axes[0]
    assert one.get_legend() is None
    assert [bar.get_height() for bar in one.patches] == [0.5, 0]
    two = charts.draw_groups(["slow"], {"FGFA": [0.5], "strict": [0.25]}).axes[0]
    assert [text.get_text() for text in two.get_legend().get_texts()] == [
        "FGFA",
        "strict",
    ]


def test_a_line_has_a_gap_where_nothing_is_known():
    (axes,) = charts.draw_line([0, 1, 2], [1.0, None, math.nan], axis="age").axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, np.nan, np.nan])


def test_intervals_reach_from_low_to_high():
    rows = [("mean", 0.25, 0.5, 0.75), ("dog", 0.0, 0.5, 1.0)]
    (axes,) = charts.draw_intervals(rows, axis="AP").axes
    assert axes.lines[0].get_xdata().tolist() == [0.25, 0.75]
    assert axes.lines[3].get_xdata().tolist() == [0.5]


def test_confusion_is_shaded_by_the_share_of_the_row():
    counts = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 0]])
    (axes,) = charts.draw_confusion(["dog", "cat"], counts).axes
    alphas = [cell.get_alpha() for cell in axes.patches]
    # 0.03 + 0.77 of the share: 3/4, 1/4, and all of the last row.
    assert alphas == pytest.approx([0.6075, 0.2225, 0.8])
    assert words_of(axes) == ["3", "1", "2"]


def test_thirty_classes_have_shades_without_numbers():
    counts = np.eye(31, dtype=np.int64)
    (axes,) = charts.draw_confusion([str(i) for i in range(30)], counts).axes
    assert words_of(axes) == []
    assert len(axes.patches) == 31
