import logging

import pytest

from tests.builders import names_in
from tests.vid_layout import CAR, DOG, make_root, write_xml, xml_object
from vod.dataset.__main__ import main
from vod.dataset.frame_list import read_frame_list
from vod.dataset.lists import sample_positions, still_lines, video_lines
from vod.errors import AnnotationError


# Snippets of the published VID_train_15frames.txt of Deep Feature Flow.
@pytest.mark.parametrize(
    ("length", "frames"),
    [
        (26, "0 2 4 6 7 9 11 13 14 16 18 19 21 23 25"),
        (40, "1 4 6 9 12 14 17 20 22 25 28 30 33 36 38"),
        (48, "1 4 8 11 14 17 20 24 27 30 33 36 40 43 46"),
        (119, "3 11 19 27 35 43 51 59 67 75 83 91 99 107 115"),
        (300, "10 30 50 70 90 110 130 150 170 190 210 230 250 270 290"),
        (553, "18 55 92 129 165 202 239 276 313 350 387 423 460 497 534"),
        (955, "31 95 159 222 286 350 413 477 541 604 668 732 795 859 923"),
        (1749, "58 174 291 408 524 641 757 874 991 1107 1224 1340 1457 1574 1690"),
    ],
)
def test_positions_are_those_of_the_published_list(length, frames):
    assert sample_positions(length) == list(map(int, frames.split()))


@pytest.mark.parametrize("length", [0, 1, 6, 14, 15])
def test_a_short_snippet_gives_every_frame_once(length):
    assert sample_positions(length) == list(range(length))


@pytest.fixture
def root(tmp_path):
    root = make_root(tmp_path / "data")
    (root / "ImageSets" / "VID" / "val.txt").unlink()
    for number in range(40):
        write_xml(root / f"Annotations/VID/train/pack/s/{number:06d}.xml")
    write_xml(root / "Annotations/VID/train/pack/t/000003.xml")
    return root


def lines(path):
    return path.read_text().splitlines()


def test_all_lists_are_written_and_can_be_read(root):
    assert main(["lists", str(root)]) == 0
    folder = root / "ImageSets"
    assert names_in(folder) == ["VID", "VID_train_15frames.txt", "VID_val_frames.txt"]
    training = lines(folder / "VID_train_15frames.txt")
    assert training[:2] == ["train/pack/s 1 1 40", "train/pack/s 1 4 40"]
    assert training[15:] == ["train/pack/t 1 3 4"]
    assert len(read_frame_list(root, "VID_train_15frames").names) == 16
    assert len(read_frame_list(root, "train").names) == 41
    names = ("val/a/000004", "val/b/000000", "val/b/000001")
    assert read_frame_list(root, "val").names == names
    assert read_frame_list(root, "VID_val_frames").names == names


def test_a_list_of_videos_is_written_where_no_frame_is_missing(root, tmp_path):
    (root / "Annotations/VID/val/a/000004.xml").rename(
        root / "Annotations/VID/val/a/000000.xml"
    )
    assert main(["lists", str(root), "--output", str(tmp_path / "new")]) == 0
    videos = lines(tmp_path / "new" / "VID_val_videos.txt")
    assert videos == ["val/a 1 0 1", "val/b 2 0 2"]


def test_a_gap_is_the_reason_for_a_missing_list_of_videos(root, caplog):
    with caplog.at_level(logging.WARNING):
        main(["lists", str(root)])
    assert "VID_val_videos.txt is not written: snippet a has 1 frames" in caplog.text
    with pytest.raises(AnnotationError, match="cannot express gaps"):
        list(video_lines([("a", ["000000", "000002"])]))


def test_a_list_that_is_there_stays(root):
    main(["lists", str(root), "--frames", "2"])
    path = root / "ImageSets" / "VID_train_2frames.txt"
    assert len(lines(path)) == 3
    path.write_text("mine\n")
    main(["lists", str(root), "--frames", "2"])
    assert lines(path) == ["mine"]


def test_pictures_of_det_are_listed_by_class(tmp_path):
    folder = tmp_path / "Annotations" / "DET" / "train"
    for number in range(5):
        write_xml(folder / "x" / f"d{number}.xml", xml_object(DOG))
    write_xml(folder / "x" / "both.xml", xml_object(CAR), xml_object(DOG))
    write_xml(folder / "x" / "other.xml", xml_object("n07747607"))
    assert list(still_lines(folder, 2)) == [
        "train/x/both 1",  # car comes before dog
        "train/x/d0 1",
        "train/x/d3 1",
    ]
    assert main(["lists", str(tmp_path)]) == 0
    assert len(read_frame_list(tmp_path, "DET_train_30classes").names) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--frames", "0"], "--frames and --per-class must be at least 1"),
        ([], "has no annotations in VID/train, VID/val or DET/train"),
    ],
)
def test_what_cannot_be_listed_is_one_clear_sentence(
    tmp_path, capsys, options, message
):
    assert main(["lists", str(tmp_path), *options]) == 1
    assert message in capsys.readouterr().err


def test_real_lists_are_built_again(vod_data, tmp_path):
    for name, split in (("davis", "val"), ("tiger", "val"), ("tiger", "train")):
        output = tmp_path / name
        assert main(["lists", str(vod_data / name), "--output", str(output)]) == 0
        own = vod_data / name / "ImageSets" / "VID" / f"{split}.txt"
        assert (
            lines(output / "VID" / f"{split}.txt") == own.read_text().split("\n")[:-1]
        )
