"""When boxes are corrected on their way, with a refiner that leaves marks."""

from dataclasses import replace

import numpy as np
import pytest

from propagate.keyframes import Adaptive
from propagate.offline import detect_offline, results_of
from propagate.pipeline import detect_video
from propagate.refine.config import RefineChoice
from propagate.refine.refiner import BoxRefiner, Templates
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.types import Detections


class Marking(BoxRefiner):
    """Raises every box that it may correct by a tenth of a pixel a time."""

    def __init__(self, every):
        self.every = every
        self.looked_at, self.corrected = [], []

    def templates(self, picture, found, *, least_score=0.0, **_frame):
        rows = np.flatnonzero(found.detections.scores >= least_score)
        self.looked_at.append(int(np.argmax(picture[..., 0]) % 8))
        return Templates(rows.astype(np.int32), look=np.zeros_like)

    def refined(self, picture, carried, templates, *, since=None, **_frame):
        boxes = carried.detections.boxes.copy()
        boxes[templates.rows, 1::2] -= 0.1
        where = int(np.argmax(picture[..., 0]) % 8)
        self.corrected.append((where, int(carried.ages.max(initial=0)), since))
        found = carried.detections
        return replace(
            carried, detections=Detections(boxes, found.scores, found.labels)
        )


def parts_with(refiner, interval=6, **changes):
    return replace(
        make_parts(interval, BrightestPixelFlow()), refiner=refiner, **changes
    )


def rightwards(count):
    return [dot_frame(index, index, 3) for index in range(count)]


def tops(results):
    return [round(float(r.detections.boxes[0, 1]), 2) for r in results]


def test_past_frames_alone_are_corrected_every_so_often():
    refiner = Marking(2)
    results = list(detect_video(parts_with(refiner), rightwards(8)))
    assert refiner.looked_at == [0]
    assert refiner.corrected == [(2, 2, None), (4, 4, 2)]
    # What is corrected is carried on; the next key frame begins anew.
    assert tops(results) == [2.5, 2.5, 2.4, 2.4, 2.3, 2.3, 2.5, 2.5]


def test_key_frames_on_both_sides_are_corrected_between_them():
    refiner = Marking(2)
    results = list(detect_offline(parts_with(refiner), rightwards(7)))
    # On frames 2 and 4 both sides' boxes are; on a key frame none.
    assert sorted(refiner.corrected) == [
        (2, 2, None),
        (2, 4, 2),
        (4, 2, None),
        (4, 4, 2),
    ]
    assert sorted(refiner.looked_at) == [0, 6]
    assert tops(results)[0] == tops(results)[-1] == 2.5
    assert min(tops(results)) < 2.4


def test_adaptive_key_frames_meet_corrected_boxes_too():
    refiner = Marking(2)
    parts = parts_with(refiner, keyframes=Adaptive(6), mode="offline")
    results = list(results_of(parts, rightwards(5)))
    assert refiner.corrected
    assert min(tops(results)) < 2.5


@pytest.mark.parametrize("mode", ["causal", "offline"])
@pytest.mark.parametrize("change", [{"refiner": None}, {"flow": None}])
def test_without_refiner_or_flow_nothing_is_corrected(mode, change):
    refiner = Marking(2)
    parts = replace(parts_with(refiner, mode=mode), **change)
    plain = replace(parts, refiner=None)
    given, expected = (tops(results_of(p, rightwards(7))) for p in (parts, plain))
    assert given == expected
    assert not refiner.corrected


def test_a_correction_is_timed_as_its_own_stage():
    parts = parts_with(Marking(2))
    list(detect_video(parts, rightwards(4)))
    assert parts.timer.calls["refine"] == 1


def test_boxes_in_between_move_evenly_to_a_corrected_one():
    refiner = Marking(2)
    parts = parts_with(refiner, interval=7, flow_stride=4)
    still = [dot_frame(index, 3, 3, 255 - index) for index in range(8)]
    list(detect_offline(parts, still))
    assert all(age >= 2 for _, age, _ in refiner.corrected)


def test_zero_never_corrects():
    refiner = BoxRefiner(None, trunk=None, head=None, choice=RefineChoice(every=0))
    assert not any(refiner.is_due(age, age - 1) for age in range(50))


def test_a_correction_is_due_once_every_so_many_frames():
    refiner = BoxRefiner(None, trunk=None, head=None, choice=RefineChoice(every=5))
    due = [age for age in range(1, 16) if refiner.is_due(age, age - 1)]
    assert due == [5, 10, 15]
    # A flow may span frames: 4 to 7 passes 5, 7 to 9 nothing.
    assert refiner.is_due(7, 4)
    assert not refiner.is_due(9, 7)
    assert [refiner.since(age) for age in (5, 9, 10)] == [None, None, 5]


def test_templates_are_numbered_by_what_is_kept():
    looks = []

    def look(places):
        looks.append(places.tolist())
        return 10.0 * places[:, None]

    templates = Templates(np.array([0, 2, 5], np.int32), look)
    kept = templates.select(np.array([1, 2, 5, 7]))
    np.testing.assert_array_equal(kept.rows, [1, 2])
    np.testing.assert_array_equal(kept.features(np.array([1])), [[20]])
    # Nothing is looked at twice, whoever asks.
    np.testing.assert_array_equal(kept.features(np.array([0, 1])), [[10], [20]])
    np.testing.assert_array_equal(templates.features(np.array([2, 0])), [[20], [0]])
    assert looks == [[2], [1], [0]]
