import logging
import multiprocessing
import os
from types import SimpleNamespace

import numpy as np
import pytest

from tests.builders import names_in
from tests.vid_layout import DOG, make_root, write_list, write_xml, xml_object
from vod.dataset import cache
from vod.dataset.frame_list import read_frame_list
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError

LONG_AGO = 1_000_000_000_500_000_000


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vod"


@pytest.fixture
def root(tmp_path, home):  # noqa: ARG001 (sets the cache folder)
    return make_root(tmp_path / "data")


@pytest.fixture
def parsed(monkeypatch):
    """The lists that were parsed, not taken from the cache."""
    parsed, read = [], cache.read_annotations

    def counting(frames):
        parsed.append(frames)
        return read(frames)

    monkeypatch.setattr(cache, "read_annotations", counting)
    return parsed


def xml(root, name="b/000000"):
    return root / "Annotations" / "VID" / "val" / f"{name}.xml"


def test_annotations_are_parsed_once(root, home, parsed):
    first, second = read_ground_truth(root), read_ground_truth(root)
    assert len(parsed) == 1
    assert len(names_in(home)) == 1
    for name in ("boxes", "labels", "track_ids", "object_frames", "frame_sizes"):
        one, other = getattr(first, name), getattr(second, name)
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert second.generated.tolist() == first.generated.tolist()


def test_the_data_folder_stays_as_it_was(root):
    before = sorted(root.rglob("*"))
    read_ground_truth(root)
    assert sorted(root.rglob("*")) == before


def test_without_cache_nothing_is_written(root, home, parsed):
    read_ground_truth(root, cache=False)
    assert not home.exists()
    assert not parsed


def test_a_changed_annotation_is_read_anew(root, home):
    read_ground_truth(root)
    write_xml(xml(root), xml_object(DOG))
    assert read_ground_truth(root).labels.tolist() == [8, 6]
    assert len(names_in(home)) == 1


def test_a_change_that_keeps_size_and_time_is_seen(root):
    os.utime(xml(root), ns=(LONG_AGO, LONG_AGO))
    read_ground_truth(root)
    text = xml(root).read_text()
    xml(root).write_text(text.replace("<xmin>10<", "<xmin>11<"))
    os.utime(xml(root), ns=(LONG_AGO, LONG_AGO))
    assert read_ground_truth(root).boxes[0, 0] == 11


def test_two_changes_at_the_same_clock_step_are_told_apart(root, monkeypatch):
    frames = read_frame_list(root)
    real = os.stat

    def frozen(path, **options):
        """A file system whose clock did not move between two writes."""
        found = real(path, **options)
        if not str(path).endswith(".xml"):
            return found
        now = 1_900_000_000_000_000_000
        return SimpleNamespace(st_size=found.st_size, st_mtime_ns=now, st_ctime_ns=now)

    monkeypatch.setattr(cache.os, "stat", frozen)
    monkeypatch.setattr(cache.time, "time_ns", lambda: 1_900_000_001_000_000_000)
    first = cache.annotation_signature(frames)
    text = xml(root).read_text()
    xml(root).write_text(text.replace("<xmin>10<", "<xmin>11<"))
    assert cache.annotation_signature(frames) != first


def test_an_annotation_that_vanished_is_named(root):
    read_ground_truth(root)
    xml(root).unlink()
    with pytest.raises(AnnotationError, match=r"000000\.xml cannot be read"):
        read_ground_truth(root)


def test_a_changed_list_has_a_cache_of_its_own(root, home):
    read_ground_truth(root)
    write_list(root, "VID/val.txt", "a/000004 3")
    assert read_ground_truth(root).labels.tolist() == [6]
    assert len(names_in(home)) == 2


def test_new_indices_need_no_parsing(root, parsed):
    read_ground_truth(root)
    write_list(root, "VID/val.txt", "b/000000 7", "b/000001 8", "a/000004 9")
    assert read_ground_truth(root).frame_indices.tolist() == [7, 8, 9]
    assert len(parsed) == 1


def test_other_classes_are_read_anew(root):
    read_ground_truth(root)
    write_list(root, "VID/classes.txt", f"{DOG} dog", "n02958343 car")
    assert read_ground_truth(root).labels.tolist() == [1, 0, 1]


def test_equal_sets_in_other_folders_are_told_apart(root, tmp_path, parsed):
    read_ground_truth(root)
    read_ground_truth(make_root(tmp_path / "other"))
    assert len(parsed) == 2


@pytest.mark.parametrize("damage", [b"", b"x" * 300, None])
def test_a_damaged_cache_is_made_again(root, home, parsed, damage, caplog):
    truth = read_ground_truth(root)
    (path,) = home.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with caplog.at_level(logging.WARNING):
        assert read_ground_truth(root).boxes.tolist() == truth.boxes.tolist()
    assert "is made again" in caplog.text
    assert len(parsed) == 2
    read_ground_truth(root)
    assert len(parsed) == 2


def test_a_cache_with_pickled_objects_is_not_opened(root, home, parsed):
    read_ground_truth(root)
    (path,) = home.iterdir()
    with np.load(path) as archive:
        columns = dict(archive)
    columns["boxes"] = np.array([{}], object)
    with path.open("wb") as stream:
        np.savez(stream, **columns)
    assert read_ground_truth(root).num_objects == 3
    assert len(parsed) == 2


def test_a_cache_that_cannot_be_written_costs_a_warning(root, home, caplog):
    home.parent.mkdir()
    home.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert read_ground_truth(root).num_objects == 3
    assert "will be parsed again" in caplog.text


@pytest.mark.parametrize("value", ["", "relative"])
def test_without_a_cache_folder_it_lies_below_home(root, monkeypatch, tmp_path, value):
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    path = cache.cache_path(read_frame_list(root))
    assert path.parent == tmp_path / "me" / ".cache" / "vod"


def test_a_user_without_home_parses_every_time(root, monkeypatch, caplog):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(cache.Path, "home", no_home)
    with caplog.at_level(logging.WARNING):
        assert read_ground_truth(root).num_objects == 3
    assert "parsed without a cache: Could not determine home" in caplog.text


def _read_many(root, answers):
    for _ in range(20):
        answers.put(int(read_ground_truth(root).labels.sum()))


def test_two_processes_may_build_it_at_once(root, home):
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    readers = [spawn.Process(target=_read_many, args=(root, answers)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(30):
        for path in home.glob("*.npz"):
            path.unlink(missing_ok=True)
    found = {answers.get(timeout=60) for _ in range(40)}
    for reader in readers:
        reader.join(60)
        assert reader.exitcode == 0
    assert found == {6 + 8 + 6}
    assert not list(home.glob(".*.part"))
