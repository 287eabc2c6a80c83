import dataclasses

import numpy as np
import pytest

from propagate.calibration import CalibrationConfig, calibrated, calibrated_scores
from propagate.pipeline import detect_video
from propagate.tracked import Tracked
from tests.builders import make_detections
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.errors import ConfigError

CONFIG = CalibrationConfig(per_frame=np.log(2), doubt=1.0)


def scores_of(scores, ages, confidences, config=CONFIG):
    columns = np.array(scores, np.float32), np.array(ages, np.int32)
    return calibrated_scores(*columns, np.array(confidences, np.float32), config)


def test_two_frames_at_ln_2_and_half_confidence_leave_an_eighth_of_the_odds():
    # Odds 0.8 / 0.2 = 4 become 4 / 8 = 0.5, which is a score of 1 / 3.
    np.testing.assert_allclose(scores_of([0.8], [2], [0.5]), [1 / 3], rtol=1e-6)


def test_a_key_frame_keeps_its_scores_exactly():
    scores = np.array([0, 0.1, 0.3, 0.7, 1], np.float32)
    kept = scores_of(scores, [0] * 5, [1] * 5)
    np.testing.assert_allclose(kept, scores, atol=1e-7)
    assert (kept <= scores).all()


def test_zeros_switch_calibration_off():
    off = CalibrationConfig(per_frame=0, doubt=0)
    np.testing.assert_allclose(scores_of([0.3], [9], [0.1], off), [0.3], atol=1e-7)


def test_no_confidence_at_all_is_still_a_number():
    worth = scores_of([0, 0.5, 1], [9, 9, 9], [0, 0, 0])
    assert np.isfinite(worth).all()
    assert worth[1] < 0.001


def test_boxes_are_put_in_order_with_what_belongs_to_them():
    found = make_detections(((0, 0, 4, 4), 0.8, 1), ((5, 5, 9, 9), 0.7, 2))
    tracked = Tracked(
        found,
        key_frames=np.array([0, 3], np.int32),
        ages=np.array([4, 1], np.int32),
        shifts=np.zeros(2, np.float32),
        confidences=np.array([0.5, 1], np.float32),
    )
    ranked = calibrated(tracked, CONFIG)
    assert ranked.detections.labels.tolist() == [2, 1]
    assert ranked.key_frames.tolist() == [3, 0]
    assert ranked.ages.tolist() == [1, 4]


def test_nothing_found_stays_nothing():
    nothing = Tracked.fresh(make_detections(), 0)
    assert len(calibrated(nothing, CONFIG)) == 0


def test_scores_cannot_be_told_to_rise():
    with pytest.raises(ConfigError, match=r"0 or more, received 0\.1 and -1\.0"):
        CalibrationConfig(per_frame=0.1, doubt=-1.0)


def test_the_threshold_looks_at_the_score_before():
    frames = [dot_frame(index, index, 1, brightness=153) for index in range(3)]
    parts = make_parts(interval=3, flow=BrightestPixelFlow())  # threshold 0.5
    plain = list(detect_video(parts, frames))
    worth = list(detect_video(dataclasses.replace(parts, calibration=CONFIG), frames))
    assert [len(r.detections) for r in worth] == [len(r.detections) for r in plain]
    assert worth[0].detections.scores == plain[0].detections.scores
    # Odds of 0.6 / 0.4 = 3 / 2 are halved in a frame: 3 / 4 is a score of 3 / 7.
    np.testing.assert_allclose(worth[1].detections.scores, [3 / 7], rtol=1e-5)
    np.testing.assert_allclose(worth[2].detections.scores, [3 / 11], rtol=1e-5)


def test_held_boxes_keep_their_scores():
    frames = [dot_frame(index, index, 1) for index in range(3)]
    parts = make_parts(interval=3)
    held = detect_video(dataclasses.replace(parts, calibration=CONFIG), frames)
    assert len({float(r.detections.scores[0]) for r in held}) == 1
