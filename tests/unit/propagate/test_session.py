"""A source through the session, with the toy detector of the pipeline's tests."""

import types

import numpy as np
import pytest

from propagate.parts import FrameResult
from propagate.session import Outputs, Summary, process, queue_depth
from propagate.timing import StageTimer
from propagate.tracked import Tracked
from tests.builders import make_detections
from tests.toy_pipeline import dot_frame, make_parts
from vod.errors import VideoError


class ListSource:
    """Frames from a list."""

    def __init__(self, frames):
        self.frames = frames
        self.info = types.SimpleNamespace(name="list", is_live=False, width=8, height=8)

    def __iter__(self):
        return iter(self.frames)


class Recorder:
    """Remembers what is written, as results file and as window."""

    def __init__(self, closed_after=None):
        self.rows, self.shown, self.closed_after = [], 0, closed_after
        self.told, self.tracks = [], []

    def write(self, index, _time_s, key_frame, detections, provenance, track_ids):
        self.rows.append((index, key_frame, len(detections)))
        self.told.append((provenance.key_frames.tolist(), provenance.ages.tolist()))
        self.tracks.append(None if track_ids is None else track_ids.tolist())

    def show(self, _picture):
        self.shown += 1
        return self.shown != self.closed_after


FRAMES = [dot_frame(index, index, 1) for index in range(5)]


def test_every_frame_is_written_in_order():
    recorder = Recorder()
    outputs = Outputs(("dot",), results=recorder)
    summary = process(ListSource(FRAMES), make_parts(interval=2), outputs)
    keys = [True, False, True, False, True]
    assert recorder.rows == [(i, key, 1) for i, key in enumerate(keys)]
    assert (summary.frames, summary.key_frames) == (5, 3)
    assert not summary.interrupted


def test_only_wanted_labels_are_written():
    recorder = Recorder()
    outputs = Outputs(("dot",), labels=np.array([7]), results=recorder)
    process(ListSource(FRAMES), make_parts(), outputs)
    assert {count for _, _, count in recorder.rows} == {0}


def test_every_box_tells_its_key_frame_and_age():
    recorder = Recorder()
    outputs = Outputs(("dot",), results=recorder)
    process(ListSource(FRAMES), make_parts(interval=2), outputs)
    assert recorder.told == [
        ([0], [0]),
        ([0], [1]),
        ([2], [0]),
        ([2], [1]),
        ([4], [0]),
    ]


def test_classes_are_filtered_with_their_provenance():
    found = make_detections(
        ((0, 0, 4, 4), 0.9, 2), ((0, 0, 4, 4), 0.8, 7), ((0, 0, 4, 4), 0.7, 2)
    )
    tracked = Tracked(
        found,
        key_frames=np.array([5, 0, 10], np.int32),
        ages=np.array([3, 8, 2], np.int32),
        shifts=np.zeros(3, np.float32),
        confidences=np.ones(3, np.float32),
    )
    recorder = Recorder()
    outputs = Outputs(("dot",), labels=np.array([2]), results=recorder)
    outputs.put(FrameResult(FRAMES[0], tracked, key_frame=False))
    assert recorder.rows == [(0, False, 2)]
    assert recorder.told == [([5, 10], [3, 2])]


def test_closing_the_window_ends_the_run():
    recorder = Recorder(closed_after=3)
    outputs = Outputs(("dot",), display=recorder)
    assert process(ListSource(FRAMES), make_parts(), outputs).frames == 3


def test_ctrl_c_keeps_what_was_found():
    recorder = Recorder()

    def progress(results):
        for result in results:
            if result.frame.index == 2:
                raise KeyboardInterrupt
            yield result

    outputs = Outputs(("dot",), results=recorder)
    summary = process(ListSource(FRAMES), make_parts(), outputs, progress=progress)
    assert summary.interrupted
    assert len(recorder.rows) == summary.frames == 2


def test_a_source_without_frames_is_an_error():
    with pytest.raises(VideoError, match="list holds no frame"):
        process(ListSource([]), make_parts(), Outputs(("dot",)))


def test_a_failing_output_reaches_the_caller():
    class Full(Recorder):
        def write(self, *_):
            raise VideoError("disk full")

    with pytest.raises(VideoError, match="disk full"):
        process(ListSource(FRAMES), make_parts(), Outputs(("dot",), results=Full()))


def test_a_failing_source_reaches_the_caller():
    class Broken(ListSource):
        def __iter__(self):
            yield self.frames[0]
            raise VideoError("frame 1 is gone")

    with pytest.raises(VideoError, match="frame 1 is gone"):
        process(Broken(FRAMES), make_parts(), Outputs(("dot",)))


def test_a_second_run_starts_its_own_timers():
    parts = make_parts()
    first = process(ListSource(FRAMES), parts, Outputs(("dot",)))
    second = process(ListSource(FRAMES), parts, Outputs(("dot",)))
    assert first.timers[1].calls == second.timers[1].calls


def test_the_closing_line_counts_frames_and_names_stages():
    timer = StageTimer()
    with timer.stage("decode"):
        pass
    line = Summary(frames=20, key_frames=2, seconds=4.0, timers=(timer,)).line()
    assert line.startswith("20 frames, 2 key frames, 5.0 fps; ms a call: decode 0.0")


class Numbering:
    """Numbers boxes by their frame; remembers what it saw."""

    def __init__(self):
        self.seen = []

    def assign(self, found, time_s):
        self.seen.append((len(found), time_s))
        return np.full(len(found), len(self.seen), np.int32)


def test_what_is_put_out_gets_its_track_numbers():
    recorder, numbering = Recorder(), Numbering()
    outputs = Outputs(("dot",), track_ids=numbering, results=recorder)
    process(ListSource(FRAMES), make_parts(interval=2), outputs)
    assert numbering.seen == [(1, frame.time_s) for frame in FRAMES]
    assert recorder.tracks == [[1], [2], [3], [4], [5]]


def test_only_what_is_put_out_is_tracked():
    recorder, numbering = Recorder(), Numbering()
    outputs = Outputs(
        ("dot",), labels=np.array([7]), track_ids=numbering, results=recorder
    )
    process(ListSource(FRAMES), make_parts(), outputs)
    assert [count for count, _ in numbering.seen] == [0] * 5


def test_without_tracking_no_numbers_are_written():
    recorder = Recorder()
    process(ListSource(FRAMES), make_parts(), Outputs(("dot",), results=recorder))
    assert recorder.tracks == [None] * 5


@pytest.mark.parametrize(
    ("size", "is_live", "mode", "depth"),
    [
        ((640, 360), False, "offline", 12),  # .35 MB a frame
        ((1920, 1080), False, "offline", 7),  # 3.1 MB
        ((3840, 2160), False, "offline", 4),  # 12.4 MB
        ((640, 360), False, "causal", 4),
        ((640, 360), True, "offline", 4),
    ],
)
def test_bursts_get_room_where_memory_and_liveliness_allow(size, is_live, mode, depth):
    info = types.SimpleNamespace(width=size[0], height=size[1], is_live=is_live)
    assert queue_depth(info, mode) == depth
