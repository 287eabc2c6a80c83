import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from vod.dataset import convert
from vod.dataset.convert import read_source
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError, ConfigError, VideoError


def write_picture(path: Path, *, height: int = 50, width: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    convert.add_arguments(parser)
    return convert.run(parser.parse_args([str(word) for word in words]))


def make_yolo(root: Path, *, per_clip: bool = True, suffix: str = "jpg") -> Path:
    """Make clip `one` with frames 1, 2, 4 and clip `two` with one frame."""
    for clip, frame in (("one", 1), ("one", 2), ("one", 4), ("two", 9)):
        where = f"{clip}/images" if per_clip else f"images/{clip}"
        write_picture(root / where / f"img_{frame:04}.{suffix}")
    where = "one/labels" if per_clip else "labels/one"
    write_text(root / where / "img_0001.txt", "1 0.5 0.5 0.2 0.4\n\n0 .1 .1 .2 .2 7\n")
    write_text(root / where / "img_0004.txt", "")
    write_text(root / "classes.txt", "fork lift\ncar\n")
    return root


# YOLO


@pytest.mark.parametrize("per_clip", [True, False])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_yolo_clips_become_the_layout(tmp_path, capsys, per_clip, suffix):
    source = make_yolo(tmp_path / "yolo", per_clip=per_clip, suffix=suffix)
    assert run(source, tmp_path / "set") == 0
    assert "2 snippets, 4 frames, 2 objects of 2 classes" in capsys.readouterr().out
    read = read_ground_truth(tmp_path / "set", cache=False)
    assert read.snippets == ("one", "two")
    assert read.frame_numbers.tolist() == [0, 1, 3, 0]
    assert read.frame_indices.tolist() == [1, 2, 3, 4]
    assert read.frame_sizes.tolist() == [[50, 100]] * 4
    assert read.classes == ("fork lift", "car")
    assert read.labels.tolist() == [1, 0]
    assert read.track_ids.tolist() == [-1, 7]
    # x 40 to 60 and y 15 to 35, whose last pixels are 59 and 34.
    assert read.boxes.tolist() == [[40, 15, 59, 34], [0, 0, 19, 9]]
    for frame in range(4):
        picture = cv2.imread(str(read.image_path(frame)))
        assert picture.shape == (50, 100, 3)
        assert read.image_path(frame).read_bytes()[:2] == b"\xff\xd8"


def test_one_folder_with_the_frames_of_two_clips_is_two_clips(tmp_path):
    for name in ("a_2", "a_10", "b_1"):
        write_picture(tmp_path / "images" / f"{name}.jpg")
        write_text(tmp_path / "labels" / f"{name}.txt", "0 .5 .5 1 1")
    read = read_source(tmp_path, "yolo", ["car"])
    assert read.snippets == ("a", "b")
    assert read.frame_numbers.tolist() == [0, 8, 0]
    assert read.num_objects == 3


def test_labels_may_lie_beside_pictures_without_numbers(tmp_path):
    root = tmp_path / "clips"
    for name in ("x", "x_a"):
        write_picture(root / f"{name}.png")
    write_text(root / "x_a.txt", "0 .5 .5 1 1")
    write_text(root / "obj.names", "crate\n")
    read = read_source(root)
    assert read.classes == ("crate",)
    assert read.num_objects == 1
    assert read.boxes.tolist() == [[0, 0, 99, 49]]


@pytest.mark.parametrize(
    "text",
    ["names: [car, dog]\n", "names:\n  0: car\n  1: dog\n", "names: {1: dog, 0: car}"],
)
def test_data_yaml_names_the_classes(tmp_path, text):
    write_picture(tmp_path / "c/images/1.jpg")
    write_text(tmp_path / "data.yaml", text)
    assert read_source(tmp_path).classes == ("car", "dog")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("data.yaml", "nc: 2", r"data.yaml needs the class names as 'names: \[car"),
        ("data.yaml", "names: {1: a}", r"data.yaml needs the class names"),
        ("data.yaml", "names: [", r"data.yaml needs the class names"),
        ("classes.txt", "\n", r"classes.txt names no class"),
        ("other.txt", "car", r"does not say what its classes are called"),
    ],
)
def test_classes_that_are_not_named_are_asked_for(tmp_path, name, text, message):
    write_picture(tmp_path / "c/images/1.jpg")
    write_text(tmp_path / name, text)
    with pytest.raises(AnnotationError, match=message):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.1", "expected '<class> <cx> <cy> <w> <h>' in shares"),
        ("0 0.5 0.5 0.1 x", "expected '<class> <cx>"),
        ("0 50 0.5 0.1 0.1", "expected '<class> <cx>"),
        ("0 0.5 0.5 0 0.1", "expected '<class> <cx>"),
        ("0 nan 0.5 0.1 0.1", "expected '<class> <cx>"),
        ("0 .1 .1 .1 .1 .2 .2 .3 .3", "expected '<class> <cx>"),
        ("1.0 .5 .5 .1 .1", "expected '<class> <cx>"),
        ("2 .5 .5 .1 .1", "expected a class from 0 to 1, received '2 .5"),
        ("-1 .5 .5 .1 .1", "expected a class from 0 to 1"),
    ],
)
def test_a_wrong_yolo_line_is_named(tmp_path, line, message):
    root = make_yolo(tmp_path / "yolo")
    path = root / "one/labels/img_0002.txt"
    write_text(path, f"0 .5 .5 .1 .1\n{line}\n")
    with pytest.raises(AnnotationError) as raised:
        read_source(root)
    assert f"{path} line 2: " in str(raised.value)
    assert message in str(raised.value)


def test_labels_without_a_picture_are_not_lost_silently(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    write_text(root / "one/labels/img_0003.txt", "0 .5 .5 .1 .1\n")
    with pytest.raises(AnnotationError, match=r"img_0003.txt has no picture; expected"):
        read_source(root)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match="holds no pictures in folders of clips"):
        read_source(tmp_path, "yolo", ["car"])


# MOT


def make_mot(root: Path, lines: str, *, length: int | None = 3) -> Path:
    for frame in (1, 2, 3):
        write_picture(root / f"seq/img1/{frame:06}.jpg")
    write_text(root / "seq/gt/gt.txt", lines)
    if length is not None:
        write_text(
            root / "seq/seqinfo.ini",
            f"[Sequence]\nname=seq\nimDir=img1\nframeRate=30\nseqLength={length}\n"
            "imWidth=100\nimHeight=50\nimExt=.jpg\n",
        )
    return root


@pytest.mark.parametrize("length", [3, None])
def test_mot_sequences_become_the_layout(tmp_path, length):
    lines = (
        "1,5,10,20,30.5,10,1,3,0.2\n2,5,10,20,30,10,0,3,1\n\n3,6,0,0,5,5,1,-1,-1,-1\n"
        "3,7,1,1,5,5\n"
    )
    source = make_mot(tmp_path / "mot", lines, length=length)
    assert run(source, tmp_path / "set", "--split", "train") == 0
    read = read_ground_truth(tmp_path / "set", "train", cache=False)
    assert read.snippets == ("seq",)
    assert read.frame_numbers.tolist() == [0, 1, 2]
    assert read.frame_sizes.tolist() == [[50, 100]] * 3
    assert read.object_frames.tolist() == [0, 2, 2]
    assert read.boxes.tolist() == [[10, 20, 39.5, 29], [0, 0, 4, 4], [1, 1, 5, 5]]
    assert [read.classes[label] for label in read.labels] == [
        "car",
        "pedestrian",
        "pedestrian",
    ]
    assert read.track_ids.tolist() == [5, 6, 7]
    assert read.occluded.tolist() == [True, False, False]
    assert read.image_path(0).is_file()


def test_mot_classes_may_be_named_by_the_sequence_or_the_user(tmp_path):
    root = make_mot(tmp_path, "1,1,0,0,5,5,1,2,1\n")
    assert read_source(root, classes=["a", "b"]).classes == ("a", "b")
    write_text(root / "seq/gt/labels.txt", "crate\nfork lift\n")
    read = read_source(root)
    assert read.classes == ("crate", "fork lift")
    assert read.labels.tolist() == [1]
    make_mot(root / "more", "1,1,0,0,5,5\n")
    assert read_source(root).snippets == ("more/seq", "seq")
    write_text(root / "more/seq/gt/labels.txt", "other\n")
    with pytest.raises(AnnotationError, match="name different classes; convert these"):
        read_source(root)


def test_a_single_mot_sequence_is_named_after_its_folder(tmp_path):
    root = make_mot(tmp_path, "1,1,0,0,5,5,1,2,1\n")
    assert read_source(root / "seq").snippets == ("seq",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,1,0,0,5", "expected 'frame,id,left,top,width,height[,flag"),
        ("1 1 0 0 5 5", "expected 'frame,id,left,top"),
        ("1,1,0,0,inf,5", "expected 'frame,id,left,top"),
        ("1,1.5,0,0,5,5", "with whole numbers as frame, id and class"),
        ("1,1,0,0,5,5,1,1.5", "with whole numbers as frame, id and class"),
        ("4,1,0,0,5,5", "expected a frame from 1 to 3, received '4,1"),
        ("0,1,0,0,5,5", "expected a frame from 1 to 3"),
        ("1,1,0,0,0,5", "expected a width and a height above 0"),
        ("1,1,0,0,5,5,1,14,1", "expected a class from 1 to 13"),
    ],
)
def test_a_wrong_mot_line_is_named(tmp_path, line, message):
    root = make_mot(tmp_path, f"1,1,0,0,5,5\n{line}\n")
    with pytest.raises(AnnotationError) as raised:
        read_source(root)
    assert "gt.txt line 2: " in str(raised.value)
    assert message in str(raised.value)


def test_a_sequence_needs_all_its_pictures(tmp_path):
    root = make_mot(tmp_path, "1,1,0,0,5,5\n", length=5)
    with pytest.raises(AnnotationError, match="has 3 pictures and the sequence 5 fram"):
        read_source(root)
    info = root / "seq/seqinfo.ini"
    write_text(info, "[Sequence]\nimDir=absent\n")
    with pytest.raises(AnnotationError, match="absent cannot be read: No such file"):
        read_source(root)
    write_text(info, "[Sequence]\nimWidth=many\n")
    with pytest.raises(AnnotationError, match=r"seqinfo.ini: seqLength, imWidth and"):
        read_source(root)
    write_text(info, "seqLength=3\n")
    with pytest.raises(AnnotationError, match=r"seqinfo.ini needs a section \[Sequen"):
        read_source(root)


def test_a_folder_without_sequences_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match=r"holds no sequence; expected"):
        read_source(tmp_path, "mot")


# COCO-VID


def make_coco(folder: Path) -> Path:
    """Make two videos whose frames are mixed, the first out of order."""
    images = [
        {"id": 7, "video_id": 1, "frame_id": 1, "file_name": "a/1.jpg"},
        {"id": 3, "video_id": 2, "frame_id": 0, "file_name": "b/0.jpg"},
        {"id": 5, "video_id": 1, "frame_id": 0, "file_name": "a/0.jpg"},
    ]
    found = [(5, 9, [1, 2, 10, 20], 4), (7, 4, [0, 0, 0.5, 8.25], 4)]
    content = {
        "videos": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "images": [{**image, "height": 50, "width": 100} for image in images],
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": b, "instance_id": t}
            for n, (i, c, b, t) in enumerate(found)
        ],
        "categories": [{"id": 9, "name": "crate"}, {"id": 4, "name": "car"}],
    }
    path = folder / "coco.json"
    write_text(path, json.dumps(content))
    for image in images:
        write_picture(folder / "pictures" / str(image["file_name"]))
    return path


def test_coco_videos_become_the_layout_in_the_order_of_their_frames(tmp_path):
    source = make_coco(tmp_path)
    images = tmp_path / "pictures"
    words = ("--images", images, "--pictures", "link")
    assert run(source, tmp_path / "set", *words) == 0
    read = read_ground_truth(tmp_path / "set", cache=False)
    assert read.snippets == ("a", "b")
    assert read.frame_numbers.tolist() == [0, 1, 0]
    assert read.frame_indices.tolist() == [1, 2, 3]
    assert read.object_frames.tolist() == [0, 1]
    assert read.labels.tolist() == [0, 1]
    assert read.boxes.tolist() == [[1, 2, 10, 21], [0, 0, 0, 7.25]]
    assert read.image_path(0).resolve() == (images / "a/0.jpg").resolve()


def test_missing_pictures_are_named_unless_none_are_wanted(tmp_path):
    source = make_coco(tmp_path)
    with pytest.raises(VideoError, match=r"0.jpg is missing. Give the folder of the"):
        run(source, tmp_path / "set")
    assert not (tmp_path / "set").exists()
    assert run(source, tmp_path / "set", "--pictures", "none") == 0
    assert read_ground_truth(tmp_path / "set", cache=False).num_objects == 2


def test_coco_names_its_classes_itself(tmp_path):
    with pytest.raises(ConfigError, match="--classes does not apply"):
        read_source(make_coco(tmp_path), classes=["car"])


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match="absent does not exist"):
        read_source(tmp_path / "absent")
