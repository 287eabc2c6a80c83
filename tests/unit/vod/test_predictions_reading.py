import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from vod.errors import AnnotationError
from vod.ground_truth import GroundTruth
from vod.predictions_reading import read_predictions

CLASSES = ("car", "dog", "cattle")


def make_truth(
    snippets: tuple[str, ...] = ("clip",),
    *,
    numbers: tuple[int, ...] = (0, 1, 2),
    category_ids: tuple[int, ...] = (),
) -> GroundTruth:
    """Build a ground truth without objects; indices count from 1 over all snippets."""
    frames = len(snippets) * len(numbers)
    none, no = np.zeros(0, np.int32), np.zeros(0, np.bool_)
    return GroundTruth(
        CLASSES,
        snippets,
        np.repeat(np.arange(len(snippets), dtype=np.int32), len(numbers)),
        np.tile(np.array(numbers, np.int32), len(snippets)),
        np.arange(1, frames + 1, dtype=np.int64),
        np.zeros((frames, 2), np.int32),
        ("",) * frames,
        Path("pictures"),
        none,
        np.zeros((0, 4)),
        none,
        none,
        no,
        no,
        category_ids,
    )


def write(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def json_lines(
    video: str = "clip.mp4",
    frames: tuple[tuple[int, bool], ...] = ((0, True), (1, False)),
    label: str = "car",
) -> str:
    """Write one detection a frame."""
    header = {
        "schema": "vod-results/1",
        "video": {"name": video},
        "classes": ["person", "car", "cow"],
    }
    item = {"box": [1, 2, 11.5, 22], "score": 0.5, "label": label}
    lines = [
        {"frame": k, "time_s": 0.04 * k, "key_frame": key, "detections": [item]}
        for k, key in frames
    ]
    return "".join(json.dumps(line) + "\n" for line in [header, *lines])


# Submission lines


@pytest.mark.parametrize("name", ["found.txt", "found.txt.gz", "found"])
@pytest.mark.parametrize("ending", ["\n", "", "\r\n", "\n\n  \n"])
def test_submission_lines_are_read_as_they_are(tmp_path, name, ending):
    text = f"3 1 0.9 1 2 3.5 4{ending or chr(10)}9999 3 -2e1 9 9 1 -7{ending}"
    found = read_predictions(write(tmp_path / name, text), make_truth())
    assert found.classes == CLASSES
    assert found.indices.tolist() == [3, 9999]
    assert found.labels.tolist() == [0, 2]
    assert found.scores.tolist() == [0.9, -20]
    assert found.boxes.tolist() == [[1, 2, 3.5, 4], [9, 9, 1, -7]]
    assert found.ages.tolist() == [-1, -1]


@pytest.mark.parametrize("name", ["none.txt", "none.txt.gz"])
@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_a_result_without_detections(tmp_path, name, text):
    found = read_predictions(write(tmp_path / name, text), make_truth())
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 1 nan 1 2 3 4", "expected 'index class score xmin ymin xmax ymax'"),
        ("1 1 0.5 1 2 inf 4", "all finite numbers, received '1 1 0.5 1 2 inf 4'"),
        ("1 1 0.5 1 2 3", "received '1 1 0.5 1 2 3'"),
        ("1 1 0.5 1 2 3 4 5", "received '1 1 0.5 1 2 3 4 5'"),
        ("1 1 0.5 1 2 3 x", "received '1 1 0.5 1 2 3 x'"),
        ("1 1 0.5 1 2 3 1_0", "received '1 1 0.5 1 2 3 1_0'"),
        ("1.5 1 0.5 1 2 3 4", "received '1.5 1 0.5 1 2 3 4'"),
        ("nan 1 0.5 1 2 3 4", "received 'nan 1 0.5 1 2 3 4'"),
        ("1 0 0.5 1 2 3 4", "expected a class from 1 to 3, received '1 0"),
        ("1 4 0.5 1 2 3 4", "expected a class from 1 to 3"),
        ("1 1.5 0.5 1 2 3 4", "expected a class from 1 to 3"),
        ("1,1,0.5,1,2,3,4", "received '1,1,0.5,1,2,3,4'"),
    ],
)
@pytest.mark.parametrize("name", ["found.txt", "found.txt.gz"])
def test_a_wrong_line_is_named_with_its_number(tmp_path, line, message, name):
    path = write(tmp_path / name, f"1 1 0.5 1 2 3 4\n\n{line}\n1 1 0.5 1 2 3 4\n")
    with pytest.raises(AnnotationError) as raised:
        read_predictions(path, make_truth())
    assert f"{path} line 3: " in str(raised.value)
    assert message in str(raised.value)


def test_a_file_of_equally_short_lines_is_refused(tmp_path):
    path = write(tmp_path / "found.txt", "1 1 0.5 1 2 3\n1 1 0.5 1 2 3\n")
    with pytest.raises(AnnotationError, match=r"found.txt line 1: expected 'index"):
        read_predictions(path, make_truth())


def test_a_half_last_line_is_named(tmp_path):
    path = write(tmp_path / "found.txt", "1 1 0.5 1 2 3 4\n1 1 0.5 1")
    with pytest.raises(AnnotationError, match=r"line 2: .* received '1 1 0.5 1'"):
        read_predictions(path, make_truth())


def test_a_line_behind_the_first_block_has_its_number_in_the_file(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("vod.text_blocks.PIECE_BYTES", 64)
    lines = [f"{k} 1 0.5 1 2 3 4" for k in range(1, 41)]
    found = read_predictions(write(tmp_path / "a", "\n".join(lines)), make_truth())
    assert found.indices.tolist() == list(range(1, 41))
    lines[36] = "37 1 0.5"
    path = write(tmp_path / "b", "\n".join(lines))
    with pytest.raises(AnnotationError, match="b line 37: expected"):
        read_predictions(path, make_truth())


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("vod.text_blocks.PIECE_BYTES", 64)
    path = write(tmp_path / "a", "1 " * 200)
    with pytest.raises(AnnotationError, match="a line 1 has more than 64 characters"):
        read_predictions(path, make_truth())


# Files that cannot be read


def test_a_compressed_file_that_was_cut_is_refused(tmp_path):
    lines = "".join(f"{k} 1 0.{k:04} 1 2 3 4\n" for k in range(1, 2000))
    whole = gzip.compress(lines.encode(), mtime=0)
    path = tmp_path / "found.txt.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AnnotationError, match=r"found.txt.gz from line 1 on: the comp"):
        read_predictions(path, make_truth())
    path.write_bytes(b"")
    with pytest.raises(AnnotationError, match=r"the name says gzip and the content"):
        read_predictions(path, make_truth())


def test_compressed_data_without_the_ending_are_read_too(tmp_path):
    path = write(tmp_path / "found.gz", "1 1 0.5 1 2 3 4").rename(tmp_path / "found")
    assert len(read_predictions(path, make_truth())) == 1


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(AnnotationError, match="absent cannot be read: No such file"):
        read_predictions(tmp_path / "absent", make_truth())
    path = tmp_path / "found.txt"
    path.write_bytes(b"1 1 0.5 1 2 3 4\n\xff\xfe")
    with pytest.raises(AnnotationError, match=r"found.txt line 2 is not text in UTF-8"):
        read_predictions(path, make_truth())


# JSON lines


@pytest.mark.parametrize("name", ["found.jsonl", "found.jsonl.gz"])
def test_json_lines_become_predictions_with_ages(tmp_path, name):
    frames = ((0, False), (1, True), (2, False))
    path = write(tmp_path / name, json_lines(frames=frames, label="cow"))
    found = read_predictions(path, make_truth())
    assert found.indices.tolist() == [1, 2, 3]
    assert found.boxes[0].tolist() == [1, 2, 10.5, 21]
    assert found.labels.tolist() == [2, 2, 2]
    assert found.ages.tolist() == [-1, 0, 1]
    assert found.classes == (*CLASSES, "person")
    assert found.class_map(CLASSES).renamed == {"cow": "cattle"}


def test_json_lines_under_a_coco_ground_truth_keep_their_boxes(tmp_path):
    path = write(tmp_path / "found.jsonl", json_lines())
    found = read_predictions(path, make_truth(category_ids=(1, 2, 3)))
    assert found.boxes[0].tolist() == [1, 2, 11.5, 22]


@pytest.mark.parametrize(
    ("video", "name"),
    [
        ("b", "x.jsonl"),
        ("videos/b.mp4", "x.jsonl"),
        ("Data/VID/val/b", "x.jsonl"),
        ("frames/b/*.jpg", "x.jsonl"),
        ("C:\\clips\\b.avi", "x.jsonl"),
        ("rtsp://host/stream", "b.jsonl"),
        ("rtsp://host/stream", "b.jsonl.gz"),
    ],
)
def test_a_file_belongs_to_the_snippet_that_its_video_or_name_says(
    tmp_path, video, name
):
    truth = make_truth(("a", "part_0/b"))
    path = write(tmp_path / name, json_lines(video))
    assert read_predictions(path, truth).indices.tolist() == [4, 5]


def test_a_file_of_no_snippet_is_refused(tmp_path):
    path = write(tmp_path / "x.jsonl", json_lines("y.mp4"))
    with pytest.raises(
        AnnotationError,
        match=r"x.jsonl line 1: the video 'y.mp4' is none of the ground truth's 2 ",
    ):
        read_predictions(path, make_truth(("a", "b")))


def test_frames_that_are_not_listed_have_no_index(tmp_path):
    truth = make_truth(numbers=(1, 5))
    path = write(tmp_path / "x.jsonl", json_lines())
    assert read_predictions(path, truth).indices.tolist() == [-1, 1]
    path = write(tmp_path / "x.jsonl", json_lines(frames=((7, True),)))
    with pytest.raises(AnnotationError, match="none of its 1 frames is listed in the"):
        read_predictions(path, truth)


@pytest.mark.parametrize(
    ("video", "indices"),
    [
        ("Data/clip", [1, 2, -1]),
        ("Data/clip/*.JPEG", [1, 2, -1]),
        ("clip.mp4", [-1, -1, 1]),
    ],
)
def test_pictures_with_gaps_are_counted_by_their_place_and_videos_by_their_frames(
    tmp_path, video, indices
):
    for number in (2, 5, 9):
        (tmp_path / f"{number:06}.JPEG").touch()
    truth = dataclasses.replace(
        make_truth(numbers=(2, 5)),
        image_root=tmp_path,
        image_names=("000002.JPEG", "000005.JPEG"),
    )
    frames = ((0, True), (1, False), (2, False))
    path = write(tmp_path / "x.jsonl", json_lines(video, frames))
    assert read_predictions(path, truth).indices.tolist() == indices


def test_a_folder_holds_one_file_a_snippet(tmp_path):
    truth = make_truth(("a", "b"))
    write(tmp_path / "b.jsonl.gz", json_lines("b", label="person"))
    write(tmp_path / "a.jsonl", json_lines("a"))
    (tmp_path / "log.txt").write_text("not read")
    found = read_predictions(tmp_path, truth)
    assert found.indices.tolist() == [1, 2, 4, 5]
    assert found.labels.tolist() == [0, 0, 3, 3]
    assert found.class_map(CLASSES).left_out == ("person",)
    write(tmp_path / "c.jsonl", json_lines("a"))
    with pytest.raises(AnnotationError, match="are both of snippet 'a'; keep one"):
        read_predictions(tmp_path, truth)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match=r"holds no .jsonl or .jsonl.gz file"):
        read_predictions(tmp_path, make_truth())


def test_a_half_json_line_is_named(tmp_path):
    path = write(tmp_path / "x.jsonl", json_lines()[:-30])
    with pytest.raises(AnnotationError, match=r"line 3 is not JSON: .* cut short"):
        read_predictions(path, make_truth())


def test_a_score_that_is_no_number_is_named_in_json_lines(tmp_path):
    text = json_lines().replace('"score": 0.5', '"score": NaN')
    path = write(tmp_path / "x.jsonl", text)
    with pytest.raises(AnnotationError, match=r"line 2 is not the results of a frame"):
        read_predictions(path, make_truth())


# COCO results

ITEM = '{"image_id": 7, "category_id": 2, "bbox": [1, 2, 10, 0.5], "score": 0.25}'


@pytest.mark.parametrize("piece_bytes", [7, 1 << 20])
@pytest.mark.parametrize("name", ["found.json", "found.json.gz"])
@pytest.mark.parametrize("between", [",", ",\n", " , "])
def test_coco_results_keep_their_numbers(
    tmp_path, monkeypatch, name, between, piece_bytes
):
    monkeypatch.setattr("vod.text_blocks.PIECE_BYTES", piece_bytes)
    text = f"\n[{between.join([ITEM] * 5)}\n]\n"
    found = read_predictions(write(tmp_path / name, text), make_truth())
    assert found.indices.tolist() == [7] * 5
    assert found.labels.tolist() == [1] * 5
    assert found.scores.tolist() == [0.25] * 5
    assert found.boxes.tolist() == [[1, 2, 11, 2.5]] * 5


def test_an_empty_coco_list_is_a_result_without_detections(tmp_path):
    found = read_predictions(write(tmp_path / "found.json", " [ ]\n"), make_truth())
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_category_numbers_are_the_coco_ground_truths_own(tmp_path):
    text = "[" + ",".join([ITEM, ITEM.replace(": 2,", ": 90,")]) + "]"
    truth = make_truth(category_ids=(5, 3, 2))
    found = read_predictions(write(tmp_path / "found.json", text), truth)
    assert found.labels.tolist() == [2, 3]
    assert found.classes == (*CLASSES, "category 90")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("{}", 'expected {"image_id": 1, .* received \'{}'),
        ("7", 'expected {"image_id": 1, .* received \'7'),
        (ITEM.replace("0.25", "NaN"), "with finite numbers, received"),
        (ITEM.replace("0.25", '"0.25"'), "with finite numbers, received"),
        (ITEM.replace("0.25", "1e999"), "with finite numbers, received"),
        (ITEM.replace("10, 0.5", "10"), "with finite numbers, received"),
        (ITEM.replace("7", "7.5"), "with finite numbers, received"),
        (ITEM.replace('_id": 2', '_id": 4'), "expected a category_id from 1 to 3"),
        (ITEM[:-9], 'expected {"image_id"'),
    ],
)
def test_a_wrong_coco_result_is_named_with_its_line(tmp_path, item, message):
    path = write(tmp_path / "found.json", f"[{ITEM},\n{ITEM},\n{item}]")
    with pytest.raises(AnnotationError, match=f"found.json line 3: .*{message}"):
        read_predictions(path, make_truth())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"[{ITEM},\n{ITEM}", "line 2: expected more detections or the end of the"),
        (f"[{ITEM}]\n[", r"line 2: expected nothing behind the end of the list, \]"),
        ("[", "line 1: .* received the end; is the file cut short"),
    ],
)
def test_a_coco_list_must_end_where_its_file_does(tmp_path, text, message):
    path = write(tmp_path / "found.json", text)
    with pytest.raises(AnnotationError, match=f"found.json {message}"):
        read_predictions(path, make_truth())


@pytest.mark.parametrize("name", ["found.json", "found.jsonl", "found.json.gz"])
def test_an_empty_json_file_is_refused(tmp_path, name):
    with pytest.raises(AnnotationError, match="line 1: the file is empty; JSON has at"):
        read_predictions(write(tmp_path / name, ""), make_truth())
