"""The frame path with a detector and a flow small enough to follow by hand."""

from dataclasses import replace

import numpy as np
import pytest

from detector.detector import Detector
from detector.features import FeatureSpec
from detector.postprocess import PostprocessConfig
from flow.field import FlowField
from propagate.keyframes import FixedInterval
from propagate.pipeline import Parts, detect_video, step, warp_maps
from vod.preprocess import Preprocessing
from vod.types import Frame

SIDE = 8  # of the detector's input and of its one map: one cell a pixel


def head(score_map):
    """One box of 2 x 2 pixels on every cell, scored by the cell."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    corners = [columns - 0.5, rows - 0.5, columns + 1.5, rows + 1.5]
    boxes = np.stack(corners, -1).reshape(1, -1, 4)
    return boxes, score_map.reshape(1, -1, 1)


class CountingFeatures:
    """The red channel of the picture is the map; counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        return (image[..., :1],)


class BrightestPixelFlow:
    """Everything moved as the brightest pixel did."""

    def prepare(self, resized_rgb):
        return resized_rgb[..., 0]

    def __call__(self, current, key):
        now, then = (
            np.array(np.unravel_index(np.argmax(a), a.shape)) for a in (current, key)
        )
        v, u = then - now
        data = np.broadcast_to(np.array([u, v], np.float32), (SIDE, SIDE, 2))
        return FlowField(data.copy())


def make_parts(interval=10, flow=None):
    detector = Detector(
        name="toy",
        classes=("dot",),
        preprocessing=Preprocessing(SIDE, SIDE, mean=0, scale=255),
        maps=(FeatureSpec("dots", SIDE, SIDE, 1, 1.0),),
        features=CountingFeatures(),
        head=head,
    )
    policy = PostprocessConfig(score_threshold=0.5)
    return Parts(detector, flow, FixedInterval(interval), policy)


def dot_frame(index, x, y, brightness=255):
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    rgb[y, x] = brightness
    return Frame(index, index / 25, rgb)


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
    assert results[1].detections is results[0].detections


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
    assert set(parts.timer.calls) == {"resize", "features", "head", "flow", "warp"}


def test_no_frames_give_no_results():
    assert list(detect_video(make_parts(), [])) == []


def test_boxes_come_out_in_pixels_of_the_frame():
    parts = make_parts(interval=1)
    wide = Frame(0, 0.0, np.repeat(dot_frame(0, 1, 2).rgb, 2, axis=1))
    (result,) = detect_video(parts, [wide])
    assert result.detections.boxes.tolist() == [[1, 1.5, 5, 3.5]]


def test_maps_of_several_grids_share_one_flow():
    ramp = np.arange(4, dtype=np.float32)
    fine = np.broadcast_to(ramp[None, None, :, None], (1, 4, 4, 1)).copy()
    coarse = fine[:, ::2, ::2] + 0.5
    flow = FlowField(np.full((4, 4, 2), [1, 0], np.float32))
    moved_fine, moved_coarse = warp_maps((fine, coarse), flow, border="edge")
    assert moved_fine[0, 0, :, 0].tolist() == [1, 2, 3, 3]
    # One cell of the fine grid is half a cell of the coarse one.
    assert moved_coarse[0, 0, :, 0].tolist() == [1.5, 2.5]
    assert moved_fine.dtype == np.float32


def test_a_parts_object_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        make_parts().border = "zeros"
    assert replace(make_parts(), border="zeros").border == "zeros"
