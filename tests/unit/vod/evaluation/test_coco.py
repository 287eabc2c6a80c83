import numpy as np
import pytest

from tests.scenes import DOG, make_found, make_truth, random_scene, square
from vod.evaluation.coco import coco_scores
from vod.evaluation.coco_columns import CocoOptions
from vod.evaluation.pairs import place
from vod.evaluation.pycocotools_whole import coco_ap50, run_pycocotools
from vod.evaluation.scoring import evaluate

FIGURES = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")


def by_pycocotools(truth, found, max_detections=100):
    """Run COCOeval as a whole, as everybody does."""
    precision = run_pycocotools(truth, found, max_detections=max_detections)
    chosen = [precision[..., 0], precision[0, ..., 0], precision[5, ..., 0]]
    chosen += [precision[..., area] for area in (1, 2, 3)]
    return [
        None if not (part > -1).any() else part[part > -1].mean() for part in chosen
    ]


@pytest.mark.parametrize("max_detections", [100, 2])
@pytest.mark.parametrize("seed", range(8))
def test_every_figure_is_that_of_pycocotools_run_as_a_whole(seed, max_detections):
    truth, found = random_scene(seed, videos=3)
    # Ties across frames and within one; objects of one frame in two size ranges.
    found.scores[:] = np.round(found.scores, 1)
    _, extra = coco_scores(
        truth, found, placement=place(truth, found), options=CocoOptions(max_detections)
    )
    expected = by_pycocotools(truth, found, max_detections)
    for name, value in zip(FIGURES, expected, strict=True):
        assert extra[name] == pytest.approx(value, abs=1e-12), name


def test_objects_of_one_class_and_frame_in_two_sizes_are_ignored_apart():
    # Without the last pixel the dogs have 31 x 31 and 33 x 33 pixels, small and medium
    # (32 x 32 divides them), and every detection may take either.
    truth = make_truth(
        {"a": 2},
        ("a", 0, DOG, square(0, 0, 32), 0),
        ("a", 0, DOG, square(0, 0, 34), 1),
        ("a", 1, DOG, square(300, 300, 120), 2),
    )
    found = make_found(
        (1, DOG, 0.7, square(0, 0, 34)),
        (1, DOG, 0.6, square(0, 0, 33)),
        (1, DOG, 0.5, square(0, 0, 20)),
        (2, DOG, 0.4, square(300, 310, 115)),
    )
    _, extra = coco_scores(truth, found, placement=place(truth, found))
    expected = by_pycocotools(truth, found)
    assert None not in expected
    assert [extra[name] for name in FIGURES] == pytest.approx(expected, abs=1e-12)


def test_an_image_keeps_its_best_hundred_detections_a_class():
    truth = make_truth({"a": 1}, ("a", 0, DOG, square(0, 0, 50), 0))
    far = ((1, DOG, 0.9, square(500, 500, 50)) for _ in range(100))
    found = make_found(*far, (1, DOG, 0.5, square(0, 0, 50)))
    assert evaluate(truth, found, protocol="coco").mean_ap == 0
    more = evaluate(truth, found, protocol="coco", coco=CocoOptions(101))
    assert more.mean_ap == pytest.approx(1 / 101)


def test_boxes_may_have_their_last_pixel():
    # 9 of 19 rows without the last pixel, 10 of 20 with it: IoU .474 and .5.
    truth = make_truth({"a": 1}, ("a", 0, DOG, square(0, 0, 20), 0))
    found = make_found((1, DOG, 0.5, (0, 0, 19, 9)))
    assert evaluate(truth, found, protocol="coco").mean_ap == 0
    options = CocoOptions(inclusive=True)
    scores = evaluate(truth, found, protocol="coco", coco=options)
    assert scores.mean_ap == pytest.approx(1)


def test_without_objects_every_figure_is_none():
    truth = make_truth({"a": 1})
    found = make_found((1, DOG, 0.5, square(0, 0, 20)))
    scores = evaluate(truth, found, protocol="coco")
    assert scores.mean_ap is None
    assert all(scores.extra[name] is None for name in FIGURES)


def test_without_detections_every_figure_is_0():
    truth = make_truth({"a": 1}, ("a", 0, DOG, square(0, 0, 20), 0))
    scores = evaluate(truth, make_found(), protocol="coco")
    assert (scores.mean_ap, scores.extra["AP"], scores.extra["AP_small"]) == (0, 0, 0)
    assert scores.extra["AP_large"] is None


def test_the_whole_run_gives_ap50_by_class():
    truth, found = random_scene(1)
    scores = evaluate(truth, found, protocol="coco")
    assert coco_ap50(truth, found) == pytest.approx(scores.ap, abs=1e-12)
