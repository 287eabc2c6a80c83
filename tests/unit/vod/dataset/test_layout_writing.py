import dataclasses
from pathlib import Path

import numpy as np
import pytest

from vod.dataset.building import GroundTruthBuilder
from vod.dataset.layout_writing import write_layout
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError, ConfigError, VideoError
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import VID_NAMES


def make_truth(
    classes: tuple[str, ...] = VID_NAMES,
    snippets: tuple[str, ...] = ("a", "b"),
    numbers: tuple[int, ...] = (0, 3),
) -> GroundTruth:
    """Build two frames a snippet; only the first has objects, the second is cut off."""
    builder = GroundTruthBuilder(classes, Path("pictures"))
    for snippet in snippets:
        for number in numbers:
            image = Path("pictures", f"{number}.jpg")
            builder.add_frame(snippet, number, image=image, size=(90, 160))
            if number == numbers[0]:
                builder.add_object((1, 2, 11, 22), 0, track_id=4)
                builder.add_object((0.5, 0, 0.75, 9.1234), 1, occluded=True)
    return builder.build()


def check_equal(read: GroundTruth, expected: GroundTruth) -> None:
    for field in dataclasses.fields(GroundTruth):
        if field.name not in ("image_names", "image_root"):
            one, other = getattr(read, field.name), getattr(expected, field.name)
            np.testing.assert_array_equal(one, other, err_msg=field.name)


def test_the_written_layout_is_read_back(tmp_path):
    root = tmp_path / "set"
    write_layout(make_truth(), root)
    read = read_ground_truth(root, cache=False)
    check_equal(read, make_truth())
    # 0.75 is right of 0.5 by less than a pixel, so the box is widened to one.
    assert read.boxes[:2].tolist() == [[1, 2, 10, 21], [0.5, 0, 0.5, 8.123]]
    assert read.image_names[1] == "val/a/000003.JPEG"
    assert not (root / "ImageSets/VID/classes.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_the_annotation_is_written_as_the_official_files_are(tmp_path):
    write_layout(make_truth(("car", "fork <lift>"), ("a",)), tmp_path / "set")
    text = (tmp_path / "set/Annotations/VID/val/a/000000.xml").read_text()
    assert "<name>n02958343</name>" in text
    assert "\t\t\t<xmax>10</xmax>\n\t\t\t<xmin>1</xmin>\n" in text
    assert "<name>fork_lift_</name>" in text
    assert "<trackid>-1</trackid>" in text
    assert (tmp_path / "set/ImageSets/VID/val.txt").read_text() == (
        "a/000000 1\na/000003 2\n"
    )
    assert (tmp_path / "set/ImageSets/VID/classes.txt").read_text() == (
        "n02958343 car\nfork_lift_ fork <lift>\n"
    )


def test_classes_of_its_own_come_back_in_their_order(tmp_path):
    expected = make_truth(("fork lift", "zebra", "été"))
    write_layout(expected, tmp_path / "set")
    check_equal(read_ground_truth(tmp_path / "set", cache=False), expected)


def test_a_list_of_classes_that_changes_is_seen_through_the_cache(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "set"
    write_layout(make_truth(("crate", "zebra")), root)
    assert read_ground_truth(root).labels.tolist() == [0, 1, 0, 1]
    path = root / "ImageSets/VID/classes.txt"
    path.write_text("n02391049 zebra\ncrate crate\n")
    read = read_ground_truth(root)
    assert read.labels.tolist() == [1, 0, 1, 0]
    assert read.classes == ("zebra", "crate")


def test_a_snippet_named_like_a_folder_of_the_layout_is_found_again(tmp_path):
    names = ("train/a b", "mine/c", "part/d")
    write_layout(make_truth(snippets=names), tmp_path / "set", "mine")
    read = read_ground_truth(tmp_path / "set", "mine", cache=False)
    assert read.snippets == ("train_a_b", "mine_c", "part/d")
    assert read.num_objects == 6


def test_a_second_split_may_join_and_the_first_is_never_overwritten(tmp_path):
    root = tmp_path / "set"
    write_layout(make_truth(), root, "train")
    write_layout(make_truth(snippets=("c",)), root, "val")
    assert read_ground_truth(root, "train", cache=False).snippets == ("a", "b")
    assert read_ground_truth(root, "val", cache=False).snippets == ("c",)
    with pytest.raises(VideoError, match="Data/VID/val: it is there already"):
        write_layout(make_truth(), root, "val")
    with pytest.raises(AnnotationError, match=r"has the classes airplane, .* crate"):
        write_layout(make_truth(("crate", "car")), root, "test")


@pytest.mark.parametrize("split", ["", "a/b", "..", "classes"])
def test_a_split_must_be_a_name(tmp_path, split):
    with pytest.raises(ConfigError, match="cannot name a split; train or val"):
        write_layout(make_truth(), tmp_path / "set", split)


@pytest.mark.parametrize("name", ["", "../a", "/a", "a//b", "."])
def test_a_snippet_must_be_a_folders_name(tmp_path, name):
    with pytest.raises(AnnotationError, match=r"cannot name a snippet"):
        write_layout(make_truth(snippets=(name,)), tmp_path / "set")


def test_two_frames_of_one_name_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match="two frames would be named a_b/000000"):
        write_layout(make_truth(snippets=("a b", "a_b")), tmp_path / "set")


def test_a_root_that_is_a_file_or_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="file: it is a file, name a folder"):
        write_layout(make_truth(), tmp_path / "file")
    with pytest.raises(VideoError, match=r"cannot write .*set: Not a directory"):
        write_layout(make_truth(), tmp_path / "file" / "set")


def test_a_failure_halfway_leaves_nothing_behind(tmp_path):
    def fail(frame: int, target: Path) -> None:
        if frame == 2:
            raise KeyboardInterrupt
        target.touch()

    with pytest.raises(KeyboardInterrupt):
        write_layout(make_truth(), tmp_path / "set", place_picture=fail)
    assert list(tmp_path.iterdir()) == []
