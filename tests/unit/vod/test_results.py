import gzip
import json

import numpy as np
import pytest

from tests.builders import make_detections, make_info, names_in
from vod.coco_classes import COCO_CATEGORIES, coco_category_ids
from vod.errors import AnnotationError, ConfigError, ShapeError, VideoError
from vod.imagenet_vid import VID_NAMES
from vod.predictions_submission import read_submission_lines
from vod.provenance import Provenance
from vod.results import open_results, read_results
from vod.types import Detections

NAMES = ("person", "car", "dog")
FOUND = make_detections(((1.234, 2, 30.5, 40), 0.87654, 1), ((0, 0, 5, 6), 0.25, 2))
FRAMES = [
    (0, 0.0, True, FOUND),
    (1, 0.04, False, Detections.empty()),
    (2, 0.08, False, make_detections(((3, 4, 5, 6), 0.5, 0))),
]


def open_for(path, result_format=None, *, class_names=NAMES):
    return open_results(
        path,
        result_format,
        info=make_info(),
        class_names=class_names,
        config={"propagate": {"keyframe_interval": 10}},
        weights={"ssd/weights.safetensors": "ab12"},
    )


def write_all(path, result_format=None, **options):
    with open_for(path, result_format, **options) as writer:
        for frame in FRAMES:
            writer.write(*frame)
    return path


def text_of(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_json_lines_hold_a_header_and_one_line_a_frame(tmp_path, name):
    path = write_all(tmp_path / name)
    header, *lines = map(json.loads, text_of(path).splitlines())
    assert header == {
        "schema": "vod-results/1",
        "video": {
            "name": "clip.mp4",
            "width": 64,
            "height": 48,
            "average_rate": "25",
            "frame_count": 3,
            "duration_s": 0.12,
        },
        "classes": ["person", "car", "dog"],
        "config": {"propagate": {"keyframe_interval": 10}},
        "weights": {"ssd/weights.safetensors": "ab12"},
    }
    assert lines[0] == {
        "frame": 0,
        "time_s": 0.0,
        "key_frame": True,
        "detections": [
            {"box": [1.23, 2.0, 30.5, 40.0], "score": 0.8765, "label": "car"},
            {"box": [0.0, 0.0, 5.0, 6.0], "score": 0.25, "label": "dog"},
        ],
    }
    assert lines[1] == {
        "frame": 1,
        "time_s": 0.04,
        "key_frame": False,
        "detections": [],
    }
    assert len(lines) == 3


def test_json_lines_are_read_back(tmp_path):
    header, lines = read_results(write_all(tmp_path / "a.jsonl.gz"))
    read = list(lines)
    assert header.classes == NAMES
    assert header.video["width"] == 64
    assert header.config == {"propagate": {"keyframe_interval": 10}}
    assert header.weights == {"ssd/weights.safetensors": "ab12"}
    assert [(line.frame, line.time_s, line.key_frame) for line in read] == [
        (0, 0.0, True),
        (1, 0.04, False),
        (2, 0.08, False),
    ]
    np.testing.assert_allclose(read[0].detections.boxes, FOUND.boxes, atol=0.005)
    np.testing.assert_allclose(read[0].detections.scores, FOUND.scores, atol=5e-5)
    assert read[0].detections.labels.tolist() == [1, 2]
    assert len(read[1].detections) == 0


TOLD = Provenance(
    key_frames=np.array([0, 10], np.int32),
    ages=np.array([7, 3], np.int32),
    displacements=np.array([12.345, 0], np.float32),
    confidences=np.array([0.87654, 1], np.float32),
)


def write_told(path, provenance=TOLD):
    with open_for(path) as writer:
        writer.write(7, 0.28, False, FOUND, provenance)
        writer.write(8, 0.32, False, Detections.empty())
    return path


def test_json_lines_tell_where_each_detection_comes_from(tmp_path):
    line = text_of(write_told(tmp_path / "a.jsonl")).splitlines()[1]
    first, second = json.loads(line)["detections"]
    assert first == {
        "box": [1.23, 2.0, 30.5, 40.0],
        "score": 0.8765,
        "label": "car",
        "key_frame": 0,
        "age": 7,
        "displacement": 12.35,
        "confidence": 0.8765,
    }
    assert (second["key_frame"], second["age"]) == (10, 3)


def test_provenance_is_read_back(tmp_path):
    line, empty = read_results(write_told(tmp_path / "a.jsonl.gz"))[1]
    assert line.provenance.key_frames.tolist() == [0, 10]
    assert line.provenance.ages.tolist() == [7, 3]
    np.testing.assert_allclose(line.provenance.displacements, [12.35, 0], atol=1e-6)
    np.testing.assert_allclose(line.provenance.confidences, [0.8765, 1], atol=1e-6)
    assert len(empty.provenance) == 0


def test_files_without_provenance_are_read_without(tmp_path):
    read = list(read_results(write_all(tmp_path / "a.jsonl"))[1])
    assert read[0].provenance is None
    assert len(read[0].detections) == 2


@pytest.mark.parametrize("name", ["a.json", "a.txt"])
def test_other_formats_are_the_same_with_provenance(tmp_path, name):
    told = text_of(write_told(tmp_path / name))
    assert text_of(write_told(tmp_path / name, None)) == told


def test_provenance_of_another_number_of_detections_is_refused(tmp_path):
    with (
        open_for(tmp_path / "a.jsonl") as writer,
        pytest.raises(ShapeError, match="frame 0 has 0 detections and provenance of 2"),
    ):
        writer.write(0, 0.0, True, Detections.empty(), TOLD)


def test_columns_of_provenance_share_their_length():
    with pytest.raises(ShapeError, match=r"Expected \(2,\) .* received \(1,\), \(2,\)"):
        Provenance(TOLD.key_frames[:1], TOLD.ages, TOLD.displacements, TOLD.confidences)


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_coco_results_use_coco_numbers_and_one_based_images(tmp_path, name):
    path = write_all(tmp_path / name)
    assert json.loads(text_of(path)) == [
        {
            "image_id": 1,
            "category_id": 3,
            "bbox": [1.23, 2.0, 29.27, 38.0],
            "score": 0.87654,
        },
        {
            "image_id": 1,
            "category_id": 18,
            "bbox": [0.0, 0.0, 5.0, 6.0],
            "score": 0.25,
        },
        {
            "image_id": 3,
            "category_id": 1,
            "bbox": [3.0, 4.0, 2.0, 2.0],
            "score": 0.5,
        },
    ]


def test_coco_results_without_detections_are_an_empty_list(tmp_path):
    path = tmp_path / "a.json"
    with open_for(path):
        pass
    assert json.loads(text_of(path)) == []


def test_other_classes_are_numbered_from_one():
    assert coco_category_ids(("person", "toothbrush")) == (1, 90)
    assert coco_category_ids(("person", "wombat")) == (1, 2)


def test_coco_has_80_classes_and_ten_gaps():
    gaps = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    assert set(COCO_CATEGORIES.values()) == set(range(1, 91)) - gaps


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_vid_lines_are_one_based_and_inclusive(tmp_path, name):
    path = write_all(tmp_path / name)
    # person is no class of ImageNet VID; car is its 7th, dog its 9th.
    assert text_of(path).splitlines() == [
        "1 7 0.876540005 1.234 2.000 29.500 39.000",
        "1 9 0.25 0.000 0.000 4.000 5.000",
    ]
    assert len(read_submission_lines(path, VID_NAMES)) == 2


def test_vid_lines_need_a_class_of_imagenet_vid(tmp_path):
    with pytest.raises(ConfigError, match="the detector has none of the 30"):
        open_for(tmp_path / "a.txt", class_names=("person",))
    assert names_in(tmp_path) == []


def test_an_explicit_format_wins_over_the_ending(tmp_path):
    path = write_all(tmp_path / "a.out", "coco")
    assert len(json.loads(text_of(path))) == 3


def test_an_unknown_ending_or_format_lists_what_there_is(tmp_path):
    with pytest.raises(ConfigError, match=r"must end in \.jsonl, \.json, \.txt"):
        open_for(tmp_path / "a.csv")
    with pytest.raises(ConfigError, match=r"unknown result format 'voc'.*Known: jsonl"):
        open_for(tmp_path / "a.csv", "voc")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt", "a.json.gz"])
def test_an_exception_in_the_body_leaves_nothing(tmp_path, name):
    def fail():
        with open_for(tmp_path / name) as writer:
            writer.write(*FRAMES[0])
            raise RuntimeError("inference fails")

    with pytest.raises(RuntimeError, match="inference fails"):
        fail()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_ctrl_c_keeps_a_valid_file(tmp_path, name):
    def interrupt():
        with open_for(tmp_path / name) as writer:
            writer.write(*FRAMES[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert len(json.loads(text_of(tmp_path / name))) == 2
    assert names_in(tmp_path) == [name]


def test_a_finished_file_takes_no_more(tmp_path):
    writer = open_for(tmp_path / "a.jsonl")
    writer.close()
    writer.close()
    with pytest.raises(VideoError, match="already finished"):
        writer.write(*FRAMES[0])


def test_an_unwritable_path_is_refused_at_once(tmp_path):
    with pytest.raises(VideoError, match="does not exist, create it first"):
        open_for(tmp_path / "nowhere" / "a.jsonl")


def test_equal_results_are_equal_files(tmp_path):
    first = write_all(tmp_path / "a.jsonl.gz").read_bytes()
    assert write_all(tmp_path / "b.jsonl.gz").read_bytes() == first


HEADER = '{"schema":"vod-results/1","video":{},"classes":["car"]}\n'
CAR = (
    '[{"box":[1,2,3,4],"score":0.5,"label":"car","key_frame":0,"age":0,'
    '"displacement":0.25,"confidence":1}]'
)
FRAME = '{"frame":0,"time_s":0,"key_frame":true,"detections":%s}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a\.jsonl line 1 is not JSON"),
        ("[]\n", r"line 1 is not a JSON object"),
        ('{"schema":"other/1"}\n', r"schema 'vod-results/1', received 'other/1'"),
        ('{"schema":"vod-results/1","video":{}}\n', r"the header lacks 'classes'"),
        (HEADER + '{"frame":0,', r"line 2 is not JSON: .*cut short"),
        (HEADER + '{"frame":0}\n', r"line 2 is not .*missing 'detections'"),
        (HEADER + FRAME % "[3]", r"line 2 is not the results of a frame"),
        (
            HEADER + FRAME % '[{"box":[1,2,3,4],"score":0.5,"label":"cat"}]',
            r"line 2 .*label 'cat' is not one of the header's",
        ),
        (
            HEADER + FRAME % '[{"box":[1,2,3],"score":0.5,"label":"car"}]',
            r"line 2 is not the results of a frame",
        ),
        (
            HEADER + FRAME % '[{"box":[1,2,3,NaN],"score":0.5,"label":"car"}]',
            r"line 2 .*not a finite number",
        ),
        (
            HEADER + FRAME % '[{"box":[1,2,3,4],"score":1.5,"label":"car"}]',
            r"line 2 .*scores must lie in \[0, 1\]",
        ),
        (
            HEADER + FRAME % CAR.replace("age", 'age":1.5,"x'),
            r"line 2 .*age must be a whole number, 0 or more, received 1\.5",
        ),
        (
            HEADER + FRAME % CAR.replace("key_frame", 'key_frame":-1,"x'),
            r"line 2 .*key_frame must be a whole number, 0 or more, received -1",
        ),
        (
            HEADER + FRAME % CAR.replace("0.25", "NaN"),
            r"line 2 .*a displacement or confidence is not a finite number",
        ),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path, text, message):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        list(read_results(path)[1])


def test_a_missing_file_and_a_cut_gzip_are_one_sentence(tmp_path):
    with pytest.raises(AnnotationError, match=r"nope\.jsonl cannot be read: No such"):
        read_results(tmp_path / "nope.jsonl")
    path = write_all(tmp_path / "a.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AnnotationError, match=r"a\.jsonl\.gz cannot be read"):
        list(read_results(path)[1])


def write_tracked(path, track_ids, *, found=FOUND):
    with open_for(path) as writer:
        writer.write(7, 0.28, False, found, track_ids=np.array(track_ids, np.int32))
    return path


def test_json_lines_tell_the_track_of_each_detection(tmp_path):
    line = text_of(write_tracked(tmp_path / "a.jsonl", [3, -1])).splitlines()[1]
    assert [found["track"] for found in json.loads(line)["detections"]] == [3, None]


def test_tracks_are_read_back(tmp_path):
    (line,) = read_results(write_tracked(tmp_path / "a.jsonl", [3, -1]))[1]
    assert line.track_ids.tolist() == [3, -1]
    assert line.track_ids.dtype == np.int32


def test_files_without_tracks_are_read_without(tmp_path):
    read = list(read_results(write_all(tmp_path / "a.jsonl"))[1])
    assert [line.track_ids for line in read] == [None, None, None]


@pytest.mark.parametrize("name", ["a.json", "a.txt"])
def test_other_formats_are_the_same_with_tracks(tmp_path, name):
    tracked = text_of(write_tracked(tmp_path / name, [3, -1]))
    with open_for(tmp_path / f"b{name}") as writer:
        writer.write(7, 0.28, False, FOUND)
    assert text_of(tmp_path / f"b{name}") == tracked


def test_tracks_of_another_number_of_detections_are_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"2 detections and track numbers.*\(1,\)"):
        write_tracked(tmp_path / "a.jsonl", [3])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("track", ["-1", "1.5", "true", '"a"'])
def test_a_track_that_is_no_number_is_refused(tmp_path, track):
    path = write_tracked(tmp_path / "a.jsonl", [3, -1])
    path.write_text(text_of(path).replace('"track":3', f'"track":{track}'))
    with pytest.raises(AnnotationError, match=r"line 2 .* track must be null or a"):
        list(read_results(path)[1])
