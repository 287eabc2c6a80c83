import numpy as np
import pytest

from vod import display
from vod.errors import VideoError

PICTURE = np.zeros((4, 6, 3), np.uint8)


@pytest.fixture
def screen(monkeypatch):
    """A window system that only remembers what it was told; `key` is pressed."""
    calls = {"shown": [], "closed": [], "key": -1}
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(display.cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(
        display.cv2, "imshow", lambda _, picture: calls["shown"].append(picture)
    )
    monkeypatch.setattr(display.cv2, "waitKey", lambda _: calls["key"])
    monkeypatch.setattr(display.cv2, "destroyWindow", calls["closed"].append)
    return calls


def test_without_a_screen_the_sentence_says_what_to_do(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(display.sys, "platform", "linux")
    with pytest.raises(VideoError, match="--show needs a screen"):
        display.Display("clip")


def test_frames_are_shown_in_opencvs_colour_order(screen):
    red = PICTURE.copy()
    red[..., 0] = 255
    with display.Display("clip") as window:
        assert window.show(red)
    assert screen["shown"][0][0, 0].tolist() == [0, 0, 255]
    assert screen["closed"] == ["clip"]


@pytest.mark.parametrize("key", [ord("q"), 27])
def test_q_and_escape_end_the_show(screen, key):
    screen["key"] = key
    with display.Display("clip") as window:
        assert not window.show(PICTURE)
