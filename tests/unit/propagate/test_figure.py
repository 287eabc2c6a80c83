import cv2
import pytest

from propagate.figure import draw_intervals, lines_of
from vod.errors import VideoError

ROWS = [
    {
        "mode": "per-frame",
        "flow": None,
        "keyframes": "fixed",
        "keyframe_interval": 1,
        "map": 0.9,
    },
    {
        "mode": "hold",
        "flow": None,
        "keyframes": "fixed",
        "keyframe_interval": 10,
        "map": 0.4,
    },
    {
        "mode": "causal",
        "flow": "dis",
        "keyframes": "fixed",
        "keyframe_interval": 10,
        "map": 0.7,
    },
    {
        "mode": "hold",
        "flow": None,
        "keyframes": "fixed",
        "keyframe_interval": 5,
        "map": 0.6,
    },
    {
        "mode": "causal",
        "flow": "dis",
        "keyframes": "fixed",
        "keyframe_interval": 5,
        "map": 0.8,
    },
]


def test_a_line_a_mode_flow_and_policy_ascends_by_interval():
    assert lines_of(ROWS) == {
        ("hold", None, "fixed"): [(5, 0.6), (10, 0.4)],
        ("causal", "dis", "fixed"): [(5, 0.8), (10, 0.7)],
    }


def test_the_figure_is_a_png(tmp_path):
    path = tmp_path / "figure.png"
    draw_intervals(path, ROWS)
    picture = cv2.imread(str(path))
    assert picture.shape == (630, 960, 3)
    assert picture.min() < 100  # something is drawn
    assert list(tmp_path.iterdir()) == [path]


def test_a_figure_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(VideoError, match="does not exist, create it first"):
        draw_intervals(tmp_path / "no" / "figure.png", ROWS)
