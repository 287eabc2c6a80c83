"""The refiner at inference, with graphs that are plain functions."""

from dataclasses import replace

import numpy as np
import pytest

from propagate.refine.config import RefineChoice, RefinerConfig
from propagate.refine.doubt import doubt_of
from propagate.refine.refiner import BoxRefiner, load_box_refiner
from propagate.tracked import Tracked
from tests.builders import make_detections
from vod.errors import WeightsError

CONFIG = RefinerConfig(side=32, blocks=6)
PICTURE = np.zeros((100, 100, 3), np.uint8)
FRAME = (200, 400)  # the picture is half as high and a quarter as wide


class Graphs:
    """A trunk that counts, and a head that says the same of every box."""

    def __init__(self, code=(0.5, 0, 0, 0)):
        self.code, self.crops, self.doubts = code, [], []

    def trunk(self, crop):
        self.crops.append(crop)
        return (np.full((1, 2, 2, 1), len(self.crops), np.float32),)

    def head(self, _current, template, doubt):
        self.doubts.append((float(template[0, 0, 0, 0]), float(doubt[0, 0])))
        return (np.array([[*self.code, 0, 0, 0, 0, 9]], np.float32),)


def refiner(graphs, **changes):
    choice = RefineChoice(**{"least_doubt": 0.0, **changes})
    return BoxRefiner(CONFIG, trunk=graphs.trunk, head=graphs.head, choice=choice)


def found():
    return Tracked.fresh(
        make_detections(
            ((40, 40, 80, 120), 0.9, 1),
            ((0, 0, 40, 40), 0.6, 2),
            ((9, 9, 50, 60), 0.1, 3),
        ),
        7,
    )


def test_boxes_are_corrected_in_pixels_of_the_frame():
    graphs = Graphs()
    part = refiner(graphs)
    start = found()
    templates = part.templates(PICTURE, start, frame_size=FRAME, least_score=0.5)
    moved = part.refined(PICTURE, start.held(), templates, frame_size=FRAME)
    expected = [(60, 40, 100, 120), (20, 0, 60, 40), (9, 9, 50, 60)]
    np.testing.assert_allclose(moved.detections.boxes, expected, atol=1e-3)
    np.testing.assert_array_equal(moved.ages, [1, 1, 1])
    np.testing.assert_array_equal(moved.detections.scores, start.detections.scores)


def test_each_box_meets_its_own_template_and_doubt():
    graphs = Graphs()
    part = refiner(graphs)
    start = found()
    templates = part.templates(PICTURE, start, frame_size=FRAME, least_score=0.5)
    part.refined(PICTURE, start.held(), templates, frame_size=FRAME)
    assert [template for template, _ in graphs.doubts] == [1, 2]
    # 40 x 80 px of the frame are 10 x 40 of the picture: a side of 20.
    one = np.ones(1, np.float32)
    expected = doubt_of(np.ones(1, np.int32), 0 * one, one, 20 * one)
    assert graphs.doubts[0][1] == pytest.approx(float(np.log(expected[0])))


def test_only_the_best_boxes_are_looked_at():
    graphs = Graphs()
    templates = refiner(graphs, most=1).templates(PICTURE, found(), frame_size=FRAME)
    np.testing.assert_array_equal(templates.rows, [0])
    templates.features(np.array([0]))
    assert len(graphs.crops) == 1
    assert graphs.crops[0].shape == (1, 32, 32, 3)
    assert graphs.crops[0].dtype == np.uint8


def test_a_box_that_is_surely_right_is_left_alone():
    graphs = Graphs()
    part = refiner(graphs, least_doubt=0.045)
    start = found()
    templates = part.templates(PICTURE, start, frame_size=FRAME, least_score=0.5)
    still = part.refined(PICTURE, start.held(), templates, frame_size=FRAME)
    np.testing.assert_array_equal(still.detections.boxes, start.detections.boxes)
    assert not graphs.crops
    shifts = np.array([0, 40, 0], np.float32)
    moving = replace(start.held(), shifts=shifts)
    moved = part.refined(PICTURE, moving, templates, frame_size=FRAME)
    changed = (moved.detections.boxes != start.detections.boxes).any(1)
    np.testing.assert_array_equal(changed, [False, True, False])
    assert len(graphs.crops) == 2  # its template, and where it is now


def test_nothing_found_needs_no_network():
    graphs = Graphs()
    part = refiner(graphs)
    none = Tracked.fresh(make_detections(), 0)
    templates = part.templates(PICTURE, none, frame_size=FRAME)
    assert part.refined(PICTURE, none, templates, frame_size=FRAME) is none
    assert not graphs.crops


def test_missing_weights_are_told(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights in .*record.json"):
        load_box_refiner(RefineChoice(weights=tmp_path))
