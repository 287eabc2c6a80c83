import numpy as np

from vod.class_map import COCO_TO_VID
from vod.imagenet_vid import (
    VID_CLASSES,
    VID_NAMES,
    continuous_boxes,
    format_submission_line,
    inclusive_boxes,
    relabelled,
    vid_labels,
)
from vod.predictions import Predictions
from vod.predictions_submission import read_submission_lines
from vod.types import Detections


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


def test_a_continuous_box_loses_one_at_its_right_and_lower_end():
    assert inclusive_boxes([[10, 20, 30.5, 60]]).tolist() == [[10, 20, 29.5, 59]]
    assert continuous_boxes([[10, 20, 29, 59]]).tolist() == [[10, 20, 30, 60]]
    assert inclusive_boxes([0.12345, 0, 1, 1]).tolist() == [[0.123, 0, 0, 0]]


def test_a_submission_line_counts_classes_from_1():
    line = format_submission_line(12, 6, score=0.5, box=[10, 20, 30.25, 60])
    assert line == "12 7 0.5 10.000 20.000 29.250 59.000"


def test_what_is_written_is_what_is_scored(tmp_path):
    rng = np.random.default_rng(1)
    boxes = rng.uniform(0, 500, (50, 4)).astype(np.float32)
    scores = -np.sort(-rng.uniform(0, 1, 50).astype(np.float32))
    detections = Detections(boxes, scores, rng.integers(0, 30, 50).astype(np.int32))
    direct = Predictions.from_detections({3: detections}, VID_NAMES)
    path = tmp_path / "results.txt"
    lines = [
        format_submission_line(3, int(label), score=float(score), box=box)
        for box, score, label in zip(boxes, scores, detections.labels, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    read = read_submission_lines(path, VID_NAMES)
    np.testing.assert_array_equal(read.boxes, direct.boxes)
    np.testing.assert_array_equal(read.labels, direct.labels)
    np.testing.assert_array_equal(read.indices, direct.indices)
    np.testing.assert_array_equal(read.scores.astype(np.float32), scores)
