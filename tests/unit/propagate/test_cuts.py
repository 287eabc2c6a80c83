"""Cuts from two numbers a frame."""

import pytest

from propagate.cuts import LEAST_COLOUR, LEAST_LAYOUT, Change, Usual

CUT = Change(colour=0.6, layout=0.9)


def test_a_cut_changes_colour_and_layout():
    assert Usual().is_cut(CUT)
    assert not Usual().is_cut(Change(colour=0.6, layout=LEAST_LAYOUT))  # a flash
    assert not Usual().is_cut(Change(colour=LEAST_COLOUR, layout=0.9))  # a fast pan


def test_what_is_usual_in_a_scene_is_no_cut():
    usual = Usual()
    for _ in range(60):
        usual = usual.with_change(Change(colour=0.25, layout=0.4))
    assert usual.colour == pytest.approx(0.25, abs=0.01)
    assert not usual.is_cut(CUT)  # three times 0.25 are more than 0.6
    assert usual.is_cut(Change(colour=0.9, layout=1.3))


def test_one_more_frame_moves_the_mean_by_a_tenth():
    usual = Usual(colour=0.1, layout=0.2).with_change(Change(colour=0.2, layout=0.1))
    assert usual.colour == pytest.approx(0.11)
    assert usual.layout == pytest.approx(0.19)
