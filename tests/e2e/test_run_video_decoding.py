"""What is left out of decoding, from the command line."""

import pytest

import run_video
from tests.builders import read_lines, write_clip


def run_cli(*args):
    return run_video.main([str(arg) for arg in args])


@pytest.fixture(scope="module")
def b_frames(tmp_path_factory):
    """A clip in which every second frame, or more, is needed by no other."""
    path = tmp_path_factory.mktemp("b_frames") / "clip.mp4"
    return write_clip(path, 24, size=(96, 128), options={"bf": "3"})


def test_sparse_decoding_gives_a_line_for_every_frame(b_frames, tmp_path, capfd):
    out = tmp_path / "out.jsonl"
    options = ["--decoding", "sparse", "--output", "none", "--results", out]
    assert run_cli(b_frames, *options) == 0
    header, frames = read_lines(out)
    assert header["config"]["video"]["decoding"] == "sparse"
    assert [frame["frame"] for frame in frames] == list(range(24))
    assert [f["time_s"] for f in frames] == pytest.approx([i / 25 for i in range(24)])
    assert "note:" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--output", "out.mp4"],
        ["--output", "none", "--mode", "causal"],
        ["--output", "none", "--keyframes", "adaptive"],
        ["--output", "none", "--keyframe-interval", "1"],
    ],
)
def test_where_every_picture_is_needed_sparse_is_exact(
    b_frames, tmp_path, monkeypatch, capfd, options
):
    monkeypatch.chdir(tmp_path)
    options = ["--decoding", "sparse", "--results", "out.jsonl", *options]
    assert run_cli(b_frames, *options) == 0
    header, _ = read_lines(tmp_path / "out.jsonl")
    assert header["config"]["video"]["decoding"] == "exact"
    assert capfd.readouterr().err.count("note: every frame is decoded") == 1
