"""Numbers that tell how well the last frames explain one, worked by hand."""

import numpy as np
import pytest

from propagate.cuts import Usual
from propagate.evidence import SIDE, change_between, evidence_of, look, surprise
from propagate.tracked import Tracked
from vod.types import Detections


def noise(seed, rows=SIDE, columns=SIDE):
    """A picture of random colours, one a cell of the small picture."""
    cells = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)
    return cells.repeat(SIDE // rows, 0).repeat(SIDE // columns, 1)


def tracked(*rows, key_frame=0):
    """Rows of box, score, label."""
    boxes, scores, labels = zip(*rows, strict=True)
    found = Detections(
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array(labels, np.int32),
    )
    return Tracked.fresh(found, key_frame)


NOTHING = Tracked.fresh(Detections.empty(), 0)


def test_the_same_picture_does_not_change():
    sight = look(noise(0))
    change = change_between(sight, sight)
    assert (change.colour, change.layout) == pytest.approx((0, 0), abs=1e-6)
    evidence = evidence_of(sight, sight, before=NOTHING, after=NOTHING)
    assert evidence.change == 0


def test_two_flat_pictures_are_laid_out_alike():
    dark, grey = (np.full((SIDE, SIDE, 3), level, np.uint8) for level in (16, 18))
    change = change_between(look(grey), look(dark))
    assert (change.colour, change.layout) == pytest.approx((0, 0), abs=1e-6)


def test_black_after_white_changes_every_colour_and_no_layout():
    black, white = (np.full((SIDE, SIDE, 3), level, np.uint8) for level in (0, 255))
    change = change_between(look(black), look(white))
    assert change.colour == 1
    assert change.layout == pytest.approx(0, abs=1e-6)


def test_another_picture_is_a_cut_and_a_brighter_one_is_not():
    first, second = noise(0, 5, 5), noise(1, 5, 5)
    assert Usual().is_cut(change_between(look(second), look(first)))
    flash = (first // 2 + 127).astype(np.uint8)
    assert not Usual().is_cut(change_between(look(flash), look(first)))


def test_half_a_picture_moved_away_is_no_cut():
    first = noise(0, 5, 5)
    panned = np.roll(first, SIDE // 2, axis=1)
    assert not Usual().is_cut(change_between(look(panned), look(first)))


def test_motion_is_in_sides_of_the_boxes_and_weighted_by_score():
    before = tracked(
        ([0, 0, 10, 10], 0.8, 0),
        ([0, 0, 40, 10], 0.4, 0),
        ([0, 0, 1, 1], 0.1, 0),  # unsure: no evidence
    )
    after = Tracked(
        before.detections,
        before.key_frames,
        before.ages + 1,
        np.array([5, 2, 9], np.float32),
        np.array([0.9, 0.6, 0], np.float32),
    )
    found = evidence_of(look(noise(0)), look(noise(0)), before=before, after=after)
    # 5 pixels of a side of 10, and 2 of a mean side of 20; twice the weight for the
    # first. Confidence fell by 0.1 and by 0.4.
    assert found.motion == pytest.approx((2 * 0.5 + 0.1) / 3)
    assert found.disagreement == pytest.approx((2 * 0.1 + 0.4) / 3)


def test_without_flow_only_the_pictures_speak():
    boxes = tracked(([0, 0, 10, 10], 0.8, 0))
    found = evidence_of(look(noise(0)), look(noise(1)), before=boxes, after=None)
    assert found.change > 0
    assert (found.motion, found.disagreement) == (None, None)


def test_without_a_sure_box_boxes_say_nothing():
    weak = tracked(([0, 0, 10, 10], 0.2, 0))
    found = evidence_of(look(noise(0)), look(noise(0)), before=weak, after=weak)
    assert (found.motion, found.disagreement) == (None, None)


BOX, HALF, FAR = [0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]


@pytest.mark.parametrize(
    ("carried", "found", "expected"),
    [
        ([(BOX, 0.9, 0)], [(BOX, 0.5, 0)], 0),
        ([(BOX, 0.9, 0)], [(FAR, 0.9, 0)], 1),
        ([(BOX, 0.9, 0)], [(BOX, 0.9, 1)], 1),  # another class
        ([(BOX, 0.6, 0)], [(HALF, 0.6, 0)], 1 - 0.5 / 0.7),
        ([(BOX, 0.6, 0)], [(BOX, 0.6, 0), (FAR, 0.4, 0)], 0.4 / 1.6),
        ([(BOX, 0.6, 0)], [(BOX, 0.2, 0)], 1),  # too weak to be a counterpart
        ([(BOX, 0.2, 0)], [(FAR, 0.2, 0)], 0),  # nothing sure on either side
    ],
)
def test_surprise_is_the_share_of_sure_boxes_without_counterpart(
    carried, found, expected
):
    assert surprise(tracked(*carried), tracked(*found)) == pytest.approx(expected)
