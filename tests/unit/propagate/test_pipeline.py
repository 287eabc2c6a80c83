"""The frame path, with the toy detector and flow."""

import numpy as np

from propagate.pipeline import detect_video, step
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.types import Frame


def test_boxes_follow_the_flow_between_key_frames():
    parts = make_parts(flow=BrightestPixelFlow())
    frames = [dot_frame(0, 1, 2), dot_frame(1, 2, 2), dot_frame(2, 5, 4)]
    results = list(detect_video(parts, frames))
    assert [r.key_frame for r in results] == [True, False, False]
    assert parts.detector.features.calls == 1
    boxes = [r.detections.boxes.tolist() for r in results]
    assert boxes == [
        [[0.5, 1.5, 2.5, 3.5]],
        [[1.5, 1.5, 3.5, 3.5]],
        [[4.5, 3.5, 6.5, 5.5]],
    ]


def test_propagated_scores_are_the_key_frames():
    parts = make_parts(flow=BrightestPixelFlow())
    frames = [dot_frame(0, 1, 2, 255), dot_frame(1, 4, 4, 200)]
    results = list(detect_video(parts, frames))
    assert results[1].detections.scores.tolist() == [1.0]


def test_without_flow_the_key_boxes_stay():
    results = list(detect_video(make_parts(), [dot_frame(0, 1, 2), dot_frame(1, 5, 5)]))
    boxes = [result.detections.boxes.tolist() for result in results]
    assert boxes[1] == boxes[0]
    assert results[1].tracked.ages.tolist() == [1]


def test_a_new_key_frame_replaces_the_state():
    parts = make_parts(interval=2, flow=BrightestPixelFlow())
    key = None
    seen = []
    for index in range(5):
        _, key = step(parts, dot_frame(index, index, 0), key)
        seen.append(key.index)
    assert seen == [0, 0, 2, 2, 4]
    assert parts.detector.features.calls == 3


def test_every_stage_of_a_frame_is_timed():
    parts = make_parts(flow=BrightestPixelFlow())
    list(detect_video(parts, [dot_frame(0, 1, 2), dot_frame(1, 2, 2)]))
    stages = {"resize", "evidence", "features", "head", "flow", "carry"}
    assert set(parts.timer.calls) == stages


def test_no_frames_give_no_results():
    assert list(detect_video(make_parts(), [])) == []


def test_boxes_come_out_in_pixels_of_the_frame():
    parts = make_parts(interval=1)
    wide = Frame(0, 0.0, np.repeat(dot_frame(0, 1, 2).rgb, 2, axis=1))
    (result,) = detect_video(parts, [wide])
    assert result.detections.boxes.tolist() == [[1, 1.5, 5, 3.5]]
