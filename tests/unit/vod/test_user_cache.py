from pathlib import Path

import pytest

from vod.errors import VideoError
from vod.user_cache import cache_folder


def test_the_own_variable_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert cache_folder("a", "b") == tmp_path / "own" / "a" / "b"
    assert (tmp_path / "own" / "a" / "b").is_dir()


def test_without_it_the_shared_cache_or_the_home_folder_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("VOD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert cache_folder("a") == tmp_path / "shared" / "vod" / "a"
    # The specification of that variable says that a relative path is to be ignored.
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder("a") == tmp_path / ".cache" / "vod" / "a"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "file"))
    with pytest.raises(VideoError, match=r"cannot make the cache folder .*VOD_CACHE"):
        cache_folder("a")
