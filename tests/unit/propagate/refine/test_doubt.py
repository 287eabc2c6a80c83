import numpy as np

from propagate.refine.doubt import DETECTED, doubt_of


def doubt(age=5, shift=0.0, confidence=1.0, side=40.0):
    values = (np.array([v], np.float32) for v in (shift, confidence, side))
    return float(doubt_of(np.array([age], np.int32), *values)[0])


def test_a_fresh_box_is_as_sure_as_the_detector():
    assert abs(doubt(age=0) - np.sqrt(DETECTED + 6.2e-5)) < 1e-6


def test_time_motion_and_disagreement_add_doubt():
    assert doubt(age=20) > doubt(age=5)
    assert doubt(shift=40) > doubt(shift=4)
    assert doubt(confidence=0.2) > doubt(confidence=0.9)
    assert doubt(shift=20, side=20) > doubt(shift=20, side=200)


def test_a_worked_value():
    # 5 steps of 4 px of a 40 px side; log confidence -1.
    variance = 1e-3 + 5 * 6.2e-5 + 0.23 * (20 / 40) ** 2 / 5 + 0.019 / 5
    assert abs(doubt(shift=20, confidence=np.exp(-1)) - np.sqrt(variance)) < 1e-5


def test_doubt_is_finite_without_any_confidence():
    assert doubt(confidence=0.0, shift=1e6) == np.float32(0.4)
