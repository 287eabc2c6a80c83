import pytest

from tests.vid_layout import make_root, write_list, write_xml
from vod.dataset.frame_list import read_frame_list
from vod.errors import AnnotationError

SNIPPET = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"


@pytest.fixture
def root(tmp_path):
    return make_root(tmp_path)


def columns(frames):
    return frames.names, frames.numbers.tolist(), frames.indices.tolist()


def test_frames_come_in_the_order_of_the_list(root):
    frames = read_frame_list(root)
    names = ("val/b/000000", "val/b/000001", "val/a/000004")
    assert columns(frames) == (names, [0, 1, 4], [1, 2, 3])
    assert frames.snippets == ("b", "b", "a")
    assert frames.image_root == root / "Data" / "VID"
    assert frames.annotation_root == root / "Annotations" / "VID"


@pytest.mark.parametrize(
    "lines",
    [
        ("val/b/000000 1", "val/b/000001 2", "val/a/000004 3"),
        ("b/000000", "b/000001", "a/000004"),
        ("", "  b/000000\t1 ", "", "b/000001   2", "a/000004 3\r"),
    ],
)
def test_every_convention_gives_the_same_frames(root, lines):
    official = read_frame_list(root)
    write_list(root, "VID/val.txt", *lines)
    other = read_frame_list(root)
    assert columns(other) == columns(official)
    assert other.snippets == official.snippets


def test_indices_need_not_count_from_1(root):
    write_list(root, "VID/val.txt", "a/000004 70", "b/000000 12")
    assert columns(read_frame_list(root))[2] == [70, 12]


@pytest.mark.parametrize(
    "name", ["VID/VID_val_frames.txt", "VID_val_frames.txt", "VID_val_videos.txt"]
)
def test_lists_of_papers_stand_in_for_a_missing_official_one(root, name):
    (root / "ImageSets" / "VID" / "val.txt").unlink()
    text = "val/b 1 0 2" if "videos" in name else "val/b/000000 1\nval/b/000001 2"
    write_list(root, name, text)
    assert columns(read_frame_list(root))[0] == ("val/b/000000", "val/b/000001")


def test_lists_may_lie_in_mmtracking_s_folder(root):
    (root / "Lists").mkdir()
    (root / "Lists" / "VID_val_videos.txt").write_text("val/b 1 0 2\n")
    assert len(read_frame_list(root, "VID_val_videos").names) == 2


def test_a_list_of_videos_counts_the_frames_of_each_from_0(root):
    write_list(root, "VID_val_videos.txt", "val/b 1 0 2", "val/a 3 0 3")
    frames = read_frame_list(root, "VID_val_videos")
    assert frames.snippets == ("b", "b", "a", "a", "a")
    assert columns(frames)[1:] == ([0, 1, 0, 1, 2], [1, 2, 3, 4, 5])


def test_a_part_of_a_list_of_videos_keeps_its_indices(root):
    write_list(root, "part.txt", "val/a 466 0 2")
    frames = read_frame_list(root, str(root / "ImageSets" / "part.txt"))
    assert columns(frames) == (("val/a/000000", "val/a/000001"), [0, 1], [466, 467])


def test_a_training_list_names_single_frames(root):
    write_list(
        root, "VID_train_15frames.txt", f"train/{SNIPPET} 1 0 300", "train/x 1 30 48"
    )
    frames = read_frame_list(root, "VID_train_15frames")
    assert frames.names == (f"train/{SNIPPET}/000000", "train/x/000030")
    assert frames.snippets == (SNIPPET, "x")
    assert columns(frames)[1:] == ([0, 30], [1, 2])


def test_official_training_lists_name_whole_snippets(root):
    folder = root / "Annotations" / "VID" / "train" / SNIPPET
    for number in (0, 2, 10):
        write_xml(folder / f"{number:06d}.xml")
    write_list(root, "VID/train_1.txt", f"{SNIPPET} 1")
    write_list(root, "VID/train_2.txt", f"{SNIPPET} 1", "other -1")
    frames = read_frame_list(root, "train")
    assert columns(frames)[1:] == ([0, 2, 10], [1, 2, 3])
    assert frames.snippets == (SNIPPET,) * 3


def test_a_subset_s_name_leads_to_its_folder(root):
    write_list(root, "VID/val_small.txt", "a/000004 3")
    assert read_frame_list(root, "val_small").names == ("val/a/000004",)
    write_xml(root / "Annotations" / "VID" / "mine" / "a" / "000004.xml")
    write_list(root, "VID/mine.txt", "a/000004 3")
    assert read_frame_list(root, "mine").names == ("mine/a/000004",)


def test_a_list_may_lie_anywhere(root, tmp_path):
    path = tmp_path / "elsewhere_val.txt"
    path.write_text("b/000001 2\n")
    frames = read_frame_list(root, str(path))
    assert columns(frames) == (("val/b/000001",), [1], [2])


def test_det_lists_name_pictures(root):
    write_xml(root / "Annotations" / "DET" / "val" / "ILSVRC2012_val_00000007.xml")
    write_list(root, "DET/val.txt", "ILSVRC2012_val_00000007 7")
    frames = read_frame_list(root, "DET/val")
    assert columns(frames) == (("val/ILSVRC2012_val_00000007",), [0], [7])
    assert frames.image_root == root / "Data" / "DET"


def test_det_training_lists_keep_positive_pictures(root):
    lines = ["ILSVRC2013_train/n1/n1_1 1", "x/n1_2 0", "x/n1_3 -1", "x/n1_4 1"]
    write_list(root, "DET/train_2.txt", *lines)
    names = ("train/ILSVRC2013_train/n1/n1_1", "train/x/n1_4")
    assert columns(read_frame_list(root, "DET/train_2")) == (names, [0, 0], [1, 2])
    path = root / "ImageSets" / "DET" / "train_2.txt"
    assert read_frame_list(root, str(path)).names == names
    write_list(root, "DET_train_30classes.txt", *(f"train/{line}" for line in lines))
    assert read_frame_list(root, "DET_train_30classes").names == names


def test_a_root_with_det_only_needs_no_prefix(tmp_path):
    write_list(tmp_path, "DET/val.txt", "p 1", "q 2")
    assert read_frame_list(tmp_path, "val").kind == "DET"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"val\.txt lists no frame"),
        ("\n \n", r"val\.txt lists no frame"),
        ("000000 1", r"line 1: expected '<snippet>/<frame> <index>', received '000000"),
        ("b/000000 1 1", r"line 1: expected '<snippet>/<frame> <index>'"),
        ("b/000000 1\nb/000001", r"line 2: expected '<snippet>/<frame> <index>'"),
        ("b/000000 1\nb/x 2", r"line 2: expected '<snippet>/<frame> <index>'"),
        ("b/000000 x", r"line 1: .*with a whole number as index"),
        ("b/000000 -1", r"line 1: .*with a whole number as index"),
        ("b/000000 1\n\nb/000001 1", r"line 3: expected an index that no other line"),
        ("b/first 1", r"line 1: expected '<snippet>/<frame> <index>', or a snippet"),
        ("b first", r"line 1: expected '<snippet>/<frame> <index>' or '<snippet> 1'"),
        ("val/b 1 0 2\nval/a 2 0 2", r"line 2: expected an index that no other line"),
        ("val/b 1 0 x", r"line 1: expected '<snippet> <number> <frame> <length>'"),
        ("val/b 1 0 2\nval/b 2", r"line 2: expected '<snippet> <number> <frame>"),
    ],
)
def test_a_wrong_list_is_one_clear_sentence(root, text, message):
    write_list(root, "VID/val.txt", text)
    with pytest.raises(AnnotationError, match=message):
        read_frame_list(root)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p 1 2", "line 1: expected '<image> <index>', received 'p 1 2'"),
        ("p 0\nq -1", "line 1: expected at least one line that ends in 1"),
        ("p 4\nq 4", "line 2: expected an index that no other line has"),
    ],
)
def test_a_wrong_list_of_pictures_is_one_clear_sentence(tmp_path, text, message):
    write_list(tmp_path, "DET/val.txt", text)
    with pytest.raises(AnnotationError, match=message):
        read_frame_list(tmp_path, "DET/val")


def test_a_list_that_is_not_text_is_named(root):
    (root / "ImageSets" / "VID" / "val.txt").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(AnnotationError, match=r"val\.txt cannot be read"):
        read_frame_list(root)


def test_a_missing_list_is_named_beside_those_that_are_there(root):
    with pytest.raises(AnnotationError, match=r"'test': .*test\.txt is miss.*: val\."):
        read_frame_list(root, "test")


def test_a_folder_too_high_is_recognised(root):
    with pytest.raises(AnnotationError, match=f"Did you mean {root}"):
        read_frame_list(root.parent)


def test_a_root_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(AnnotationError, match="absent is not a folder"):
        read_frame_list(tmp_path / "absent")
