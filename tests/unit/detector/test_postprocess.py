import numpy as np
import pytest

import detector.postprocess
from detector.postprocess import PostprocessConfig, select_detections
from vod.errors import ConfigError

BOXES = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]], np.float32)


def test_the_worse_of_two_overlapping_boxes_of_a_class_goes():
    scores = np.array([[0.8, 0], [0.9, 0], [0.5, 0]], np.float32)
    found = select_detections(BOXES, scores, PostprocessConfig())
    np.testing.assert_allclose(found.scores, [0.9, 0.5])
    np.testing.assert_array_equal(found.boxes, BOXES[[1, 2]])


def test_an_anchor_may_give_a_detection_of_each_class():
    scores = np.array([[0.8, 0.7], [0, 0], [0, 0]], np.float32)
    found = select_detections(BOXES, scores, PostprocessConfig())
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(found.boxes, BOXES[[0, 0]])


def test_a_score_at_the_threshold_counts_and_one_below_does_not():
    scores = np.array([[0.5], [0.25], [0.49]], np.float32)
    config = PostprocessConfig(score_threshold=0.5)
    assert select_detections(BOXES, scores, config).scores.tolist() == [0.5]


def test_nothing_above_the_threshold_is_an_ordinary_frame():
    found = select_detections(BOXES, np.zeros((3, 2), np.float32), PostprocessConfig())
    assert len(found) == 0


def test_equal_scores_keep_the_order_of_anchors():
    scores = np.array([[0.0, 0.5], [0.0, 0.0], [0.5, 0.0]], np.float32)
    found = select_detections(BOXES, scores, PostprocessConfig())
    assert found.labels.tolist() == [1, 0]


def test_only_the_best_are_kept_when_there_are_too_many():
    rng = np.random.default_rng(0)
    starts = np.arange(2000, dtype=np.float32)[:, None] * 20
    boxes = np.concatenate([starts, starts, starts + 10, starts + 10], 1)
    scores = rng.permutation(2000)[:, None].astype(np.float32) / 2000
    config = PostprocessConfig(score_threshold=0.0, max_detections=5)
    found = select_detections(boxes, scores, config)
    expected = np.array([1999, 1998, 1997, 1996, 1995], np.float32) / 2000
    np.testing.assert_array_equal(found.scores, expected)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"score_threshold": 1.5},
            r"score_threshold must lie in \[0, 1\], received 1.5",
        ),
        ({"iou_threshold": -0.1}, r"iou_threshold must lie in \[0, 1\], received -0.1"),
        ({"max_detections": 0}, "max_detections must be at least 1, received 0"),
    ],
)
def test_impossible_thresholds_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        PostprocessConfig(**values)


@pytest.mark.parametrize("count", [0, 1, 40, 64, 65, 300])
def test_few_candidates_and_many_are_suppressed_alike(monkeypatch, count):
    random = np.random.default_rng(count)
    corner = random.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 40, (count, 2))], 1)
    scores = np.zeros((count, 3), np.float32)
    scores[np.arange(count), random.integers(0, 3, count)] = random.choice(
        [0.5, 0.6, 0.9], count
    )
    found = []
    for few in (0, 1000):
        monkeypatch.setattr(detector.postprocess, "FEW", few)
        config = PostprocessConfig(iou_threshold=0.3)
        found.append(select_detections(boxes.astype(np.float32), scores, config))
    for name in ("boxes", "scores", "labels"):
        one, other = (getattr(detections, name) for detections in found)
        np.testing.assert_array_equal(one, other)
