import json

import numpy as np
import pytest

from propagate.link import linked_lines, main
from propagate.linking import LinkingConfig
from tests.builders import make_detections, make_info
from vod.provenance import Provenance
from vod.results import open_results, read_results
from vod.results_reading import ResultLine

HERE = (0, 0, 10, 10)
COPY = (1, 0, 11, 10)  # IoU with HERE 9/11


def told(*ages):
    whole = np.ones(len(ages), np.float32)
    return Provenance(
        np.zeros(len(ages), np.int32), np.array(ages, np.int32), whole, whole
    )


@pytest.fixture
def results(tmp_path):
    """Two frames of one object; the second has a better copy of it first."""
    path = tmp_path / "found.jsonl"
    with open_results(
        path, info=make_info(), class_names=("car",), config={"a": 1}, weights={}
    ) as writer:
        tracks = np.array([4], np.int32)
        writer.write(0, 0.0, True, make_detections((HERE, 0.8, 0)), told(0), tracks)
        both = make_detections((COPY, 0.3, 0), (HERE, 0.2, 0))
        writer.write(1, 0.04, False, both, told(5, 1), np.array([-1, 4], np.int32))
    return path


def linked(path, *options):
    target = path.with_name("linked.jsonl")
    assert main([str(path), "--output", str(target), *options]) == 0
    header, lines = read_results(target)
    return header, list(lines)


def test_scores_are_shared_and_copies_go(results):
    _, lines = linked(results)
    assert [line.frame for line in lines] == [0, 1]
    assert [line.key_frame for line in lines] == [True, False]
    assert [line.detections.scores.tolist() for line in lines] == [
        [pytest.approx(0.55)],
        [pytest.approx(0.55)],
    ]
    assert lines[1].detections.boxes.tolist() == [list(COPY)]


def test_what_is_told_of_a_box_stays_with_it(results):
    _, lines = linked(results, "--suppress-iou", "0.9")
    second = lines[1]
    assert second.detections.boxes.tolist() == [list(COPY), list(HERE)]
    assert second.provenance.ages.tolist() == [5, 1]
    assert second.track_ids.tolist() == [-1, 4]


def test_the_header_tells_how_it_was_linked(results):
    header, _ = linked(results, "--rescore", "max", "--window", "7")
    assert header.config == {
        "a": 1,
        "linking": {
            "link_iou": 0.5,
            "suppress_iou": 0.6,
            "rescore": "max",
            "window": 7,
        },
    }
    assert header.video["name"] == "clip.mp4"


def test_weak_boxes_are_dropped_after_linking(results):
    _, lines = linked(results, "--score-threshold", "0.55")
    assert [len(line.detections) for line in lines] == [1, 1]
    _, lines = linked(results, "--score-threshold", "0.56")
    assert [len(line.detections) for line in lines] == [0, 0]


def lines_of(*numbers):
    return [
        ResultLine(n, n / 25, False, make_detections((HERE, s, 0)))
        for n, s in zip(numbers, (0.9, 0.3, 0.6), strict=True)
    ]


def scores(lines, **options):
    found = linked_lines(lines, config=LinkingConfig(), **options)
    return [round(float(line.detections.scores[0]), 4) for line in found]


def test_a_gap_in_the_frames_ends_sequences():
    assert scores(lines_of(0, 1, 2)) == [0.6, 0.6, 0.6]
    assert scores(lines_of(0, 1, 5)) == [0.6, 0.6, 0.6]
    assert scores(lines_of(0, 5, 6)) == [0.9, 0.45, 0.45]


def test_a_window_ends_sequences():
    assert scores(lines_of(0, 1, 2), window=1) == [0.9, 0.3, 0.6]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--output", "found.jsonl"), "would replace what is read"),
        (("--output", "a.txt"), "must end in .jsonl"),
        (("--output", "a.jsonl", "--window", "0"), "window must be 1 or more"),
        (("--output", "a.jsonl", "--score-threshold", "2"), "score in [0, 1]"),
        (("--output", "a.jsonl", "--link-iou", "2"), "link_iou must lie in [0, 1]"),
    ],
)
def test_wrong_input_is_one_sentence(results, monkeypatch, capsys, options, sentence):
    monkeypatch.chdir(results.parent)
    before = results.read_text()
    assert main([results.name, *options]) == 1
    assert sentence in capsys.readouterr().err
    assert [path.name for path in results.parent.iterdir()] == [results.name]
    assert results.read_text() == before


def test_a_file_cut_short_leaves_no_output(results, capsys):
    results.write_text(results.read_text()[:-20])
    target = results.with_name("linked.jsonl")
    assert main([str(results), "--output", str(target)]) == 1
    assert "line 3" in capsys.readouterr().err
    assert not target.exists()


def test_linking_again_changes_nothing_but_the_header(results):
    linked(results)
    once = results.with_name("linked.jsonl")
    twice = results.with_name("twice.jsonl")
    assert main([str(once), "--output", str(twice)]) == 0
    assert once.read_text().splitlines()[1:] == twice.read_text().splitlines()[1:]
    assert json.loads(twice.read_text().splitlines()[0])["config"]["linking"]
