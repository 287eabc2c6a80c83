import json
import os
from pathlib import Path

import pytest

from tests.builders import names_in
from vod.errors import VideoError
from vod.files import PendingFile, keeps_output, reserved_report


def test_the_target_appears_with_commit_only(tmp_path):
    target = tmp_path / "out.txt"
    pending = PendingFile(target)
    pending.temporary.write_text("done")
    assert not target.exists()
    pending.commit()
    assert target.read_text() == "done"
    assert names_in(tmp_path) == ["out.txt"]


def test_discard_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    pending = PendingFile(target)
    pending.temporary.write_text("half")
    pending.discard()
    pending.discard()
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["out.txt"]


def test_through_a_link_the_linked_file_is_replaced(tmp_path):
    real = tmp_path / "real.txt"
    real.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(real)
    pending = PendingFile(link)
    pending.temporary.write_text("new")
    pending.commit()
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(VideoError, match="it is a folder"):
        PendingFile(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(VideoError, match="nowhere does not exist, create it"):
        PendingFile(tmp_path / "nowhere" / "out.txt")


def test_a_device_is_refused():
    with pytest.raises(VideoError, match="not a regular file"):
        PendingFile(Path("/dev/null"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_closed_folder_and_a_read_only_file_are_refused(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("mine")
    target.chmod(0o400)
    with pytest.raises(VideoError, match="read-only"):
        PendingFile(target)
    tmp_path.chmod(0o500)
    with pytest.raises(VideoError, match="Permission denied"):
        PendingFile(tmp_path / "other.txt")
    tmp_path.chmod(0o700)


def test_a_target_that_became_a_folder_is_one_sentence(tmp_path):
    target = tmp_path / "out.txt"
    pending = PendingFile(target)
    target.mkdir()
    (target / "in_it").touch()
    with pytest.raises(VideoError, match=r"cannot write .*out\.txt: Is a directory"):
        pending.commit()
    assert names_in(tmp_path) == ["out.txt"]


def test_only_the_end_and_ctrl_c_keep_an_output():
    assert keeps_output(None)
    assert keeps_output(KeyboardInterrupt)
    assert not keeps_output(ValueError)
    assert not keeps_output(SystemExit)


def test_a_report_is_there_once_its_values_are(tmp_path):
    path = tmp_path / "r.json"
    with reserved_report(path) as write:
        assert not path.exists()
        write({"map": 0.5})
    assert json.loads(path.read_text()) == {"map": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


def test_a_report_that_cannot_be_written_is_named_before_the_work(tmp_path):
    path = tmp_path / "absent" / "r.json"
    with (
        pytest.raises(VideoError, match=r"cannot write .*r\.json.*does not exist"),
        reserved_report(path),
    ):
        pytest.fail("the work has begun")


def test_failed_work_leaves_no_report(tmp_path):
    with pytest.raises(RuntimeError), reserved_report(tmp_path / "r.json"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_no_report_is_written_where_none_is_asked_for():
    with reserved_report(None) as write:
        write({"map": 0.5})
