"""How exactly a video is decoded."""

import numpy as np
import pytest
from av.video.frame import PictureType

from tests.builders import write_clip
from vod.errors import VideoError
from vod.sources import open_source


def soft_noise(rng):
    """A picture that a coarse codec turns into blocks."""
    cells = rng.uniform(60, 200, (6, 8, 3)).repeat(8, 0).repeat(8, 1)
    return (cells + rng.normal(0, 12, cells.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Frames that drift, with B-frames, coded so coarsely that blocks are filtered."""
    first = soft_noise(np.random.default_rng(0))
    pictures = [np.roll(first, 3 * index, axis=1) for index in range(24)]
    path = tmp_path_factory.mktemp("clip") / "coarse.mp4"
    options = {"crf": "40", "bf": "3", "preset": "medium"}
    return write_clip(path, pictures=pictures, options=options)


def frames_of(clip, decoding):
    with open_source(str(clip), decoding=decoding) as source:
        return list(source)


def test_quick_changes_b_frames_alone_and_those_little(clip):
    changed = {True: 0, False: 0}
    for quick, exact in zip(
        frames_of(clip, "quick"), frames_of(clip, "exact"), strict=True
    ):
        assert quick.time_s == exact.time_s
        is_b_frame = PictureType(exact.picture._decoded.pict_type) == PictureType.B
        off = np.abs(quick.rgb.astype(int) - exact.rgb)
        changed[is_b_frame] += bool(off.any())
        assert off.mean() < 8
    assert changed[True] > 0
    assert changed[False] == 0


def test_quick_is_the_same_each_time(clip):
    for one, other in zip(
        frames_of(clip, "quick"), frames_of(clip, "quick"), strict=True
    ):
        np.testing.assert_array_equal(one.rgb, other.rgb)


def test_without_b_frames_quick_is_exact(tmp_path):
    path = write_clip(tmp_path / "plain.mp4", 8, options={"crf": "40", "bf": "0"})
    pairs = zip(frames_of(path, "quick"), frames_of(path, "exact"), strict=True)
    assert all(np.array_equal(quick.rgb, exact.rgb) for quick, exact in pairs)


def test_sparse_leaves_out_what_no_other_frame_needs(clip):
    skipped = 0
    for sparse, exact in zip(
        frames_of(clip, "sparse"), frames_of(clip, "exact"), strict=True
    ):
        assert (sparse.index, sparse.time_s) == (exact.index, exact.time_s)
        assert (sparse.height, sparse.width) == (exact.height, exact.width)
        skipped += sparse.is_skipped
        if not sparse.is_skipped:
            np.testing.assert_array_equal(sparse.rgb, exact.rgb)
    assert 8 <= skipped <= 16  # of 24 frames; two of three B-frames, or more


def test_a_skipped_frame_has_no_picture(clip):
    skipped = next(frame for frame in frames_of(clip, "sparse") if frame.is_skipped)
    with pytest.raises(VideoError, match=rf"frame {skipped.index} has no picture"):
        skipped.rgb  # noqa: B018


@pytest.mark.parametrize("count", [1, 2, 3, 24, 30])
def test_sparse_stops_after_as_many_frames(clip, count):
    with open_source(str(clip), decoding="sparse", max_frames=count) as source:
        assert len(list(source)) == min(count, 24)


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_sparse_begins_with_a_picture(tmp_path, suffix):
    path = write_clip(tmp_path / f"clip{suffix}", 24, options={"bf": "3"})
    with open_source(str(path), decoding="sparse", start_s=0.3) as source:
        first, *others = source
    assert not first.is_skipped
    assert 0.3 <= first.time_s < 0.5
    assert first.index == 0
    assert len(others) == 23 - round(first.time_s * 25)
    assert others[-1].time_s == pytest.approx(23 / 25)


@pytest.mark.parametrize("suffix", [".avi", ".h264"])
def test_where_packets_have_no_times_sparse_decodes_all(tmp_path, suffix):
    path = write_clip(tmp_path / f"clip{suffix}", 24, options={"bf": "3"})
    frames = frames_of(path, "sparse")
    assert len(frames) == 24
    assert not any(frame.is_skipped for frame in frames)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mov"])
def test_sparse_reads_other_containers(tmp_path, suffix):
    path = write_clip(tmp_path / f"clip{suffix}", 24, options={"bf": "3"})
    sparse, exact = frames_of(path, "sparse"), frames_of(path, "exact")
    assert [frame.time_s for frame in sparse] == [frame.time_s for frame in exact]
    assert any(frame.is_skipped for frame in sparse)
