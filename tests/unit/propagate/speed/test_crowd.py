import numpy as np
import pytest

from propagate.speed.crowd import crowded, grid
from propagate.stages import detect, resize
from tests.toy_pipeline import dot_frame, make_parts
from vod.boxes import pairwise_iou
from vod.errors import ConfigError


def test_four_boxes_fill_a_grid_of_two_by_two():
    np.testing.assert_allclose(
        grid(4, height=10, width=20),
        [[1, 0.5, 9, 4.5], [11, 0.5, 19, 4.5], [1, 5.5, 9, 9.5], [11, 5.5, 19, 9.5]],
    )


def test_boxes_of_a_grid_do_not_touch():
    boxes = grid(300, height=300, width=300)
    assert boxes.shape == (300, 4)
    overlaps = pairwise_iou(boxes, boxes)
    assert overlaps.sum() == pytest.approx(300)


@pytest.mark.parametrize("count", [0, 1, 5, 64])
def test_a_crowded_detector_finds_exactly_so_many(count):
    parts = crowded(make_parts(), count)
    frame = dot_frame(0, 3, 3)
    _, found = detect(parts, frame, resize(parts, frame), 0.5)
    assert len(found) == count
    assert parts.detector.features.calls == 1


def test_more_boxes_than_anchors_are_refused():
    parts = crowded(make_parts(), 65)
    frame = dot_frame(0, 3, 3)
    with pytest.raises(ConfigError, match="0 to 64 boxes, asked for 65"):
        detect(parts, frame, resize(parts, frame), 0.5)
