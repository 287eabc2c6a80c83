import cv2
import numpy as np
import pytest

from detector.agreement import agreement, main, reproduced
from detector.registry import load_detector
from vod.errors import ConfigError
from vod.types import Detections


def detections(boxes, labels):
    return Detections(
        np.array(boxes, np.float32),
        np.full(len(boxes), 0.9, np.float32),
        np.array(labels, np.int32),
    )


def test_same_class_and_half_overlap_count_as_reproduced():
    first = detections([[0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 10, 10]], [0, 0, 1])
    # IoU 0.5 exactly; IoU 0.4; the class 1 is missing
    second = detections([[0, 0, 10, 5], [20, 20, 30, 24]], [0, 0])
    assert reproduced(first, second) == 1


def test_nothing_to_reproduce_is_zero():
    assert reproduced(Detections.empty(), Detections.empty()) == 0


def test_a_detector_reproduces_itself(tiny_weights, tmp_path):
    detector = load_detector("ssd_mobilenet_v1", weights=tiny_weights)
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), noise)
    found, total = agreement(detector, detector, [tmp_path / "a.png"])
    assert found == total > 0


def test_other_classes_cannot_be_compared(tiny_weights):
    import dataclasses

    detector = load_detector("ssd_mobilenet_v1", weights=tiny_weights)
    other = dataclasses.replace(detector, classes=("cat", "car", "person"))
    with pytest.raises(ConfigError, match="know different classes"):
        agreement(detector, other, [])


def test_the_command_needs_pictures(tiny_weights, caplog):
    folder = str(tiny_weights)
    assert main(["--reference", folder, "--weights", folder]) == 1
    assert "no pictures: give --pictures DIR, --coco FILE or both." in caplog.text


def test_the_command_says_the_share(tiny_weights, tmp_path, capsys):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), noise)
    folder = str(tiny_weights)
    arguments = ["--reference", folder, "--weights", folder]
    assert main([*arguments, "--pictures", str(tmp_path)]) == 0
    assert "reproduced (100.0%)" in capsys.readouterr().out
