import json

import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.analysis.audit import audit
from vod.errors import AnnotationError
from vod.evaluation.protocols import PROTOCOLS

BOX = square(0, 0, 100)


def step(result, protocol, aspect):
    return next(s for s in result.steps[protocol] if s.aspect == aspect)


def test_a_duplicate_of_voc_takes_the_next_free_object_in_the_devkit():
    truth = make_truth(
        {"v": 1}, ("v", 0, DOG, BOX, 0), ("v", 0, DOG, (20, 0, 119, 99), 1)
    )
    found = make_found((1, DOG, 0.9, BOX), (1, DOG, 0.8, (5, 0, 104, 99)))
    result = audit(truth, found)
    taken = step(result, "voc12", "next_free")
    assert (taken.lost, taken.gained) == (1, 0)
    assert (taken.before, taken.after) == (1, pytest.approx(1 / 2))
    assert taken.ap_change == {"dog": pytest.approx(-1 / 2)}
    assert "1 are duplicates, but take the next free object" in taken.sentence()
    assert result.scores["voc12"].mean_ap == pytest.approx(1 / 2)


def test_a_small_object_is_found_by_its_own_threshold_alone():
    truth = make_truth({"v": 1}, ("v", 0, DOG, square(0, 0, 10), 0))
    result = audit(truth, make_found((1, DOG, 0.9, (0, 0, 9, 3))))
    (only,) = result.steps["fixed50"]
    assert (only.aspect, only.lost, only.gain) == ("tolerance", 1, -1)


def test_coco_does_not_count_the_last_pixel():
    # 6 of 10 + 2 pixels with the last one, 5 of 11 without.
    truth = make_truth({"v": 1}, ("v", 0, DOG, (0, 0, 8, 99), 0))
    found = make_found((1, DOG, 0.9, (3, 0, 11, 99)))
    result = audit(truth, found)
    assert step(result, "coco", "pixel").lost == 1
    assert result.scores["coco"].mean_ap == 0


def test_coco_looks_at_a_hundred_boxes_a_frame_and_class():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    rows = [(1, DOG, 1 - i / 1000, square(500, 500, 9)) for i in range(104)]
    result = audit(truth, make_found(*rows, (1, DOG, 0.1, BOX)))
    limit = step(result, "coco", "max_detections")
    assert (limit.lost, limit.left_out) == (1, 4)
    assert result.findings.counts["over_limit"] == 5


@pytest.mark.parametrize("seed", range(4))
def test_the_steps_add_up_to_the_difference_of_every_protocol(seed):
    result = audit(*random_scene(seed))
    base = result.scores["devkit"].mean_ap
    assert set(result.scores) == set(PROTOCOLS)
    for name, steps in result.steps.items():
        total = sum(step.gain for step in steps)
        assert base + total == pytest.approx(result.scores[name].mean_ap, abs=1e-12)
        if name == "coco":
            assert abs(steps[-1].gain) < 1e-9  # our matching is pycocotools' own


def test_what_moves_a_figure_unseen_is_counted():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0))
    found = make_found(
        (1, DOG, 0.5, BOX),
        (2, DOG, 0.5, (10, 10, 5, 5)),
        (2, DOG, 0.4, (-3, 0, 1000, 50)),
        (2, DOG, 0.4, (-3, 0, 1000, 50)),
        (9, DOG, 0.3, BOX),
        (1, 2, 0.3, BOX),
        classes=("dog", "cat", "yeti"),
    )
    result = audit(truth, found)
    assert result.findings.counts == {
        "unlisted": 1,
        "unknown_class": 1,
        "inverted": 1,
        "outside": 2,
        "repeated": 1,
        "over_limit": 0,
        "tied": 4,
    }
    assert result.findings.assumed["ties_best"] == 1
    assert result.findings.assumed["ties_worst"] == pytest.approx(1 / 2)
    assert "devkit 0.500000 (-0.500000) if of equal scores" in result.table()


def test_rounding_and_clipping_are_tried():
    truth = make_truth({"v": 1}, ("v", 0, DOG, (900, 0, 999, 99), 0))
    found = make_found(
        (1, DOG, 0.50004, (900, 0, 1399, 99)), (1, DOG, 0.50003, (900, 0, 999, 99))
    )
    result = audit(truth, found)
    assert result.scores["devkit"].mean_ap == pytest.approx(1 / 2)
    assert result.findings.assumed["clipped"] == 1
    assert result.findings.assumed["rounded"] == pytest.approx(1 / 2)


def test_unknown_picture_sizes_cannot_be_clipped_to():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    truth.frame_sizes[:] = 0
    findings = audit(truth, make_found((1, DOG, 0.9, (0, 0, 5000, 99)))).findings
    assert findings.assumed["clipped"] is None
    assert findings.counts["outside"] == 0


def test_a_class_without_objects_counts_in_the_mean_over_all():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    assert audit(truth, make_found((1, DOG, 0.9, BOX))).mean_over_all == 1 / 2
    both = make_found((1, DOG, 0.9, BOX), (1, CAT, 0.9, BOX))
    assert audit(truth, both).mean_over_all is None


@pytest.mark.parametrize("videos", [{}, {"v": 1}])
def test_an_empty_set_is_no_error(videos):
    result = audit(make_truth(videos), make_found())
    values = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert values["protocols"]["devkit"]["mAP"] is None
    assert "devkit" in result.table()


def test_an_empty_file_is_worth_nothing_under_any_protocol():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    result = audit(truth, make_found())
    assert {scores.mean_ap for scores in result.scores.values()} == {0}


def test_json_tells_every_step_with_its_reason():
    values = audit(*random_scene(1)).to_json()
    aspects = [s["aspect"] for s in values["protocols"]["voc07"]["from_devkit"]]
    assert aspects == ["tolerance", "next_free", "keeps_inverted", "interpolation"]
    json.dumps(values, allow_nan=False)


def test_a_score_that_is_no_number_is_refused():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    with pytest.raises(AnnotationError, match="scores must be finite"):
        audit(truth, make_found((1, DOG, np.nan, BOX)))
