import pytest

from vod.dataset.class_list import (
    CLASS_LIST,
    OFFICIAL_CLASSES,
    class_list_text,
    name_classes,
    read_class_list,
)
from vod.errors import AnnotationError
from vod.imagenet_vid import VID_NAMES


def write_list(root, text):
    path = root / CLASS_LIST
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_without_a_list_the_classes_are_the_official_ones(tmp_path):
    assert read_class_list(tmp_path) is OFFICIAL_CLASSES
    assert name_classes(VID_NAMES).is_official
    assert not name_classes(VID_NAMES[::-1]).is_official


def test_ids_are_wordnets_where_it_has_one_and_have_no_spaces_elsewhere():
    classes = name_classes(["fork lift", "car", "crate/box"])
    assert classes.ids == ("fork_lift", "n02958343", "crate_box")
    assert classes.names == ("fork lift", "car", "crate/box")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["car", " "], "class 2 needs a name with letters or digits, received ''"),
        (["a b", "a/b"], "the classes 'a b' and 'a/b' have the same name; rename one"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(names, message):
    with pytest.raises(AnnotationError, match=message):
        name_classes(names)


def test_a_list_is_read_as_it_was_written(tmp_path):
    classes = name_classes(["fork lift", "car", "été"])
    write_list(tmp_path, class_list_text(classes))
    assert read_class_list(tmp_path) == classes


@pytest.mark.parametrize("line", ["crate", "car other car", "x fork lift", ""])
def test_a_wrong_line_is_named(tmp_path, line):
    write_list(tmp_path, f"car car\nfork_lift fork lift\n{line}\n")
    with pytest.raises(AnnotationError, match="line 3: expected '<id> <name>', each"):
        read_class_list(tmp_path)


def test_an_empty_or_unreadable_list_is_refused(tmp_path):
    path = write_list(tmp_path, "")
    with pytest.raises(AnnotationError, match=r"classes.txt lists no class"):
        read_class_list(tmp_path)
    path.write_bytes(b"\xff")
    with pytest.raises(AnnotationError, match=r"classes.txt cannot be read"):
        read_class_list(tmp_path)
