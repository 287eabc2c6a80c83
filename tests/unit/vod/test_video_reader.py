"""Videos that are read: frames, times, and what is wrong with them."""

import itertools
import logging
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.builders import (
    make_picture,
    read_video,
    write_clip,
    write_sound,
)
from vod.errors import VideoError
from vod.video import VideoReader

VFR_PTS = [0, 1001, 1200, 5000, 5001, 9000, 20000, 20017, 30000, 30001]


def test_frames_carry_index_time_and_rgb(tmp_path):
    frames, problems = read_video(write_clip(tmp_path / "a.mp4", 5))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in frames] == [0.0, 0.04, 0.08, 0.12, 0.16]
    assert np.abs(frames[3].rgb.astype(int) - make_picture(3)).mean() < 6
    assert problems == []


def test_info_says_what_is_known_beforehand(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 5)
    with VideoReader(path) as reader:
        info = reader.info
    assert (info.width, info.height) == (64, 48)
    assert (info.frame_count, info.duration_s) == (5, 0.2)
    assert info.average_rate == 25
    assert info.path == path
    assert not info.is_live
    assert not info.has_audio


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001)])
def test_fractional_rates_are_exact(tmp_path, rate):
    frames, _ = read_video(write_clip(tmp_path / "a.mp4", 60, rate=rate))
    assert [frame.time_s for frame in frames] == [float(i / rate) for i in range(60)]


def test_a_variable_rate_is_read_exactly(tmp_path):
    base = Fraction(1, 30000)
    path = write_clip(tmp_path / "a.mp4", pts=VFR_PTS, time_base=base)
    frames, _ = read_video(path)
    assert [frame.time_s for frame in frames] == [float(p * base) for p in VFR_PTS]


@pytest.mark.parametrize(
    ("rotation", "corner"),
    [(0, (0, 0)), (90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1))],
)
def test_rotation_is_applied_as_a_viewer_would(tmp_path, rotation, corner):
    # Red upper left corner; turned counter-clockwise by 90 degrees it is lower left.
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:8, :8, 0] = 255
    path = write_clip(tmp_path / "a.mp4", pictures=[picture] * 2, rotation=rotation)
    frames, _ = read_video(path)
    with VideoReader(path) as reader:
        displayed = (reader.info.height, reader.info.width)
    assert displayed == ((32, 64) if rotation in (0, 180) else (64, 32))
    assert frames[0].rgb.shape[:2] == displayed
    assert frames[0].rgb[corner][0] > 180
    assert sum(int(frames[0].rgb[y, x, 0]) > 180 for y in (0, -1) for x in (0, -1)) == 1


def test_a_mirrored_clip_is_mirrored(tmp_path):
    path = tmp_path / "a.mp4"
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:8, :8, 0] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv420p"
        stream.set_display_rotation(0, hflip=True)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    frames, _ = read_video(path)
    assert frames[0].rgb[0, -1, 0] > 180
    assert frames[0].rgb[0, 0, 0] < 80


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix", "size"),
    [
        ("libx264", "yuv420p10le", ".mp4", (48, 64)),
        ("libx264", "gray", ".mp4", (48, 64)),
        ("libx264", "yuv444p", ".mp4", (47, 63)),
        ("ffv1", "yuv420p", ".mkv", (47, 63)),
        ("png", "rgba", ".mov", (47, 63)),
        ("mpeg4", "yuv420p", ".avi", (48, 64)),
    ],
)
def test_every_pixel_format_becomes_rgb(tmp_path, codec, pix_fmt, suffix, size):
    path = write_clip(
        tmp_path / f"a{suffix}", 3, codec=codec, pix_fmt=pix_fmt, size=size
    )
    frames, problems = read_video(path)
    assert len(frames) == 3
    assert frames[0].rgb.shape == (*size, 3)
    expected = make_picture(0, height=size[0], width=size[1]).astype(int)
    if pix_fmt == "gray":
        expected = (expected @ [0.299, 0.587, 0.114])[..., None]
    assert np.abs(frames[0].rgb - expected).mean() < 8
    assert problems == []


def test_start_skips_frames_but_keeps_the_clock(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 50, options={"g": "12"})
    frames, _ = read_video(path, start_s=1.0, max_frames=3)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.time_s for frame in frames] == [1.0, 1.04, 1.08]
    assert np.abs(frames[0].rgb.astype(int) - make_picture(25)).mean() < 6


def test_a_start_is_found_where_seeking_lands_past_the_key_frame(tmp_path):
    path = write_clip(tmp_path / "a.ts", 50, options={"g": "250"})
    frames, problems = read_video(path, start_s=1.0)
    assert [frame.time_s for frame in frames[:2]] == pytest.approx([1.0, 1.04])
    assert len(frames) == 25
    assert np.abs(frames[0].rgb.astype(int) - make_picture(25)).mean() < 6
    assert problems == []


def test_the_estimated_count_knows_start_and_limit(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 50)
    with VideoReader(path, start_s=1.0) as reader:
        assert reader.info.frame_count == 25
    with VideoReader(path, max_frames=7) as reader:
        assert reader.info.frame_count == 7


def test_a_start_after_the_end_is_refused(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 10)
    with pytest.raises(VideoError, match=r"no frame at or after 9 s; .* at 0.360 s"):
        VideoReader(path, start_s=9)


# Bad input


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match=r"cannot find .*nope\.mp4"):
        VideoReader(tmp_path / "nope.mp4")


def test_an_empty_file_is_one_sentence(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(VideoError, match=r"empty\.mp4 is empty"):
        VideoReader(path)


def test_a_folder_is_not_a_video(tmp_path):
    with pytest.raises(VideoError, match="is a folder"):
        VideoReader(tmp_path)


@pytest.mark.parametrize("name", ["notes.mp4", "notes.txt", "notes.json"])
def test_a_text_file_is_one_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_text("hello, these are words\n" * 300)
    with pytest.raises(VideoError, match=r"notes.* is (not a video|text)"):
        VideoReader(path)


def test_sound_only_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match="holds sound only"):
        VideoReader(write_sound(tmp_path / "a.m4a"))


def test_a_clip_without_frames_is_one_sentence(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    with pytest.raises(VideoError, match=r"no readable frame|not a video|no pictures"):
        VideoReader(path)


def test_an_mp4_cut_before_its_index_says_so(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 50)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(VideoError, match=r"cut short: its index \(moov\)"):
        VideoReader(path)


def test_a_cut_mp4_gives_its_frames_and_says_that_it_ends_early(tmp_path, caplog):
    options = {"movflags": "+faststart"}
    path = write_clip(tmp_path / "a.mp4", 100, container_options=options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    with caplog.at_level(logging.WARNING):
        frames, problems = read_video(path)
    assert 20 < len(frames) < 100
    assert any("ends early" in problem for problem in problems)
    assert f"{len(frames)} frames could be read" in " ".join(problems)
    assert "ends early" in caplog.text


def test_a_cut_matroska_file_says_that_it_ends_early(tmp_path):
    path = write_clip(tmp_path / "a.mkv", 100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames, problems = read_video(path)
    assert 0 < len(frames) < 100
    assert any("ends early" in problem for problem in problems)


def test_damage_in_the_middle_is_passed_and_reported(tmp_path):
    noise = np.random.default_rng(0)
    pictures = [noise.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(60)]
    options = {"g": "10", "bf": "0"}
    path = write_clip(tmp_path / "a.mp4", pictures=pictures, options=options)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        spans = [(p.pos, p.size) for p in packets[20:24]]
    data = bytearray(path.read_bytes())
    for position, size in spans:
        data[position : position + size] = noise.bytes(size)
    path.write_bytes(data)
    frames, problems = read_video(path)
    assert 50 <= len(frames) <= 60
    assert frames[-1].time_s == 59 / 25
    assert any("is damaged" in problem for problem in problems)


def test_a_change_of_size_is_scaled_and_reported(tmp_path):
    parts = [
        write_clip(tmp_path / f"{i}.h264", 5, size=size)
        for i, size in enumerate([(48, 64), (96, 128)])
    ]
    path = tmp_path / "a.h264"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, problems = read_video(path)
    assert {frame.rgb.shape for frame in frames} == {(48, 64, 3)}
    assert any("the size changes at frame 5" in problem for problem in problems)


def test_frames_without_times_follow_the_rate(tmp_path):
    frames, _ = read_video(write_clip(tmp_path / "a.h264", 5))
    times = [frame.time_s for frame in frames]
    assert times[0] == 0
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
