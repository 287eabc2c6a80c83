"""Flow of a video: which frames make a pair, and how steady the colours are."""

import numpy as np
import pytest

from flow.evaluation.runner import FlowChoice, FlowRunner
from flow.video import (
    LEAST_PX,
    SteadyScale,
    VideoLook,
    beside,
    draw_video,
    long_length,
    paired,
)
from tests.builders import make_frame, make_info
from vod.errors import ConfigError, VideoError
from vod.types import Frame


def steady(u, v=0.0):
    return np.broadcast_to(np.float32((u, v)), (48, 64, 2)).copy()


def numbers(count, distance):
    frames = [make_frame(i) for i in range(count)]
    return [(a.index, b.index) for a, b in paired(frames, distance)]


def draw(frames, name="zero", **look):
    drawn = []

    def show(rgb, time_s):
        drawn.append((rgb, time_s))
        return True

    runner = FlowRunner(FlowChoice(name))
    draw_video(frames, runner, VideoLook(**look), rate=25, show=show)
    return drawn


def test_every_frame_meets_a_later_one_and_the_last_frames_the_last():
    assert numbers(4, 1) == [(0, 1), (1, 2), (2, 3), (3, 3)]
    assert numbers(5, 2) == [(0, 2), (1, 3), (2, 4), (3, 4), (4, 4)]
    assert numbers(2, 5) == [(0, 1), (1, 1)]
    assert numbers(1, 1) == [(0, 0)]
    assert numbers(0, 1) == []


def test_frames_are_paired_as_they_come_not_at_the_end():
    seen = []

    def source():
        for index in range(3):
            seen.append(index)
            yield make_frame(index)

    next(paired(source(), 1))
    assert seen == [0, 1]


def test_the_frame_is_left_and_its_flow_right():
    frames = [make_frame(i) for i in range(3)]
    drawn = draw(frames, legend=False)
    assert [time_s for _, time_s in drawn] == [0, 0.04, 0.08]
    for (rgb, _), frame in zip(drawn, frames, strict=True):
        assert rgb.shape == (48, 128, 3)
        np.testing.assert_array_equal(rgb[:, :64], frame.rgb)
        assert (rgb[:, 64:] == 255).all()


def moving_frames(count):
    """Build frames whose content moves right by 3 pixels a frame."""
    rng = np.random.default_rng(0)
    world = rng.uniform(0, 255, (8, 40, 3)).astype(np.float32)
    world = np.asarray(np.kron(world, np.ones((8, 8, 1))), np.uint8)
    start = 100
    return [
        Frame(i, i / 25, np.ascontiguousarray(world[:, start - 3 * i :][:, :96]))
        for i in range(count)
    ]


def test_what_moves_right_is_red_and_the_last_frame_keeps_its_colours():
    drawn = draw(moving_frames(3), "dis", max_px=3.0, legend=False)
    for rgb, _ in drawn:
        red, green, _ = np.median(rgb[16:-16, 96 + 16 : -16], axis=(0, 1))
        assert red > 240
        assert green < 60
    np.testing.assert_array_equal(drawn[1][0][:, 96:], drawn[2][0][:, 96:])


def test_arrows_and_the_legend_are_drawn_when_asked():
    frames = moving_frames(2)
    plain = draw(frames, "dis", legend=False)[0][0]
    arrows = draw(frames, "dis", legend=False, arrows=True)[0][0]
    legend = draw(frames, "dis")[0][0]
    assert (arrows[:, :96] != plain[:, :96]).any()
    np.testing.assert_array_equal(arrows[:, 96:], plain[:, 96:])
    np.testing.assert_array_equal(legend[:, :96], plain[:, :96])
    assert (legend[:, 96:] != plain[:, 96:]).any()


def test_a_video_ends_when_nobody_looks_any_more():
    frames = [make_frame(i) for i in range(5)]
    runner = FlowRunner(FlowChoice("zero"))
    count = draw_video(frames, runner, VideoLook(), rate=25, show=lambda *_: False)
    assert count == 1


def test_a_change_of_size_is_told_with_the_frame():
    frames = [make_frame(0), make_frame(1, height=40)]
    with pytest.raises(VideoError, match=r"frame 1 is \(40, 64\), frame 0 \(48, 64\)"):
        draw(frames)


def test_the_output_is_twice_as_wide():
    info = beside(make_info(has_audio=True))
    assert (info.width, info.height, info.has_audio) == (128, 48, True)


def test_a_fixed_scale_stays():
    scale = SteadyScale(5.0, rate=25)
    assert [scale.follow(steady(u)) for u in (1, 100)] == [5.0, 5.0]


def test_the_scale_begins_where_the_video_does_and_follows_slowly():
    scale = SteadyScale(None, rate=25)
    assert scale.follow(steady(8)) == 8
    # A frame without motion lowers it by 1 - exp(-1 / (25 x 1.5 s)) of the way to 2.
    expected = 8 - (1 - np.exp(-1 / 37.5)) * 6
    assert scale.follow(steady(0)) == pytest.approx(expected)
    risen = scale.follow(steady(20))
    assert risen == pytest.approx(expected + (1 - np.exp(-1 / 10)) * (20 - expected))
    for _ in range(2000):
        last = scale.follow(steady(0))
    assert last == pytest.approx(LEAST_PX, rel=1e-3)


def test_a_few_wild_vectors_do_not_set_the_scale():
    flow = steady(3, 4)
    flow[0, 0] = 1e6
    assert long_length(flow) == 5


def test_looks_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="--max-px must be positive, received 0"):
        VideoLook(max_px=0)
    with pytest.raises(ConfigError, match="--distance must be 1 or more, received 0"):
        VideoLook(distance=0)
