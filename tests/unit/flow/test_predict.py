"""Flow as a tool: two pictures, or a video, through the command line."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from flow.flo import read_flo
from flow.kitti_png import read_kitti_png
from flow.predict import main
from tests.builders import names_in, write_clip
from tests.shifted_pairs import shifted_pictures, write_picture
from vod import display
from vod.video import VideoReader


@pytest.fixture
def pictures(tmp_path):
    """Two pictures; content moves by (4, -2) pixels from the first to the second."""
    folder = tmp_path / "in"
    folder.mkdir()
    first, second = shifted_pictures(4, -2)
    return [
        str(write_picture(folder / "a.png", first)),
        str(write_picture(folder / "b.png", second)),
    ]


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def told(capsys, *arguments):
    """Give the one line that a failing command says."""
    assert main([str(argument) for argument in arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    return line


def test_two_pictures_give_flow_from_the_first_to_the_second(pictures, out):
    flo, png = out / "f.flo", out / "f.png"
    for path in (flo, png):
        assert main([*pictures, "--flow", "dis", "--out", str(path)]) == 0
    flow = read_flo(flo)
    inside = flow[20:-20, 20:-20]
    np.testing.assert_allclose(np.median(inside, axis=(0, 1)), (4, -2), atol=0.2)
    stored, valid = read_kitti_png(png)
    assert valid.all()
    assert np.abs(stored - flow).max() <= 1 / 128
    assert names_in(out) == ["f.flo", "f.png"]


def test_the_picture_has_the_colours_of_the_flow(pictures, out):
    path = out / "p.png"
    arguments = ["--flow", "dis", "--picture", str(path), "--max-px", "4.5"]
    assert main([*pictures, *arguments, "--no-legend"]) == 0
    plain = cv2.imread(str(path))[..., ::-1]
    assert plain.shape == (96, 128, 3)
    # (4, -2) is right and up: between red and magenta.
    red, green, blue = np.median(plain[20:-20, 20:-20], axis=(0, 1))
    assert red > 240
    assert 60 < blue < 160
    assert green < 30
    assert main([*pictures, *arguments]) == 0
    assert (cv2.imread(str(path))[..., ::-1] != plain).any()


def test_a_network_runs_on_pictures_of_a_size_it_has_no_graph_for(
    pictures, out, narrow_weights
):
    network = ["--weights", str(narrow_weights), "--engine", "tensorflow"]
    assert main([*pictures, *network, "--out", str(out / "f.flo")]) == 0
    assert read_flo(out / "f.flo").shape == (96, 128, 2)


def test_what_is_wrong_with_pictures_is_told_and_nothing_is_written(
    pictures, out, tmp_path, capsys
):
    a, b = pictures
    flo = out / "f.flo"
    small = write_picture(tmp_path / "small.png", shifted_pictures(0, 0)[0][:90])
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    zero = ("--flow", "zero", "--out", flo)
    line = told(capsys, a, small, *zero)
    assert f"{a} is 128 x 96 pixels and {small} 128 x 90 pixels" in line
    assert "broken.png is not an image" in told(capsys, a, broken, *zero)
    assert "cannot read" in told(capsys, a, tmp_path / "none.png", *zero)
    assert "unknown flow 'zeros'" in told(capsys, a, b, "--flow", "zeros", *zero[2:])
    weights = ("--weights", tmp_path, "--out", flo)
    assert "no weights in" in told(capsys, a, b, *weights)
    assert "has no weights" in told(capsys, a, b, "--flow", "dis", *weights)
    assert "received 3 inputs" in told(capsys, a, b, a, *zero)
    assert names_in(out) == []


def test_outputs_that_cannot_be_are_refused_before_the_work(pictures, out, capsys):
    zero = (*pictures, "--flow", "zero")
    assert "name a file to write" in told(capsys, *zero)
    assert "must end in .flo or .png" in told(capsys, *zero, "--out", out / "f.npz")
    assert "must end in .png or" in told(capsys, *zero, "--picture", out / "f.gif")
    assert "would overwrite" in told(capsys, *zero, "--picture", pictures[0])
    both = out / "x.png"
    assert "are both" in told(capsys, *zero, "--out", both, "--picture", both)
    assert "does not exist" in told(capsys, *zero, "--out", out / "no" / "f.flo")
    assert "are for a video" in told(capsys, *zero, "--output", out / "f.mp4")
    assert names_in(out) == []


def test_flow_too_long_for_kittis_format_leaves_no_file(
    pictures, out, capsys, monkeypatch
):
    far = np.full((96, 128, 2), 600, np.float32)
    monkeypatch.setattr("flow.predict.FlowRunner", lambda _: lambda *_: far)
    assert "Write a .flo file" in told(capsys, *pictures, "--out", out / "f.png")
    assert names_in(out) == []


def test_a_video_gives_a_video_twice_as_wide_with_its_times(tmp_path, out, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 5)
    path = out / "flow.mp4"
    assert main([str(clip), "--flow", "dis-fast", "--output", str(path)]) == 0
    with VideoReader(path) as reader:
        frames = list(reader)
        assert (reader.info.width, reader.info.height) == (128, 48)
    assert [round(frame.time_s * 25) for frame in frames] == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err.startswith("5 frames, ")
    assert names_in(out) == ["flow.mp4"]


def test_a_video_stops_after_the_frames_asked_for(tmp_path, out):
    clip = write_clip(tmp_path / "clip.mp4", 8)
    arguments = [str(clip), "--flow", "zero", "--output", str(out / "f.mp4")]
    assert main([*arguments, "--max-frames", "3", "--distance", "2"]) == 0
    with VideoReader(out / "f.mp4") as reader:
        assert len(list(reader)) == 3


def test_a_folder_of_pictures_is_a_video(pictures, out):
    folder = Path(pictures[0]).parent
    assert main([str(folder), "--flow", "zero", "--output", str(out / "f.mp4")]) == 0
    with VideoReader(out / "f.mp4") as reader:
        assert len(list(reader)) == 2


def test_frames_are_shown_until_the_user_presses_q(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "clip.mp4", 5)
    shown = []
    monkeypatch.setenv("DISPLAY", ":0")
    for name in ("namedWindow", "destroyWindow"):
        monkeypatch.setattr(display.cv2, name, lambda *_: None)
    monkeypatch.setattr(display.cv2, "imshow", lambda _, rgb: shown.append(rgb.shape))
    monkeypatch.setattr(
        display.cv2, "waitKey", lambda _: ord("q") if len(shown) == 2 else -1
    )
    assert main([str(clip), "--flow", "zero", "--show"]) == 0
    assert shown == [(48, 128, 3)] * 2


def test_what_is_wrong_with_a_video_is_told_and_nothing_is_written(
    tmp_path, out, pictures, capsys
):
    clip = write_clip(tmp_path / "clip.mp4", 3)
    zero = ("--flow", "zero", "--output", out / "f.mp4")
    assert "cannot find" in told(capsys, tmp_path / "none.mp4", *zero)
    assert "is one picture" in told(capsys, pictures[0], *zero)
    assert "name what is to come out" in told(capsys, clip)
    assert "--out and --picture are for two" in told(capsys, clip, "--out", "f.flo")
    assert "must end in .mp4" in told(capsys, clip, "--output", out / "f.avi")
    assert "--max-px must be positive" in told(capsys, clip, *zero, "--max-px", "-1")
    assert "no weights in" in told(capsys, clip, *zero[2:], "--weights", tmp_path)
    tiny = write_clip(tmp_path / "tiny.mp4", 3, size=(8, 8))
    assert "at least 16 pixels" in told(capsys, tiny, "--flow", "dis", *zero[2:])
    assert names_in(out) == []


def test_ctrl_c_keeps_the_frames_so_far(tmp_path, out, monkeypatch, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 5)
    calls = []

    def runner(*_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return np.zeros((48, 64, 2), np.float32)

    monkeypatch.setattr("flow.predict.FlowRunner", lambda _: runner)
    assert main([str(clip), "--output", str(out / "f.mp4")]) == 130
    assert "are kept" in capsys.readouterr().err
    with VideoReader(out / "f.mp4") as reader:
        assert len(list(reader)) == 2
