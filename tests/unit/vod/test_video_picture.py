"""A picture that becomes RGB late is the one that it would have been at once."""

import threading

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from tests.builders import make_picture, write_clip
from vod.errors import VideoError
from vod.preprocess import Preprocessing
from vod.types import Frame
from vod.video import VideoReader, VideoWriter
from vod.video_picture import Orientation, VideoPicture, yuv_to_rgb

BT709, BT601, UNSPECIFIED, YCGCO = 1, 6, 2, 8
LIMITED, FULL = 1, 2


def scene(height=240, width=320):
    """Blurred random colours: what a camera sees changes smoothly."""
    coarse = np.random.default_rng(7).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def decoded(rgb=None, *, pix_fmt="yuv420p", space=BT709, span=LIMITED):
    whole = av.VideoFrame.from_ndarray(scene() if rgb is None else rgb, "rgb24")
    frame = VideoReformatter().reformat(whole, format=pix_fmt)
    frame.colorspace, frame.color_range = space, span
    return frame


def picture_of(frame, orientation=None, size=None):
    return VideoPicture(
        frame,
        size=size or (frame.width, frame.height),
        orientation=orientation or Orientation(),
        name="clip.mp4: frame 3",
    )


def apart(one, other):
    return np.abs(one.astype(int) - other.astype(int))


@pytest.mark.parametrize("span", [LIMITED, FULL])
@pytest.mark.parametrize("space", [BT709, BT601, UNSPECIFIED])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
def test_planes_stretched_are_the_whole_picture_stretched(pix_fmt, space, span):
    picture = picture_of(decoded(pix_fmt=pix_fmt, space=space, span=span))
    late = picture.resized(100, 120)
    early = Preprocessing(100, 120).resize(picture.rgb)
    # FFmpeg cuts fractions off where the matrix rounds: about one level of 255.
    assert apart(late, early).mean() < 1.6
    # It repeats colour of half size where we interpolate it: measured, 5 levels here.
    assert np.percentile(apart(late, early), 99) <= (3 if pix_fmt == "yuv444p" else 6)


def test_an_untagged_picture_is_bt_709_from_720_rows_on():
    for height, space in ((718, BT601), (720, BT709)):
        rgb = scene(height, 64)
        untagged = picture_of(decoded(rgb, space=UNSPECIFIED))
        tagged = picture_of(decoded(rgb, space=space))
        np.testing.assert_array_equal(untagged.resized(50, 40), tagged.resized(50, 40))
        np.testing.assert_array_equal(untagged.rgb, tagged.rgb)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("upside_down", [False, True])
def test_a_turned_picture_is_turned_small_or_whole(turned, mirror, upside_down):
    orientation = Orientation(turned, mirror, upside_down)
    picture = picture_of(decoded(), orientation)
    assert picture.rgb.shape == (picture.height, picture.width, 3)
    assert (picture.height, picture.width) == ((320, 240) if turned else (240, 320))
    early = Preprocessing(90, 60).resize(picture.rgb)
    assert apart(picture.resized(90, 60), early).mean() < 1.6


@pytest.mark.parametrize("pix_fmt", ["rgb24", "gray", "nv12", "yuv420p10le", "gbrp"])
def test_other_formats_go_by_way_of_the_whole_picture(pix_fmt):
    picture = picture_of(decoded(pix_fmt=pix_fmt))
    early = Preprocessing(100, 120).resize(picture.rgb)
    np.testing.assert_array_equal(picture.resized(100, 120), early)


def test_a_frame_of_another_size_is_scaled_to_the_clip():
    picture = picture_of(decoded(), size=(160, 100))
    assert picture.rgb.shape == (100, 160, 3)
    early = Preprocessing(50, 50).resize(picture.rgb)
    np.testing.assert_array_equal(picture.resized(50, 50), early)


@pytest.mark.parametrize("span", [LIMITED, FULL])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "rgb24"])
def test_brightness_alone_is_that_of_the_whole_picture(pix_fmt, span):
    # OpenCV weighs colours as BT.601 does.
    picture = picture_of(decoded(pix_fmt=pix_fmt, space=BT601, span=span))
    grey = picture.grey(100, 120)
    assert (grey.shape, grey.dtype) == ((100, 120), np.uint8)
    whole = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    early = cv2.resize(whole, (120, 100), interpolation=cv2.INTER_LINEAR)
    # Colours that RGB cannot show are cut off there; brightness alone is not.
    assert apart(grey, early).mean() < 1.6


def test_brightness_of_a_turned_picture_is_turned():
    orientation = Orientation(turned=True, mirror=True)
    upright, turned = picture_of(decoded()), picture_of(decoded(), orientation)
    expected = upright.grey(60, 90).T[:, ::-1]
    np.testing.assert_array_equal(turned.grey(90, 60), expected)


def test_black_and_white_of_either_range_are_the_ends_of_grey():
    for span, codes in ((LIMITED, (16, 235)), (FULL, (0, 255))):
        for code, expected in zip(codes, (0, 255), strict=True):
            planes = np.full((96, 64), 128, np.uint8)
            planes[:64] = code
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
            frame.colorspace, frame.color_range = BT601, span
            assert (picture_of(frame).grey(8, 8) == expected).all()


def test_rgb_is_converted_once():
    picture = picture_of(decoded())
    assert picture.rgb is picture.rgb


def test_having_been_looked_at_changes_nothing_of_the_small_picture():
    picture = picture_of(decoded())
    before = picture.resized(100, 120)
    assert picture.rgb.any()
    np.testing.assert_array_equal(picture.resized(100, 120), before)


def test_threads_that_look_at_once_see_the_same():
    frames = [picture_of(decoded(np.roll(scene(), i, 0))) for i in range(8)]
    expected = [picture_of(decoded(np.roll(scene(), i, 0))).rgb for i in range(8)]
    seen = {}

    def look(name):
        seen[name] = [frame.rgb for frame in frames]

    threads = [threading.Thread(target=look, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [0, 1, 2, 3]
    for pictures in seen.values():
        np.testing.assert_array_equal(pictures, expected)


def test_what_ffmpeg_cannot_convert_is_told_with_its_frame():
    picture = picture_of(decoded(space=YCGCO))
    for ask in (lambda: picture.rgb, lambda: picture.resized(10, 10)):
        with pytest.raises(VideoError, match=r"clip\.mp4: frame 3 cannot be shown as"):
            ask()


@pytest.mark.parametrize(
    ("is_full", "black", "white"), [(False, 16, 235), (True, 0, 255)]
)
def test_black_and_white_become_the_ends_of_the_range(is_full, black, white):
    matrix = yuv_to_rgb(0.299, 0.114, is_full=is_full)
    ends = matrix @ np.array([[black, white], [128, 128], [128, 128], [1, 1]])
    np.testing.assert_allclose(ends, [[0, 255]] * 3, atol=1e-3)


def test_pure_red_of_bt_601_is_where_the_standard_says():
    # Y = .299 * 219 + 16, U = 128 - 112 * .299 / .886, V = 128 + 112
    yuv = [81.481, 128 - 112 * 0.299 / 0.886, 240, 1]
    found = yuv_to_rgb(0.299, 0.114, is_full=False) @ np.array(yuv)
    np.testing.assert_allclose(found, [255, 0, 0], atol=1e-2)


def test_a_reader_gives_pictures_that_nobody_has_converted(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", 3)
    with VideoReader(path) as reader:
        frames = list(reader)
    assert all(isinstance(frame.picture, VideoPicture) for frame in frames)
    assert all(frame.picture._rgb is None for frame in frames)
    # What was yielded outlives the decoder.
    assert apart(frames[2].rgb, make_picture(2)).mean() < 12


def test_preprocessing_takes_arrays_and_pictures_alike():
    preprocessing = Preprocessing(50, 60)
    picture = picture_of(decoded(pix_fmt="rgb24"))
    np.testing.assert_array_equal(
        preprocessing.picture_of(Frame(0, 0.0, picture)),
        preprocessing.picture_of(Frame(0, 0.0, picture.rgb)),
    )


def test_planes_are_copied_to_be_written_and_the_frame_stays_as_it_is():
    frame = decoded()
    before = frame.to_ndarray()
    copy, canvas = picture_of(frame).copied()
    np.testing.assert_array_equal(copy.to_ndarray(), before)
    canvas.fill(0, 240, 0, 320, (255, 0, 0))
    np.testing.assert_array_equal(frame.to_ndarray(), before)
    assert not np.array_equal(copy.to_ndarray(), before)


def test_a_copy_may_take_the_memory_of_one_that_was_written():
    first, second = picture_of(decoded()), picture_of(decoded(np.roll(scene(), 9, 0)))
    copy, canvas = first.copied()
    canvas.fill(0, 240, 0, 320, (255, 0, 0))
    again, _ = second.copied(copy)
    assert again is copy
    expected = second.copied()[0].to_ndarray()
    np.testing.assert_array_equal(again.to_ndarray(), expected)
    other = picture_of(decoded(scene(120, 160)))
    assert other.copied(copy)[0] is not copy


def test_planes_that_are_drawn_on_again_are_written_as_they_were(tmp_path):
    pictures = [np.roll(scene(), 11 * i, 1) for i in range(12)]
    path = write_clip(tmp_path / "clip.mp4", pictures=pictures, options={"crf": "5"})
    with VideoReader(path) as reader:
        info, frames = reader.info, list(reader)
    for name in ("fresh", "again", "coded"):
        with VideoWriter(tmp_path / f"{name}.mp4", info=info) as writer:
            planes = None
            for frame in frames:
                if name == "coded":
                    planes = frame.picture.as_coded
                else:
                    onto = planes if name == "again" else None
                    planes, _ = frame.picture.copied(onto)
                writer.write_frame(planes, frame.time_s)
    written = {
        (tmp_path / f"{n}.mp4").read_bytes() for n in ("fresh", "again", "coded")
    }
    assert len(written) == 1


@pytest.mark.parametrize(
    ("frame", "changes"),
    [
        ({"pix_fmt": "yuv422p"}, {}),
        ({"pix_fmt": "gray"}, {}),
        ({"span": FULL}, {}),
        ({"space": YCGCO}, {}),
        ({"rgb": scene(239, 320)}, {}),
        ({}, {"orientation": Orientation(turned=True)}),
        ({}, {"orientation": Orientation(mirror=True)}),
        ({}, {"size": (160, 100)}),
    ],
)
def test_other_pictures_are_not_written_plane_by_plane(frame, changes):
    picture = picture_of(decoded(**frame), **changes)
    assert picture.writable_matrix is None
    assert picture.copied() is None


@pytest.mark.parametrize(
    ("space", "rows", "matrix"),
    [(BT709, 240, 1), (BT601, 240, 6), (UNSPECIFIED, 240, 5), (UNSPECIFIED, 720, 1)],
)
def test_the_matrix_of_planes_is_that_of_the_picture(space, rows, matrix):
    picture = picture_of(decoded(scene(rows, 64), space=space))
    assert picture.writable_matrix == matrix


@pytest.mark.parametrize("size", [(240, 320), (720, 64)])
def test_a_clip_written_by_planes_looks_like_one_written_by_rgb(tmp_path, size):
    pictures = [np.roll(scene(*size), 3 * i, 1) for i in range(3)]
    path = write_clip(tmp_path / "clip.mp4", pictures=pictures, options={"crf": "5"})
    with VideoReader(path) as reader:
        info, frames = reader.info, list(reader)
    seen = {}
    for name in ("planes", "rgb"):
        with VideoWriter(tmp_path / f"{name}.mp4", info=info, crf=5) as writer:
            for frame in frames:
                if name == "rgb":
                    writer.write(frame.rgb, frame.time_s)
                else:
                    assert writer.matrix == frame.picture.writable_matrix
                    writer.write_frame(frame.picture.copied()[0], frame.time_s)
        with VideoReader(tmp_path / f"{name}.mp4") as reader:
            again = list(reader)
        assert [frame.time_s for frame in again] == [frame.time_s for frame in frames]
        seen[name] = np.stack([frame.rgb for frame in again])
    originals = np.stack([frame.rgb for frame in frames])
    for pictures in seen.values():
        assert apart(pictures, originals).mean() < 3.5


def test_the_small_picture_is_made_once_a_size():
    picture = picture_of(decoded())
    small = picture.resized(100, 120)
    assert picture.resized(100, 120) is small
    assert picture.resized(50, 60).shape == (50, 60, 3)
    np.testing.assert_array_equal(picture.resized(100, 120), small)
