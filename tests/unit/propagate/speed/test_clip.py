import pytest

from propagate.speed.clip import Clip, LoopedSource
from tests.builders import write_clip
from vod.errors import ConfigError


def test_a_looped_clip_begins_anew_and_its_times_go_on(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", count=3)
    with Clip(str(path), 8, loops=True).open() as source:
        assert source.info.frame_count == 8
        assert source.info.duration_s is None
        frames = [(frame.index, frame.time_s, frame.rgb.mean()) for frame in source]
    assert [index for index, _, _ in frames] == list(range(8))
    assert [time for _, time, _ in frames] == pytest.approx(
        [0.04 * i for i in range(8)]
    )
    assert [mean for *_, mean in frames[3:6]] == [mean for *_, mean in frames[:3]]


def test_a_clip_that_does_not_loop_ends_at_its_end(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", count=3)
    with Clip(str(path), 8).open() as source:
        assert len(list(source)) == 3


def test_the_first_frames_of_a_clip_never_are_more_than_it_has():
    assert Clip("a.mp4", 5).first(9) == Clip("a.mp4", 5)
    assert Clip("a.mp4").first(9) == Clip("a.mp4", 9)


def test_a_looped_clip_without_frames_is_refused(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", count=3)
    with pytest.raises(ConfigError, match="1 frame or more, received 0"):
        LoopedSource(str(path), frames=0)


def test_what_is_wrong_with_a_clip_is_told_of_every_run(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", count=30)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(path.read_bytes())
    with LoopedSource(str(cut), frames=40) as source:
        source._source.problems.append("something")
        assert len(list(source)) == 40
    assert source.problems == ["something"]
