import numpy as np
import pytest

from propagate.speed.clip import Clip
from propagate.speed.codecs import coded_frames, copy_coded, copy_frames
from tests.builders import write_clip
from vod.errors import VideoError
from vod.video import VideoWriter


@pytest.fixture
def clip(tmp_path):
    return Clip(str(write_clip(tmp_path / "clip.mp4", count=12)))


@pytest.mark.parametrize("as_coded", [True, False])
def test_copying_keeps_every_picture_whether_it_passes_through_rgb_or_not(
    as_coded, clip, tmp_path
):
    out = tmp_path / "out.mp4"
    with clip.open() as source, VideoWriter(out, info=source.info) as video:
        count = copy_coded(clip, video) if as_coded else copy_frames(source, video)
    assert count == 12
    with clip.open() as source, Clip(str(out)).open() as copy:
        before = np.stack([frame.rgb.astype(int) for frame in source])
        after = np.stack([frame.rgb.astype(int) for frame in copy])
    errors = np.abs(before[:, None] - after[None]).mean((2, 3, 4))
    # Each copy is nearest to its own original: none is lost, none changes places.
    assert errors.argmin(0).tolist() == list(range(12))


def test_decoding_a_text_is_refused(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("hello")
    with pytest.raises(VideoError, match="not a video"):
        next(coded_frames(Clip(str(path))))
