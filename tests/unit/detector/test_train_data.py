import json

import cv2
import numpy as np
import pytest

from detector.anchors import generate_anchors
from detector.box_coding import decode_boxes
from detector.train_augment import AugmentConfig
from detector.train_data import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    DetectorBatches,
    Sample,
    assign,
    read_stills,
    read_unlabelled,
)
from vod.errors import ConfigError
from vod.preprocess import Preprocessing

# two squares side by side, one far away
ANCHORS = np.array([[10, 10, 10, 10], [14, 10, 10, 10], [80, 80, 10, 10]], np.float32)
BOTH = np.array([True, True, False])


def test_the_overlapping_anchor_is_present_the_far_one_absent():
    boxes = np.array([[5, 5, 15, 15]], np.float32)
    state, codes = assign(boxes, np.array([1], np.int32), ANCHORS, annotated=BOTH)
    # anchor 1 overlaps by 6 x 10 of 140: IoU 0.43, neither one nor the other
    assert state.tolist() == [
        [ABSENT, PRESENT, UNKNOWN],
        [UNKNOWN, UNKNOWN, UNKNOWN],
        [ABSENT, ABSENT, UNKNOWN],
    ]
    np.testing.assert_allclose(codes, 0, atol=1e-6)


def test_the_best_anchor_is_matched_however_small_the_overlap():
    boxes = np.array([[70, 70, 79, 79]], np.float32)
    state, codes = assign(boxes, np.array([0], np.int32), ANCHORS, annotated=BOTH)
    assert state[2].tolist() == [PRESENT, ABSENT, UNKNOWN]
    np.testing.assert_allclose(decode_boxes(codes[2], ANCHORS[2]), boxes[0], atol=1e-4)


def test_around_an_object_of_no_class_nothing_is_known():
    boxes = np.array([[0, 0, 40, 40]], np.float32)
    state, _ = assign(boxes, np.array([-1], np.int32), ANCHORS, annotated=BOTH)
    assert (state[:2] == UNKNOWN).all()
    assert state[2].tolist() == [ABSENT, ABSENT, UNKNOWN]


def test_a_picture_without_boxes_tells_what_is_absent():
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int32)
    state, codes = assign(*nothing, ANCHORS, annotated=BOTH)
    assert (state[:, :2] == ABSENT).all()
    assert (state[:, 2] == UNKNOWN).all()
    assert not codes.any()


def test_two_objects_on_one_anchor_are_both_present():
    boxes = np.array([[5, 5, 15, 15], [5, 5, 15, 14]], np.float32)
    state, _ = assign(boxes, np.array([0, 1], np.int32), ANCHORS, annotated=BOTH)
    assert state[0].tolist() == [PRESENT, PRESENT, UNKNOWN]


@pytest.fixture
def stills(tmp_path):
    content = {"images": [], "annotations": [], "categories": []}
    for number, (source, split) in enumerate(
        [("pets", "train"), ("pets", "train"), ("zoo", "train"), ("zoo", "val")]
    ):
        name = f"{number}.png"
        noise = np.random.default_rng(number).integers(0, 255, (40, 60, 3), np.uint8)
        cv2.imwrite(str(tmp_path / name), noise)
        image = {"id": number, "file_name": name, "split": split, "source": source}
        content["images"].append(image)
    content["categories"] = [{"id": 9, "name": "dog"}, {"id": 16, "name": "lion"}]
    content["annotations"] = [
        {"id": 1, "image_id": 0, "category_id": 9, "bbox": [10, 10, 20, 20]},
        {"id": 2, "image_id": 2, "category_id": 16, "bbox": [5, 5, 30, 30]},
    ]
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return tmp_path


def test_a_source_annotates_the_classes_that_any_of_its_images_has(stills):
    samples = read_stills(stills, ("dog", "car"), split="train")
    assert len(samples) == 3
    assert [s.annotated.tolist() for s in samples] == [
        [True, False],
        [True, False],
        [False, False],
    ]
    np.testing.assert_allclose(samples[0].boxes, [[10, 10, 30, 30]])
    assert samples[0].labels.tolist() == [0]
    assert samples[1].boxes.shape == (0, 4)
    assert samples[2].labels.tolist() == [-1]


def test_unlabelled_folders_are_searched_and_empty_ones_refused(stills, tmp_path):
    samples = read_unlabelled(stills, 2)
    assert len(samples) == 4
    assert not samples[0].annotated.any()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match=r"empty holds no \.jpg or \.png picture"):
        read_unlabelled(empty, 2)


def batches(stills, **changes):
    anchors = generate_anchors([((8, 24), (8, 24))], side=32)
    values = {"augment": AugmentConfig(), "batch_size": 2, "seed": 5} | changes
    samples = read_stills(stills, ("dog", "car"), split="train")
    return DetectorBatches(samples, anchors, Preprocessing(32, 32), **values)


def test_a_batch_has_the_promised_shapes(stills):
    data = batches(stills)
    assert len(data) == 1
    inputs, targets = data[0]
    assert inputs["clean"].shape == inputs["picture"].shape == (2, 32, 32, 3)
    assert targets["state"].shape == (2, 12, 2)
    assert targets["codes"].shape == (2, 12, 4)
    assert all(
        np.isfinite(array).all() for array in (*inputs.values(), *targets.values())
    )


def test_seed_and_epoch_decide_the_batches(stills):
    first, again = batches(stills), batches(stills)
    np.testing.assert_array_equal(first[0][0]["picture"], again[0][0]["picture"])
    again.on_epoch_end()
    assert (first[0][0]["picture"] != again[0][0]["picture"]).any()
    first.start_at(1)
    np.testing.assert_array_equal(first[0][0]["picture"], again[0][0]["picture"])


def test_what_is_hardly_visible_is_not_learnt(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((32, 32, 3), np.uint8))
    sample = Sample(
        path,
        np.array([[0, 0, 32, 32]], np.float32),
        np.array([0], np.int32),
        np.array([True]),
    )
    anchors = generate_anchors([((8, 24), (8, 24))], side=32)
    closeup = AugmentConfig(zoom=(0.3, 0.3), stretch=1.0)
    data = DetectorBatches(
        [sample], anchors, Preprocessing(32, 32), augment=closeup, batch_size=1, seed=0
    )
    assert (data[0][1]["state"] == UNKNOWN).all()
