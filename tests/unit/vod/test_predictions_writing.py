import gzip

import numpy as np
import pytest

from vod.errors import VideoError
from vod.predictions import Predictions
from vod.predictions_writing import write_submission_lines


def make_predictions(count: int = 2) -> Predictions:
    return Predictions(
        ("car", "dog"),
        np.arange(1, count + 1, dtype=np.int64),
        np.arange(count, dtype=np.int32) % 2,
        np.linspace(0.1234567, 0.9, count),
        np.tile([[1.0, -2.5, 10.128, 4.0]], (count, 1)),
        np.zeros(count, np.int32),
    )


def test_lines_have_six_decimals_of_the_score_and_two_of_the_box(tmp_path):
    write_submission_lines(tmp_path / "found.txt", make_predictions())
    assert (tmp_path / "found.txt").read_text() == (
        "1 1 0.123457 1.00 -2.50 10.13 4.00\n2 2 0.900000 1.00 -2.50 10.13 4.00\n"
    )


def test_equal_predictions_make_equal_compressed_files(tmp_path, monkeypatch):
    monkeypatch.setattr("vod.predictions_writing._LINES_AT_ONCE", 3)
    for name in ("a.txt.gz", "b.txt.gz"):
        write_submission_lines(tmp_path / name, make_predictions(10))
    data = (tmp_path / "a.txt.gz").read_bytes()
    assert data == (tmp_path / "b.txt.gz").read_bytes()
    assert len(gzip.decompress(data).splitlines()) == 10


def test_no_detections_make_an_empty_file(tmp_path):
    write_submission_lines(tmp_path / "none.txt", make_predictions(0))
    assert (tmp_path / "none.txt").read_bytes() == b""


def test_a_file_that_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path, monkeypatch
):
    with pytest.raises(VideoError, match=r"the folder .*absent does not exist"):
        write_submission_lines(tmp_path / "absent" / "a.txt", make_predictions())

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vod.predictions_writing._text", fail)
    with pytest.raises(VideoError, match=r"cannot write .*a.txt: No space left"):
        write_submission_lines(tmp_path / "a.txt", make_predictions())
    assert list(tmp_path.iterdir()) == []
