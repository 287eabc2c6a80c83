"""What is written is what is read, in every format of a result file."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import make_info
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import VID_NAMES
from vod.predictions import Predictions
from vod.predictions_reading import read_predictions
from vod.provenance import Provenance
from vod.results import open_results
from vod.types import Detections

FRAMES = 4
CLASSES = ("dog", "car", "cattle")

# Two decimals are what JSON lines and COCO results keep of a box.
coordinates = st.integers(-(10**6), 10**6).map(lambda n: n / 100)
found = st.lists(
    st.tuples(
        st.integers(0, FRAMES - 1),
        st.integers(0, len(CLASSES) - 1),
        st.integers(0, 10**4).map(lambda n: n / 10**4),
        st.tuples(*[coordinates] * 4),
    ),
    max_size=12,
)


def make_truth(category_ids: tuple[int, ...] = ()) -> GroundTruth:
    none, no = np.zeros(0, np.int32), np.zeros(0, np.bool_)
    numbers = np.arange(FRAMES, dtype=np.int32)
    return GroundTruth(
        CLASSES,
        ("clip",),
        np.zeros(FRAMES, np.int32),
        numbers,
        numbers.astype(np.int64) + 1,
        np.zeros((FRAMES, 2), np.int32),
        ("",) * FRAMES,
        Path("pictures"),
        none,
        np.zeros((0, 4)),
        none,
        none,
        no,
        no,
        category_ids,
    )


def by_frame(rows) -> dict[int, Detections]:
    frames = {}
    for frame in range(FRAMES):
        mine = [row for row in rows if row[0] == frame]
        frames[frame] = Detections(
            np.array([box for *_, box in mine], np.float32).reshape(-1, 4),
            np.array([score for _, _, score, _ in mine], np.float32),
            np.array([label for _, label, _, _ in mine], np.int32),
        )
    return frames


def write_and_read(rows, name: str, truth: GroundTruth, classes=CLASSES) -> Predictions:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with open_results(
            path, info=make_info(), class_names=classes, config={}, weights={}
        ) as writer:
            for frame, detections in by_frame(rows).items():
                writer.write(frame, frame / 25, frame % 2 == 0, detections)
        return read_predictions(path, truth)


def check_equal(read: Predictions, rows, truth: GroundTruth, *, inclusive: bool):
    frames = {frame + 1: found for frame, found in by_frame(rows).items()}
    expected = Predictions.from_detections(frames, CLASSES)
    boxes = expected.boxes + (0 if inclusive else np.array([0, 0, 1, 1]))
    assert read.indices.tolist() == expected.indices.tolist()
    assert read.labels.tolist() == expected.labels.tolist()
    np.testing.assert_array_equal(
        read.scores.astype(np.float32), expected.scores.astype(np.float32)
    )
    # float32 holds 10,000 to 1/1024 pixel, and a width is a difference of two.
    np.testing.assert_allclose(read.boxes, boxes, atol=0.02)
    assert read.classes == truth.classes


@given(found, st.sampled_from(["found.jsonl", "found.jsonl.gz"]))
def test_json_lines_are_read_as_written(rows, name):
    truth = make_truth()
    read = write_and_read(rows, name, truth)
    check_equal(read, rows, truth, inclusive=True)
    positions = [(index - 1) % 2 for index in read.indices.tolist()]
    assert read.ages.tolist() == positions


@given(found, st.integers(0, 9))
def test_ages_that_a_file_tells_win_over_counting(rows, age):
    truth = make_truth()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.jsonl"
        with open_results(
            path, info=make_info(), class_names=CLASSES, config={}, weights={}
        ) as writer:
            for frame, detections in by_frame(rows).items():
                ages = np.full(len(detections), age, np.int32)
                whole = np.ones(len(detections), np.float32)
                told = Provenance(ages, ages, whole, whole)
                writer.write(frame, frame / 25, False, detections, told)
        read = read_predictions(path, truth)
    assert read.ages.tolist() == [age] * len(rows)


@given(found, st.sampled_from(["found.json", "found.json.gz"]))
def test_coco_results_are_read_as_written(rows, name):
    truth = make_truth(category_ids=(1, 2, 3))
    check_equal(write_and_read(rows, name, truth), rows, truth, inclusive=False)


@given(found)
def test_lines_and_json_lines_say_the_same_under_imagenet_vid(rows):
    truth = dataclasses.replace(make_truth(), classes=VID_NAMES)
    lines = write_and_read(rows, "found.txt", truth, ("dog", "car", "cow"))
    json_lines = write_and_read(rows, "found.jsonl", truth, ("dog", "car", "cow"))
    assert lines.indices.tolist() == json_lines.indices.tolist()
    assert lines.labels.tolist() == json_lines.labels.tolist()
    np.testing.assert_array_equal(
        lines.scores.astype(np.float32), json_lines.scores.astype(np.float32)
    )
    # JSON lines keep two decimals of a pixel, lines three of the float32 box.
    np.testing.assert_allclose(lines.boxes, json_lines.boxes, atol=0.0061)
