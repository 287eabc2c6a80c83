"""Calibration fitted to boxes whose fate was drawn from a known law."""

import logging

import numpy as np
import pytest

from propagate.calibrate import (
    Followed,
    average_precision,
    fit,
    follow_clip,
    main,
    table,
)
from propagate.calibration import CalibrationConfig
from propagate.tracked import Tracked
from tests.builders import make_detections, write_clip
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.errors import ConfigError

HERE, THERE, AWAY = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)
PLAIN = CalibrationConfig(0, 0)


def tracked(found, ages, confidences):
    ages = np.array(ages, np.int32)
    moved = np.zeros(len(ages), np.float32)
    return Tracked(found, 0 * ages, ages, moved, np.array(confidences, np.float32))


def drawn(seed, *, per_frame, doubt, count=4000):
    """One box a frame, right with the probability that the law gives it."""
    rng = np.random.default_rng(seed)
    rows, truth = [], []
    for _ in range(count):
        score, age = rng.uniform(0.1, 0.9), int(rng.integers(1, 20))
        confidence = rng.uniform(0.2, 1)
        odds = np.log(score / (1 - score)) - per_frame * age
        odds += doubt * np.log(confidence)
        right = rng.random() < 1 / (1 + np.exp(-odds))
        rows.append(tracked(make_detections((HERE, score, 0)), [age], [confidence]))
        truth.append(make_detections((HERE if right else AWAY, 0.9, 0)))
    return Followed.of(rows, truth)


def test_the_fit_finds_the_law_that_boxes_were_drawn_from():
    found = fit([drawn(0, per_frame=0.05, doubt=0.8)])
    # 3 standard deviations over 12 other seeds are 0.022 and 0.29.
    assert found.per_frame == pytest.approx(0.05, abs=0.025)
    assert found.doubt == pytest.approx(0.8, abs=0.3)


def test_a_law_that_raises_scores_is_not_followed():
    found = fit([drawn(1, per_frame=-0.1, doubt=-0.8)])
    assert found == CalibrationConfig(0, 0)


def test_better_scores_choose_first_and_only_among_their_class():
    found = make_detections((HERE, 0.9, 0), (HERE, 0.8, 0), (THERE, 0.7, 1))
    truth = make_detections((HERE, 0.9, 0), (THERE, 0.9, 0))
    followed = Followed.of([tracked(found, [1, 1, 1], [1, 1, 1])], [truth])
    assert followed.hits(followed.scores).tolist() == [True, False, False]
    other_way = np.array([0.1, 0.8, 0.7], np.float32)
    assert followed.hits(other_way).tolist() == [False, True, False]


def test_a_frame_without_objects_or_boxes_has_no_hit():
    none = make_detections()
    found = tracked(make_detections((HERE, 0.9, 0)), [1], [1])
    followed = Followed.of([found, tracked(none, [], [])], [none, found.detections])
    assert followed.hits(followed.scores).tolist() == [False]


def test_average_precision_rises_where_an_old_wrong_box_falls():
    # The wrong box leads: precision at the only object is 1 / 2, then 1.
    found = make_detections((AWAY, 0.8, 0), (HERE, 0.7, 0))
    truth = make_detections((HERE, 0.9, 0), (AWAY, 0.39, 0))  # the second is unsure
    followed = Followed.of([tracked(found, [9, 1], [0.2, 0.9])], [truth])
    assert average_precision(followed, PLAIN) == 1 / 2
    assert average_precision(followed, CalibrationConfig(0.1, 1.0)) == 1


def test_a_clip_is_followed_without_any_calibration():
    frames = [dot_frame(index, index, 1, brightness=153) for index in range(4)]
    parts = make_parts(flow=BrightestPixelFlow())
    pictures = np.stack([frame.rgb for frame in frames])
    followed = follow_clip(parts, pictures, [make_detections()] * 4, 4)
    assert followed.ages.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(followed.scores, [0.6] * 4, rtol=1e-5)


def test_every_clip_is_measured_with_the_fit_to_the_others():
    clips = [drawn(seed, per_frame=0.05, doubt=0.8, count=300) for seed in (2, 3)]
    lines = table({"a.mp4": clips[:1], "b.mp4": clips[1:]}, [10]).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["clip", "a.mp4", "b.mp4", "mean"]
    first = average_precision(clips[0], fit(clips[1:]))
    assert lines[1].split()[-1] == f"{first:.4f}"
    whole = fit(clips)
    assert f"doubt={whole.doubt:.3f}" in lines[4]


def test_one_clip_cannot_be_measured_with_a_fit_to_others():
    with pytest.raises(ConfigError, match=r"needs 2 clips or more .* 1 of those given"):
        table({"a.mp4": [drawn(2, per_frame=0, doubt=0, count=30)]}, [10])


def test_errors_of_the_command_are_one_sentence(tmp_path, caplog):
    clip = str(write_clip(tmp_path / "empty.mp4", 3))
    with caplog.at_level(logging.ERROR):
        assert main([clip, "--set", "flow.name=dis"]) == 1
        assert main([clip, "--set", "flow.name=none"]) == 1
        assert main([clip, "--intervals", "0"]) == 1
    messages = [record.getMessage() for record in caplog.records]
    assert "0 of those given have them" in messages[0]
    assert "needs a flow" in messages[1]
    assert "1 or more" in messages[2]
