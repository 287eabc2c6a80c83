import numpy as np

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from vod.preprocess import Preprocessing


def fake_head(boxes, scores):
    return boxes, scores


DETECTOR = Detector(
    name="fake",
    classes=("dog",),
    preprocessing=Preprocessing(100, 100),
    maps=(),
    features=lambda image: (image,),
    head=fake_head,
)


def test_boxes_are_scaled_to_the_frame_and_clipped():
    boxes = np.array([[[10, 20, 50, 120]]], np.float32)
    scores = np.array([[[0.9]]], np.float32)
    found = DETECTOR.detect(
        (boxes, scores),
        frame_height=50,
        frame_width=300,
        postprocess=PostprocessConfig(),
    )
    np.testing.assert_allclose(found.boxes, [[30, 10, 150, 50]])
    np.testing.assert_allclose(found.scores, [0.9])


def test_a_frame_without_finds_has_no_detections():
    nothing = (np.zeros((1, 3, 4), np.float32), np.zeros((1, 3, 1), np.float32))
    found = DETECTOR.detect(
        nothing, frame_height=50, frame_width=300, postprocess=PostprocessConfig()
    )
    assert len(found) == 0
