import gzip

import numpy as np
import pytest

from vod.errors import AnnotationError, ShapeError
from vod.imagenet_vid import (
    COCO_TO_VID,
    VID_CLASSES,
    VID_NAMES,
    VidPredictions,
    format_submission_line,
    inclusive_boxes,
    read_annotation,
    read_dataset,
    read_submission,
    relabelled,
    vid_labels,
)
from vod.types import Detections

OBJECT = """<object><trackid>{track}</trackid><name>{wnid}</name>
<bndbox><xmax>{xmax}</xmax><xmin>{xmin}</xmin><ymax>{ymax}</ymax><ymin>{ymin}</ymin>
</bndbox><occluded>0</occluded><generated>0</generated></object>"""
CAR, DOG = "n02958343", "n02084071"


def xml_object(wnid=CAR, track=0, xmin=10, ymin=20, xmax=29, ymax=59):
    return OBJECT.format(
        wnid=wnid, track=track, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax
    )


def write_xml(path, *objects):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{''.join(objects)}</annotation>", encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path):
    """Two snippets, b first; b/000001 has no object."""
    lists = tmp_path / "ImageSets" / "VID"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("b/000000 1\nb/000001 2\na/000004 3\n\n")
    annotations = tmp_path / "Annotations" / "VID" / "val"
    write_xml(annotations / "b" / "000000.xml", xml_object(), xml_object(DOG, 7))
    write_xml(annotations / "b" / "000001.xml")
    write_xml(annotations / "a" / "000004.xml", xml_object(xmin=0, xmax=0))
    return tmp_path


def test_there_are_30_classes_in_alphabetical_order():
    assert len(VID_CLASSES) == 30
    assert list(VID_NAMES) == sorted(VID_NAMES)
    assert VID_CLASSES["n02691156"] == "airplane"
    assert VID_NAMES.index("zebra") == 29


def test_vid_labels_know_coco_names_vid_names_and_others():
    names = ["cow", "cat", "boat", "car", "domestic_cat", "person", "zebra"]
    assert vid_labels(names).tolist() == [7, 9, 27, 6, 9, -1, 29]
    assert vid_labels([]).shape == (0,)


def test_every_coco_name_leads_to_a_vid_class():
    assert set(COCO_TO_VID.values()) <= set(VID_NAMES)


def test_relabelled_detections_leave_out_what_vid_lacks():
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    detections = Detections(boxes, np.float32([0.9, 0.8, 0.7]), np.int32([1, 0, 2]))
    vid = relabelled(detections, vid_labels(["person", "cow", "cat"]))
    assert vid.labels.tolist() == [7, 9]
    assert vid.labels.dtype == np.int32
    assert vid.boxes.tolist() == boxes[[0, 2]].tolist()


def test_frames_come_in_the_order_of_the_list(root):
    dataset = read_dataset(root)
    assert [frame.index for frame in dataset.frames] == [1, 2, 3]
    assert list(dataset.snippets) == ["b", "a"]
    assert [frame.frame for frame in dataset.snippets["b"]] == [0, 1]


def test_a_frame_knows_its_files_and_objects(root):
    frame = read_dataset(root).frames[0]
    assert frame.image_path == root / "Data" / "VID" / "val" / "b" / "000000.JPEG"
    assert frame.annotation_path.is_file()
    assert frame.boxes.tolist() == [[10, 20, 29, 59], [10, 20, 29, 59]]
    assert frame.labels.tolist() == [6, 8]
    assert frame.track_ids.tolist() == [0, 7]


def test_a_frame_without_objects_is_ordinary(root):
    frame = read_dataset(root).frames[1]
    assert frame.boxes.shape == (0, 4)
    assert frame.labels.shape == frame.track_ids.shape == (0,)
    assert frame.continuous_boxes().shape == (0, 4)


def test_continuous_boxes_end_after_the_last_pixel(root):
    dataset = read_dataset(root)
    assert dataset.frames[0].continuous_boxes()[0].tolist() == [10, 20, 30, 60]
    assert dataset.frames[2].continuous_boxes()[0].tolist() == [0, 20, 1, 60]


def test_other_image_sets_have_their_own_list_and_folder(root):
    (root / "ImageSets" / "VID" / "train.txt").write_text("s/t/000009 5\n")
    write_xml(root / "Annotations" / "VID" / "train" / "s" / "t" / "000009.xml")
    (frame,) = read_dataset(root, "train").frames
    assert (frame.snippet, frame.frame, frame.index) == ("s/t", 9, 5)


def test_a_missing_list_is_named(root):
    with pytest.raises(AnnotationError, match=r"test\.txt cannot be read: No such"):
        read_dataset(root, "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"val\.txt lists no frame"),
        ("b/000000\n", r"val\.txt line 1: expected '<snippet>/<frame> <index>', rec"),
        ("\nb/000000 1 1\n", r"line 2: expected '<snippet>/<frame> <index>'"),
        ("000000 1\n", r"expected '<snippet>/<frame> <index>', received '000000 1'"),
        ("b/first 1\n", r"expected '<snippet>/<frame> <index>'"),
        ("b/000000 x\n", r"expected an index that no other line has"),
        ("b/000000 1\nb/000001 1\n", r"line 2: expected an index that no other line"),
    ],
)
def test_a_wrong_list_is_one_clear_sentence(root, text, message):
    (root / "ImageSets" / "VID" / "val.txt").write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_dataset(root)


def test_a_list_that_is_not_text_is_named(root):
    (root / "ImageSets" / "VID" / "val.txt").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(AnnotationError, match=r"val\.txt cannot be read"):
        read_dataset(root)


def test_a_missing_annotation_is_named(root):
    (root / "Annotations" / "VID" / "val" / "b" / "000001.xml").unlink()
    message = r"000001\.xml cannot be read \(No such file"
    with pytest.raises(AnnotationError, match=message):
        read_dataset(root)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ("<object>", r"000000\.xml is not valid XML: mismatched tag"),
        (xml_object("n00000000"), r"'n00000000' is not one of the 30 ImageNet VID"),
        ("<object><trackid>1</trackid></object>", r"'' is not one of the 30"),
        (
            xml_object(xmin=30),
            r"xmin <= xmax and ymin <= .*received 30, 20, 29, 59",
        ),
        (
            xml_object(ymax=19),
            r"xmin <= xmax and ymin <= .*received 10, 20, 29, 19",
        ),
        (xml_object(xmax="wide"), r"<bndbox/xmax> must be a number, received 'wide'"),
        (xml_object(xmax="nan"), r"<bndbox/xmax> must be a number, received 'nan'"),
        (xml_object(track=""), r"<trackid> must be a number, received ''"),
        (
            f"<object><trackid>1</trackid><name>{CAR}</name></object>",
            r"<bndbox/xmin> must be a number, received None",
        ),
    ],
)
def test_a_wrong_annotation_is_one_clear_sentence(tmp_path, objects, message):
    path = write_xml(tmp_path / "000000.xml", objects)
    with pytest.raises(AnnotationError, match=message):
        read_annotation(path)


def test_a_box_of_one_pixel_is_no_error(tmp_path):
    path = write_xml(tmp_path / "0.xml", xml_object(xmin=3, xmax=3, ymin=4, ymax=4))
    assert read_annotation(path)[0].tolist() == [[3, 4, 3, 4]]


def test_a_continuous_box_loses_one_at_its_right_and_lower_end():
    assert inclusive_boxes([[10, 20, 30.5, 60]]).tolist() == [[10, 20, 29.5, 59]]
    assert inclusive_boxes([0.12345, 0, 1, 1]).tolist() == [[0.123, 0, 0, 0]]


def test_a_submission_line_counts_classes_from_1():
    line = format_submission_line(12, 6, score=0.5, box=[10, 20, 30.25, 60])
    assert line == "12 7 0.5 10.000 20.000 29.250 59.000"


def test_what_is_written_is_what_is_scored(tmp_path):
    rng = np.random.default_rng(1)
    boxes = rng.uniform(0, 500, (50, 4)).astype(np.float32)
    scores = -np.sort(-rng.uniform(0, 1, 50).astype(np.float32))
    detections = Detections(boxes, scores, rng.integers(0, 30, 50).astype(np.int32))
    direct = VidPredictions.from_detections({3: detections})
    path = tmp_path / "results.txt"
    lines = [
        format_submission_line(3, int(label), score=float(score), box=box)
        for box, score, label in zip(boxes, scores, detections.labels, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    read = read_submission(path)
    np.testing.assert_array_equal(read.boxes, direct.boxes)
    np.testing.assert_array_equal(read.labels, direct.labels)
    np.testing.assert_array_equal(read.indices, direct.indices)
    np.testing.assert_array_equal(read.scores.astype(np.float32), scores)


def test_predictions_keep_the_order_of_frames_and_detections():
    one = Detections(np.ones((1, 4), np.float32), np.float32([0.1]), np.int32([2]))
    predictions = VidPredictions.from_detections(
        {9: one, 4: Detections.empty(), 5: one}
    )
    assert predictions.indices.tolist() == [9, 5]
    assert predictions.boxes.tolist() == [[1, 1, 0, 0]] * 2
    assert len(predictions) == 2


@pytest.mark.parametrize("frames", [{}, {1: Detections.empty()}])
def test_no_detections_give_no_predictions(frames):
    predictions = VidPredictions.from_detections(frames)
    assert len(predictions) == 0
    assert predictions.boxes.shape == (0, 4)
    assert predictions.labels.dtype == np.int32


@pytest.mark.parametrize("label", [-1, 30])
def test_labels_that_are_not_vid_labels_are_refused(label):
    one = Detections(np.ones((1, 4), np.float32), np.float32([0.1]), np.int32([label]))
    with pytest.raises(ShapeError, match=f"0 to 29, received {label} to {label}"):
        VidPredictions.from_detections({1: one})


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_submission_is_read_plain_and_packed(tmp_path, suffix):
    path = tmp_path / f"results.txt{suffix}"
    opener = gzip.open if suffix else open
    with opener(path, "wt") as stream:
        stream.write("2 7 -3.5 1 2 3 4\n\n1 30 1e-3 -1.5 2 3 4e1")
    predictions = read_submission(path)
    assert predictions.indices.tolist() == [2, 1]
    assert predictions.labels.tolist() == [6, 29]
    assert predictions.scores.tolist() == [-3.5, 0.001]
    assert predictions.boxes.tolist() == [[1, 2, 3, 4], [-1.5, 2, 3, 40]]


def test_an_empty_submission_holds_nothing(tmp_path):
    path = tmp_path / "results.txt"
    path.write_text("")
    assert len(read_submission(path)) == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 2 0.5 1 2 3", "'index class score xmin ymin xmax ymax'"),
        ("1 2 0.5 1 2 3 4 5", "'index class score xmin ymin xmax ymax'"),
        ("1 2", "'index class score xmin ymin xmax ymax'"),
        ("1", "'index class score xmin ymin xmax ymax'"),
        ("1.5 2 0.5 1 2 3 4", "'index class score xmin ymin xmax ymax'"),
        ("1 2 high 1 2 3 4", "'index class score xmin ymin xmax ymax'"),
        ("1 2 nan 1 2 3 4", "'index class score xmin ymin xmax ymax'"),
        ("1 2 0.5 1 2 inf 4", "'index class score xmin ymin xmax ymax'"),
        ("1 0 0.5 1 2 3 4", "a class from 1 to 30"),
        ("1 31 0.5 1 2 3 4", "a class from 1 to 30"),
    ],
)
def test_a_wrong_line_is_named_by_file_and_number(tmp_path, line, expected):
    path = tmp_path / "results.txt"
    path.write_text(f"1 1 0.5 1 2 3 4\n{line}\n")
    message = f"results.txt line 2: expected {expected}, received '{line}'"
    with pytest.raises(AnnotationError, match=message):
        read_submission(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"\xff\xfe"),
        ("a.txt.gz", b"1 1 0.5 1 2 3 4\n"),
        ("a.txt.gz", gzip.compress(b"1 1 0.5 1 2 3 4\n" * 9)[:-9]),
        ("a.txt.gz", gzip.compress(b"1 1")[:10] + b"\xff" * 30),
    ],
)
def test_a_file_that_cannot_be_unpacked_or_decoded_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match=f"{name} cannot be read"):
        read_submission(path)


def test_a_missing_submission_is_named(tmp_path):
    with pytest.raises(AnnotationError, match="absent cannot be read: No such file"):
        read_submission(tmp_path / "absent")


def test_a_folder_is_no_submission(tmp_path):
    with pytest.raises(AnnotationError, match="cannot be read: Is a directory"):
        read_submission(tmp_path)


@pytest.mark.parametrize(
    ("name", "image_set", "frames", "snippets"),
    [("davis", "val", 290, 6), ("tiger", "train", 628, 6), ("tiger", "val", 171, 2)],
)
def test_real_image_sets_are_read_as_they_are(
    vod_data, name, image_set, frames, snippets
):
    dataset = read_dataset(vod_data / name, image_set)
    assert len(dataset.frames) == frames
    assert len(dataset.snippets) == snippets
    assert all(frame.image_path.is_file() for frame in dataset.frames)
