"""The command line, from a clip to a video and a results file."""

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

import run_video
from propagate import session
from propagate.config import build_parts, load_pipeline_config
from propagate.keyframes import FixedInterval
from propagate.pipeline import detect_video, step
from tests.builders import read_lines
from vod.boxes import pairwise_iou
from vod.sources import open_source

ROOT = Path(run_video.__file__).parent
BIKES_FRAMES = 250
BIKES_CUTS = [30, 76, 137, 187, 242]  # seen by eye: the first frame of each new scene


def run_cli(*args):
    return run_video.main([str(arg) for arg in args])


def decoded_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.fixture(scope="module")
def bikes(tmp_path_factory):
    """The main job on a real clip, once for the tests that look at its outputs."""
    folder = tmp_path_factory.mktemp("bikes")
    code = run_cli(
        "sample:bikes",
        "--keyframe-interval",
        10,
        "--output",
        folder / "bikes.mp4",
        "--results",
        folder / "bikes.jsonl",
    )
    assert code == 0
    return folder


@pytest.fixture(scope="module")
def bikes_clip():
    with open_source("sample:bikes", max_frames=25) as source:
        return list(source)


@pytest.fixture(scope="module")
def parts():
    return build_parts(load_pipeline_config())


def same(first, second):
    return (
        np.array_equal(first.boxes, second.boxes)
        and np.array_equal(first.scores, second.scores)
        and np.array_equal(first.labels, second.labels)
    )


def test_main_job_gives_every_frame_in_video_and_results(bikes):
    header, frames = read_lines(bikes / "bikes.jsonl")
    assert [frame["frame"] for frame in frames] == list(range(BIKES_FRAMES))
    keys = {f["frame"] for f in frames if f["key_frame"]}
    starts = [0, *BIKES_CUTS]
    ends = [*BIKES_CUTS, BIKES_FRAMES]
    scenes = list(zip(starts, ends, strict=True))
    expected = {key for start, end in scenes for key in range(start, end, 10)}
    assert keys == expected | {end - 1 for end in ends}
    assert decoded_frames(bikes / "bikes.mp4") == BIKES_FRAMES
    assert header["config"]["propagate"]["keyframe_interval"] == 10
    assert frames[25]["time_s"] == pytest.approx(1.0)


# Marked by hand on the frames: the dark car at the left; the cyclist in black and the
# van's rear; the walker's legs with the parked bicycle behind them.
SEEN_BY_EYE = (
    (50, {"car"}, (5, 90, 295, 271)),
    (120, {"person"}, (352, 10, 484, 271)),
    (120, {"car", "bus", "truck"}, (5, 10, 320, 268)),
    (200, {"person"}, (300, 10, 532, 272)),
)


@pytest.mark.parametrize(("index", "labels", "box"), SEEN_BY_EYE)
def test_what_a_person_sees_is_found_where_it_is(bikes, index, labels, box):
    _, frames = read_lines(bikes / "bikes.jsonl")
    for frame in frames[index : index + 3]:  # a key frame and two propagated ones
        found = [d["box"] for d in frame["detections"] if d["label"] in labels]
        marked = np.array([box], np.float32)
        overlaps = pairwise_iou(np.array(found, np.float32).reshape(-1, 4), marked)
        assert overlaps.max(initial=0) > 0.5, frame


def test_main_job_leaves_nothing_but_its_outputs(bikes):
    assert {path.name for path in bikes.iterdir()} == {"bikes.mp4", "bikes.jsonl"}


def test_output_plays_in_browsers(bikes):
    with av.open(str(bikes / "bikes.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == 25


def test_interval_one_equals_the_plain_detector_bit_for_bit(parts, bikes_clip):
    every = replace(parts, keyframes=FixedInterval(1))
    for result in detect_video(every, bikes_clip[:5]):
        frame, preprocessing = result.frame, parts.detector.preprocessing
        picture = preprocessing.picture_of(frame)
        plain = parts.detector.detect(
            parts.detector.features(preprocessing.input_of(picture)),
            frame_height=frame.height,
            frame_width=frame.width,
            postprocess=parts.postprocess,
        )
        assert same(result.detections, plain)


def test_cutting_at_a_key_frame_changes_nothing(parts, bikes_clip):
    whole = [r.detections for r in detect_video(parts, bikes_clip[:20])]
    second = [replace(f, index=f.index - 10) for f in bikes_clip[10:20]]
    halves = [r.detections for r in detect_video(parts, bikes_clip[:10])]
    halves += [r.detections for r in detect_video(parts, second)]
    assert all(same(a, b) for a, b in zip(whole, halves, strict=True))


def test_state_is_all_that_a_frame_needs_of_the_past(parts, bikes_clip):
    _, key = step(parts, bikes_clip[0], None)
    first, _ = step(parts, bikes_clip[5], key)
    again, _ = step(parts, bikes_clip[5], key)
    assert same(first.detections, again.detections)


def test_flow_none_holds_the_key_boxes(parts, bikes_clip):
    held = list(detect_video(replace(parts, flow=None), bikes_clip[:10]))
    assert all(same(r.detections, held[0].detections) for r in held)


def test_tensorflow_engine_gives_the_same_detections(parts, bikes_clip):
    config = load_pipeline_config(overrides=["engine.name=tensorflow"])
    reference = build_parts(config)
    pairs = zip(
        detect_video(parts, bikes_clip[:12]),
        detect_video(reference, bikes_clip[:12]),
        strict=True,
    )
    for ours, theirs in pairs:
        a, b = ours.detections, theirs.detections
        assert a.labels.tolist() == b.labels.tolist()
        # Stated to users: scores within 1e-3. Both compute in float32.
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-3)
        np.testing.assert_allclose(a.boxes, b.boxes, atol=0.1)


@pytest.mark.parametrize(
    "more", [[], ["--size", "192x344"], ["--size", "66000", "--precision", "int8"]]
)
def test_running_imports_neither_tensorflow_nor_keras(tmp_path, more):
    program = (
        "import sys, run_video\n"
        "code = run_video.main(['sample:bikes', '--max-frames', '12', '--quiet', "
        f"'--output', 'a.mp4', '--results', 'a.jsonl', *{more}])\n"
        "heavy = {'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_default_names_follow_the_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli("sample:bikes", "--max-frames", 3) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"bikes_detected.mp4", "bikes_detected.jsonl"}


@pytest.mark.parametrize(
    ("spec", "stem"),
    [
        ("clips/a b.mp4", "a_b_detected"),
        ("sample:bikes", "bikes_detected"),
        ("rtsp://user:pw@host/stream?x=1", "stream_detected"),
        ("0", "0_detected"),
        ("frames/*.jpg", "detected"),
    ],
)
def test_outputs_are_named_after_the_input(spec, stem):
    assert run_video.default_stem(spec) == stem


def test_classes_and_threshold_filter(tmp_path):
    results = tmp_path / "r.jsonl"
    code = run_cli(
        "sample:bikes",
        "--start",
        4.8,
        "--max-frames",
        15,
        "--output",
        "none",
        "--results",
        results,
        "--classes",
        "person",
        "--score-threshold",
        0.4,
    )
    assert code == 0
    _, frames = read_lines(results)
    found = [d for frame in frames for d in frame["detections"]]
    assert {d["label"] for d in found} == {"person"}
    assert min(d["score"] for d in found) >= 0.4


@pytest.mark.parametrize("ending", [".json", ".txt", ".jsonl.gz"])
def test_other_result_formats_follow_the_ending(tmp_path, ending):
    results = tmp_path / f"r{ending}"
    arguments = ["--start", 4.8, "--max-frames", 3, "--output", "none"]
    assert run_cli("sample:bikes", *arguments, "--results", results) == 0
    opener = gzip.open if ending.endswith(".gz") else open
    with opener(results, "rt") as stream:
        text = stream.read()
    if ending == ".json":
        assert {row["image_id"] for row in json.loads(text)} == {1, 2, 3}
    elif ending == ".txt":
        assert {line.split()[0] for line in text.splitlines()} == {"1", "2", "3"}
    else:
        assert len(text.splitlines()) == 1 + 3


def test_max_frames_and_start_select(tmp_path):
    results = tmp_path / "r.jsonl"
    code = run_cli(
        "sample:bikes",
        "--start",
        2,
        "--max-frames",
        4,
        "--output",
        "none",
        "--results",
        results,
    )
    assert code == 0
    _, frames = read_lines(results)
    assert len(frames) == 4
    assert frames[0]["time_s"] == pytest.approx(2.0)
    assert frames[0]["key_frame"]


def test_output_over_the_input_is_refused(tmp_path, bikes, capfd):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes((bikes / "bikes.mp4").read_bytes())
    before = clip.read_bytes()
    assert run_cli(clip, "--output", clip, "--results", "none") == 1
    assert "clip.mp4" in capfd.readouterr().err
    assert clip.read_bytes() == before


def test_truncated_clip_gives_its_readable_frames_and_says_so(tmp_path, bikes, capfd):
    data = (bikes / "bikes.mp4").read_bytes()
    clip = tmp_path / "cut.mp4"
    clip.write_bytes(data[: len(data) * 6 // 10])
    code = run_cli(
        clip, "--output", tmp_path / "o.mp4", "--results", tmp_path / "r.jsonl"
    )
    assert code == 0
    _, frames = read_lines(tmp_path / "r.jsonl")
    assert 50 < len(frames) < BIKES_FRAMES
    assert decoded_frames(tmp_path / "o.mp4") == len(frames)
    assert "ends early" in capfd.readouterr().err


def test_ctrl_c_keeps_what_was_done(tmp_path, monkeypatch):
    real = session.results_of

    def interrupted(parts, frames):
        for result in real(parts, frames):
            if result.frame.index == 15:
                raise KeyboardInterrupt
            yield result

    monkeypatch.setattr(session, "results_of", interrupted)
    code = run_cli(
        "sample:bikes",
        "--output",
        tmp_path / "o.mp4",
        "--results",
        tmp_path / "r.jsonl",
    )
    assert code == 130
    assert decoded_frames(tmp_path / "o.mp4") == 15
    assert len(read_lines(tmp_path / "r.jsonl")[1]) == 15


def test_failure_in_the_middle_leaves_no_output(tmp_path, monkeypatch, capfd):
    from vod.errors import VideoError

    def failing(*_args, **_kwargs):
        raise VideoError("frame 0 cannot be drawn")

    monkeypatch.setattr(session, "draw_on", failing)
    code = run_cli(
        "sample:bikes",
        "--output",
        tmp_path / "o.mp4",
        "--results",
        tmp_path / "r.jsonl",
    )
    assert code == 1
    assert "frame 0 cannot be drawn" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
