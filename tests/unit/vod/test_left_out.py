"""Frames that were announced and never came."""

from vod.left_out import LeftOut


def test_what_lies_before_a_decoded_frame_was_left_out():
    left_out = LeftOut()
    for pts in (0, 40, 20, 10, 30):  # I P B b b, in the order of decoding
        left_out.announce(pts)
    assert left_out.before(0) == []
    assert left_out.before(20) == [10]
    assert left_out.before(40) == [30]
    assert left_out.before(None) == []


def test_at_the_end_all_that_waits_was_left_out():
    left_out = LeftOut()
    for pts in (0, 20, 10):
        left_out.announce(pts)
    left_out.before(0)
    assert left_out.before(None) == [10, 20]


def test_a_frame_that_nobody_announced_leaves_nothing_out():
    left_out = LeftOut()
    left_out.announce(10)
    assert left_out.before(5) == []
    assert left_out.before(10) == []
