import json

import cv2
import numpy as np
import pytest

from tests.vid_layout import (
    DOG,
    make_root,
    write_jpeg,
    write_list,
    write_xml,
    xml_object,
    xml_text,
)
from vod.dataset.__main__ import main
from vod.dataset.check import check_split
from vod.dataset.columns import save_ground_truth
from vod.dataset.reading import read_ground_truth


@pytest.fixture
def root(tmp_path):
    """A whole set: three frames, one of them empty, and a gap before none."""
    return make_root(tmp_path / "data", pictures=True)


def xml(root, name):
    return root / "Annotations" / "VID" / "val" / f"{name}.xml"


def picture(root, name="b/000000"):
    return root / "Data" / "VID" / "val" / f"{name}.JPEG"


def found(root, level="error", **options):
    rows = check_split(root, "val", **options)
    return {row.what: (row.count, row.first) for row in rows if row.level == level}


def test_a_whole_set_has_no_errors(root, capsys):
    assert main(["check", str(root), "--decode"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "list  level  count  what                   first",
        "val   note       3  frames listed          val/b/000000",
        "val   note       2  videos listed          b",
        "val   note       1  frame without objects  val/b/000001",
        "No errors.",
    ]


def test_a_missing_list_is_an_error(root, capsys):
    assert main(["check", str(root), "--split", "test"]) == 1
    assert "there is no list 'test'" in capsys.readouterr().out


def test_without_any_list_the_missing_one_is_named(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 1
    assert "val.txt is missing" in capsys.readouterr().out


def test_every_list_that_is_there_is_checked(root, capsys):
    write_list(root, "VID/train.txt", "s/000000 1")
    write_list(root, "DET/val.txt", "p 1")
    assert main(["check", str(root), "--no-pictures"]) == 1
    lines = capsys.readouterr().out.splitlines()[1:-1]
    assert {line.split()[0] for line in lines} == {"train", "val", "DET/val"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "annotation missing"),
        ("<annotation>", "annotation is not XML"),
        (xml_text(xml_object("n1")), "class unknown"),
        (xml_text(xml_object(xmin=30)), "box turned over"),
        (xml_text(xml_object(xmin="left")), "number unreadable"),
        (xml_text(xml_object(xmax=97)), "box outside the picture"),
        (xml_text(xml_object(ymin=-1)), "box outside the picture"),
        (xml_text(xml_object(), xml_object(DOG)), "track id twice in a frame"),
    ],
)
def test_every_broken_annotation_is_an_error(root, text, what):
    for name in ("b/000000", "a/000004"):
        xml(root, name).unlink() if text is None else xml(root, name).write_text(text)
    count, first = found(root)[what]
    assert count == 2
    assert "b/000000" in first
    assert len(found(root)) == 1


def test_a_box_may_end_on_the_picture_s_width(root):
    write_xml(xml(root, "b/000000"), xml_object(xmax=96, ymax=72))
    assert found(root) == {}


def test_the_place_of_a_box_outside_is_given(root):
    write_xml(xml(root, "b/000000"), xml_object(xmax=120))
    place = "val/b/000000: 10, 20, 120, 59 in 96x72"
    assert found(root)["box outside the picture"] == (1, place)


def test_an_annotation_without_size_is_a_warning(root):
    xml(root, "b/000001").write_text("<annotation></annotation>")
    assert "annotation without picture size" in found(root, "warning")


def test_a_missing_picture_is_an_error(root):
    picture(root).unlink()
    assert found(root) == {"picture missing": (1, str(picture(root)))}
    assert found(root, pictures=False) == {}


def test_a_picture_of_another_size_is_an_error(root):
    write_jpeg(picture(root), height=36, width=48)
    count, first = found(root)["picture of another size than annotated"]
    assert (count, first) == (1, f"{picture(root)}: 48x36, annotation 96x72")


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\xff\xd8\xff\xd9", b"\xff\xd8ab\xff\xd9"]
)
def test_what_is_no_picture_is_an_error(root, data):
    picture(root).write_bytes(data)
    assert list(found(root)) == ["picture unreadable"]


def test_a_picture_that_cannot_be_opened_is_an_error(root):
    picture(root).unlink()
    picture(root).mkdir()
    assert list(found(root)) == ["picture unreadable"]


def test_a_picture_cut_short_is_an_error(root):
    picture(root).write_bytes(picture(root).read_bytes()[:-20])
    assert list(found(root)) == ["picture cut short"]


def test_a_broken_body_is_found_by_decoding(root):
    header = picture(root).read_bytes()
    start = header.index(b"\xff\xda")
    picture(root).write_bytes(header[:start] + b"\xff\xd9")
    assert found(root) == {}
    assert list(found(root, decode=True)) == ["picture unreadable"]


def test_a_png_under_the_name_of_a_jpeg_is_read(root):
    _, data = cv2.imencode(".png", np.zeros((72, 96, 3), np.uint8))
    picture(root).write_bytes(data.tobytes())
    assert found(root) == {}


def test_gaps_and_frames_that_the_list_lacks_are_told(root):
    write_xml(xml(root, "b/000005"), xml_object())
    write_jpeg(picture(root, "b/000005"))
    assert found(root, "note")["frame annotated but not listed"] == (1, "val/b/000005")
    lines = ["b/000000 1", "b/000001 2", "b/000005 3"]
    write_list(root, "VID/val.txt", *lines)
    gap = (1, "val/b: 3 between 0 and 5")
    assert found(root, "warning") == {"video with gaps between frames": gap}


def test_a_frame_listed_twice_is_an_error(root):
    write_list(root, "VID/val.txt", "b/000000 1", "b/000000 2")
    assert found(root) == {"frame listed twice": (1, "val/b/000000")}


def test_the_table_can_be_had_as_json(root, tmp_path):
    picture(root).unlink()
    report = tmp_path / "report.json"
    assert main(["check", str(root), "--report", str(report)]) == 1
    first = json.loads(report.read_text())[-1]
    assert first == {
        "split": "val",
        "level": "error",
        "what": "picture missing",
        "count": 1,
        "first": str(picture(root)),
    }


def test_files_of_columns_and_json_are_checked_too(root, tmp_path, capsys):
    path = tmp_path / "truth.npz"
    save_ground_truth(read_ground_truth(root, cache=False), path)
    assert main(["check", str(path)]) == 0
    write_xml(xml(root, "b/000000"), xml_object(xmin=-3), xml_object(xmax=200))
    picture(root).unlink()
    save_ground_truth(read_ground_truth(root, cache=False), path)
    assert main(["check", str(path)]) == 1
    out = capsys.readouterr().out
    for what in ("box outside the picture", "track id twice", "picture missing"):
        assert what in out
    (tmp_path / "set.json").write_text("{}")
    assert main(["check", str(tmp_path / "set.json")]) == 1
    assert "must be a COCO json" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["davis", "tiger"])
def test_real_sets_have_no_errors(vod_data, name):
    assert main(["check", str(vod_data / name)]) == 0
