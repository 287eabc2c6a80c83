"""Laws of carrying boxes along flow."""

from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.field import FlowField
from propagate.offline import detect_offline
from propagate.transport import transport_boxes
from propagate.transport_config import TransportConfig
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.types import Frame

FRAME = (90, 120)
CELLS = (30, 40)  # 3 pixels each

EXACT = TransportConfig(stiffness=0, iterations=8)


@st.composite
def boxes_within(draw, most=4):
    """Boxes of 12 pixels or more a side, whose surroundings lie in the frame."""
    rows = []
    for _ in range(draw(st.integers(1, most))):
        width, height = draw(st.floats(12, 60)), draw(st.floats(12, 45))
        left = draw(st.floats(18, 102 - width))
        top = draw(st.floats(18, 72 - height))
        rows.append((left, top, left + width, top + height))
    return np.array(rows, np.float32)


def carry(boxes, data, direction="forward", config=EXACT):
    return transport_boxes(
        boxes,
        FlowField(data.astype(np.float32)),
        frame_size=FRAME,
        config=config,
        direction=direction,
    )


def affine(centre, shift, scale):
    """Flow in cells; `centre` and `shift` in pixels of the frame."""
    y, x = (np.mgrid[: CELLS[0], : CELLS[1]] + 0.5) * 3
    u = shift[0] + scale[0] * (x - centre[0])
    v = shift[1] + scale[1] * (y - centre[1])
    return np.stack([u, v], -1) / 3


@st.composite
def smooth_flow(draw):
    """A few waves, up to 2 cells each way, changing by up to 0.15 a cell."""
    y, x = np.mgrid[: CELLS[0], : CELLS[1]]
    waves = []
    for _ in range(2):
        across, along, phase = draw(st.tuples(*[st.floats(-0.1, 0.1)] * 3))
        waves.append(np.sin(across * x + along * y + 30 * phase))
    return np.stack(waves, -1) * draw(st.floats(0, 1.5))


directions = st.sampled_from(["forward", "backward"])
pixels = st.tuples(st.floats(-12, 12), st.floats(-12, 12))
zooms = st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15))


@given(boxes_within(), directions, st.booleans())
def test_zero_flow_leaves_boxes_unchanged(boxes, direction, scale):
    config = TransportConfig(scale=scale)
    there = carry(boxes, np.zeros((*CELLS, 2)), direction, config)
    np.testing.assert_allclose(there.boxes, boxes, atol=1e-4)
    assert there.agreement.tolist() == [1] * len(boxes)


@given(boxes_within(), pixels, directions)
def test_a_translation_moves_every_box_by_it(boxes, shift, direction):
    data = np.broadcast_to(np.array(shift) / 3, (*CELLS, 2))
    there = carry(boxes, data, direction, TransportConfig())
    sign = -1 if direction == "forward" else 1
    expected = boxes + sign * np.tile(shift, 2)
    np.testing.assert_allclose(there.boxes, expected, atol=2e-3)
    np.testing.assert_allclose(there.shift, np.hypot(*shift), atol=2e-3)


@given(boxes_within(most=1), zooms)
def test_a_zoom_about_a_boxs_centre_scales_it(boxes, scale):
    centre = (boxes[0, :2] + boxes[0, 2:]) / 2
    sides = boxes[0, 2:] - boxes[0, :2]
    there = carry(boxes, affine(centre, (0, 0), scale))
    now = there.boxes[0, 2:] - there.boxes[0, :2]
    np.testing.assert_allclose(now, sides / (1 + np.array(scale)), rtol=2e-3)
    middle = (there.boxes[0, :2] + there.boxes[0, 2:]) / 2
    np.testing.assert_allclose(middle, centre, atol=0.02)


@given(boxes_within(most=1), pixels, zooms)
def test_a_zoom_about_any_point_takes_corners_where_they_were(boxes, shift, scale):
    # Going back, p becomes p + F(p): the carried corners must land on the old ones.
    there = carry(boxes, affine((60, 45), shift, scale)).boxes[0]
    corners = there.reshape(2, 2)
    back = corners + np.array(shift) + np.array(scale) * (corners - [60, 45])
    inside = (corners > 6).all() and (corners < np.array(FRAME[::-1]) - 6).all()
    if inside:  # the flow is affine only within the frame
        np.testing.assert_allclose(back.ravel(), boxes[0], atol=0.05)


@given(boxes_within(), st.floats(-6, 6), st.floats(-6, 6), zooms)
def test_backward_after_forward_returns_the_box(boxes, u, v, scale):
    data = affine((60, 45), (u, v), scale)
    there = carry(boxes, data)
    again = carry(there.boxes, data, "backward")
    np.testing.assert_allclose(again.boxes, boxes, atol=0.1)


@given(boxes_within(), smooth_flow())
def test_backward_after_forward_returns_the_box_in_smooth_flow(boxes, data):
    config = TransportConfig(iterations=8)
    there = carry(boxes, data, config=config)
    again = carry(there.boxes, data, "backward", config)
    # The pull towards no change of size is relative to the size that is known.
    np.testing.assert_allclose(again.boxes, boxes, atol=1.0)


@given(boxes_within(), smooth_flow(), directions)
def test_boxes_stay_finite_and_keep_their_orientation(boxes, data, direction):
    there = carry(boxes, 40 * data, direction, TransportConfig())
    assert np.isfinite(there.boxes).all()
    sides = there.boxes[:, 2:] - there.boxes[:, :2]
    before = boxes[:, 2:] - boxes[:, :2]
    assert (sides >= 0.74 * before).all()
    assert (sides <= 1.34 * before).all()
    assert ((there.agreement >= 0) & (there.agreement <= 1)).all()


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.floats(0, 3))
def test_training_carries_boxes_as_inference_does(seed, scale, roughness):
    losses = pytest.importorskip("propagate.train_losses")
    rng = np.random.default_rng(seed)
    size = 20
    data = rng.normal(0, 0.3 * roughness, (2, size, size, 2)).astype(np.float32)
    data += np.linspace(-1, 1, size, dtype=np.float32)[:, None]
    corners = rng.uniform(0, 14, (2, 5, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 12, (2, 5, 2))], -1)
    boxes = boxes.astype(np.float32)
    config = TransportConfig(scale=scale)
    centres, sides = losses.carry(boxes, data, config=config)
    for row in range(2):
        there = transport_boxes(
            boxes[row], FlowField(data[row]), frame_size=(size, size), config=config
        ).boxes
        middle = (there[:, :2] + there[:, 2:]) / 2
        np.testing.assert_allclose(np.asarray(centres)[row], middle, atol=1e-4)
        np.testing.assert_allclose(
            np.asarray(sides)[row], there[:, 2:] - there[:, :2], atol=1e-4
        )


class WatchedFrame(Frame):
    """A frame whose end can be seen."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize("flow", [None, BrightestPixelFlow()])
@given(st.integers(0, 25), st.integers(1, 12))
def test_offline_gives_every_frame_once_in_order(flow, length, interval):
    results = detect_offline(
        make_parts(interval, flow), (dot_frame(i, i % 8, i // 8) for i in range(length))
    )
    seen = [(r.frame.index, r.key_frame, len(r.detections)) for r in results]
    assert [index for index, _, _ in seen] == list(range(length))
    last = length - 1
    keys = [index for index, key_frame, _ in seen if key_frame]
    expected = sorted({*range(0, length, interval), last}) if length else []
    assert keys == expected


@given(st.integers(0, 25), st.integers(1, 12))
def test_offline_holds_one_interval_of_frames(length, interval):
    alive = []

    def frames():
        for index in range(length):
            frame = dot_frame(index, index % 8, 1)
            watched = WatchedFrame(frame.index, frame.time_s, frame.rgb)
            alive.append(ref(watched))
            del frame
            yield watched
            del watched

    most = 0
    for result in detect_offline(make_parts(interval, BrightestPixelFlow()), frames()):
        assert result.frame is not None
        most = max(most, sum(frame() is not None for frame in alive))
    assert most <= min(length, interval + 1)
