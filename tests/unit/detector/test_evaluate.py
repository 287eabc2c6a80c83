import json

import cv2
import numpy as np
import pytest

from detector.detector import Detector
from detector.evaluate import (
    category_labels,
    evaluate_coco,
    evaluate_vid,
    main,
    read_coco,
    read_picture,
)
from vod.errors import AnnotationError, VideoError
from vod.preprocess import Preprocessing


def fixed_detector(boxes, scores):
    """Find the same on every picture; boxes in a 100x100 input."""
    maps = (np.array([boxes], np.float32), np.array([scores], np.float32))
    return Detector(
        name="fixed",
        classes=("dog", "cow"),
        preprocessing=Preprocessing(100, 100),
        maps=(),
        features=lambda _: maps,
        head=lambda boxes, scores: (boxes, scores),
    )


@pytest.fixture
def coco(tmp_path):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((50, 100, 3), np.uint8))
    content = {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 100, "height": 50, "split": "val"},
            {
                "id": 2,
                "file_name": "b.png",
                "width": 100,
                "height": 50,
                "split": "train",
            },
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 8, "bbox": [0, 0, 40, 20]},
            {"id": 2, "image_id": 1, "category_id": 9, "bbox": [50, 20, 40, 20]},
            {"id": 3, "image_id": 1, "category_id": 16, "bbox": [0, 0, 9, 9]},
        ],
        "categories": [
            {"id": 8, "name": "cattle"},
            {"id": 9, "name": "dog"},
            {"id": 16, "name": "lion"},
        ],
    }
    for annotation in content["annotations"]:
        annotation |= {
            "area": annotation["bbox"][2] * annotation["bbox"][3],
            "iscrowd": 0,
        }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    return path


def test_categories_map_by_coco_or_vid_name_and_unknown_ones_are_left_out():
    categories = [
        {"id": 8, "name": "cattle"},
        {"id": 9, "name": "dog"},
        {"id": 16, "name": "lion"},
    ]
    assert category_labels(categories, ("dog", "cow")) == {8: 1, 9: 0}


def test_coco_ap_is_one_where_found_and_zero_where_missed(coco):
    # in a 100x100 input the frame's 50 rows are stretched to 100
    detector = fixed_detector([[0, 0, 40, 40]], [[0.0, 0.9]])
    result = evaluate_coco(detector, coco)
    assert result["images"] == 1
    assert result["ap"] == {"cattle": pytest.approx(1), "dog": 0}
    assert result["ap50"] == pytest.approx(0.5)


def test_coco_ap_without_any_find_is_zero(coco):
    result = evaluate_coco(fixed_detector([[0, 0, 1, 1]], [[0.0, 0.0]]), coco)
    assert result["ap"] == {"cattle": 0, "dog": 0}


def test_a_split_without_images_is_named(coco):
    with pytest.raises(AnnotationError, match="has no image of split 'test'"):
        read_coco(coco, split="test")


def test_a_json_that_is_not_coco_is_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(AnnotationError, match=r"x\.json is not a COCO json"):
        read_coco(path, split=None)


def test_a_missing_json_is_named(tmp_path):
    with pytest.raises(AnnotationError, match=r"no\.json cannot be read: No such file"):
        read_coco(tmp_path / "no.json", split=None)


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(VideoError, match=r"no\.jpg cannot be read as a picture"):
        read_picture(tmp_path / "no.jpg")


def test_vid_frames_are_scored_by_the_vid_protocol(tmp_path):
    folders = [tmp_path / kind / "VID" for kind in ("Data", "Annotations", "ImageSets")]
    (folders[0] / "val" / "clip").mkdir(parents=True)
    (folders[1] / "val" / "clip").mkdir(parents=True)
    folders[2].mkdir(parents=True)
    (folders[2] / "val.txt").write_text("clip/000000 1\n")
    cv2.imwrite(
        str(folders[0] / "val" / "clip" / "000000.JPEG"),
        np.zeros((50, 100, 3), np.uint8),
    )
    (folders[1] / "val" / "clip" / "000000.xml").write_text(
        "<annotation><object><trackid>0</trackid><name>n02084071</name><bndbox>"
        "<xmax>39</xmax><xmin>0</xmin><ymax>19</ymax><ymin>0</ymin></bndbox></object>"
        "</annotation>"
    )
    detector = fixed_detector([[0, 0, 40, 40]], [[0.9, 0.0]])
    result = evaluate_vid(detector, tmp_path)
    assert result == {"frames": 1, "mean_ap": 1.0, "ap": {"dog": 1.0}}


def test_the_command_needs_something_to_score(tiny_weights, caplog):
    assert main(["--weights", str(tiny_weights)]) == 1
    assert "nothing to score: give --data ROOT, --coco FILE or both." in caplog.text


def test_the_command_writes_its_report(tiny_weights, coco, tmp_path, capsys):
    report = tmp_path / "report.json"
    arguments = ["--weights", str(tiny_weights), "--coco", str(coco)]
    assert main([*arguments, "--report", str(report)]) == 0
    written = json.loads(report.read_text())
    assert written == json.loads(capsys.readouterr().out)
    assert written["coco"]["images"] == 1
