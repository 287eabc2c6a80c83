import pytest

from tests.builders import write_clip, write_sound
from vod.errors import VideoError
from vod.video import VideoReader
from vod.video_repeat import repeat_video


def test_a_repeated_clip_is_one_long_one_with_the_same_pictures(tmp_path):
    source = write_clip(tmp_path / "clip.mp4", count=12)  # libx264 reorders frames
    target = tmp_path / "long.mp4"
    repeat_video(str(source), target, frames=30)
    with VideoReader(source) as once, VideoReader(target) as long:
        before = [frame.rgb for frame in once]
        after = [(frame.time_s, frame.rgb) for frame in long]
        assert long.problems == []
    assert [time for time, _ in after] == pytest.approx([0.04 * i for i in range(36)])
    for index, (_, rgb) in enumerate(after):
        assert (rgb == before[index % 12]).all()


def test_what_holds_no_pictures_cannot_be_repeated(tmp_path):
    sound = write_sound(tmp_path / "sound.mp4")
    with pytest.raises(VideoError, match="sound only"):
        repeat_video(str(sound), tmp_path / "long.mp4", frames=3)


def test_what_does_not_fit_into_an_mp4_is_named(tmp_path):
    clip = write_clip(tmp_path / "clip.avi", codec="rawvideo", count=3)
    with pytest.raises(VideoError, match=r"clip\.avi .* convert it to H\.264 first"):
        repeat_video(str(clip), tmp_path / "long.mp4", frames=9)
