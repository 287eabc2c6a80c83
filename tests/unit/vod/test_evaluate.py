import gzip
import json

import pytest

from vod.evaluate import main

OBJECT = (
    "<object><trackid>0</trackid><name>{name}</name><bndbox><xmin>0</xmin>"
    "<ymin>0</ymin><xmax>99</xmax><ymax>99</ymax></bndbox></object>"
)
FOUND = "1 7 0.9 0 0 99 99\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A root with two frames, each with one car, and where results may lie."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "root"
    lists = root / "ImageSets" / "VID"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("s/000000 1\ns/000001 2\n")
    for frame in range(2):
        xml = root / "Annotations" / "VID" / "val" / "s" / f"{frame:06d}.xml"
        xml.parent.mkdir(parents=True, exist_ok=True)
        content = OBJECT.format(name="n02958343")
        xml.write_text(f"<annotation>{content}</annotation>")
    results = tmp_path / "results.txt"
    results.write_text(FOUND)
    return root, results


def run(files, *options):
    root, results = files
    arguments = ["--data", root, "--detections", results, "--no-cache", *options]
    return main(list(map(str, arguments)))


def reported(files, *options):
    report = files[1].with_name("report.json")
    assert run(files, *options, "--report", report) == 0
    assert not list(report.parent.glob(".*.part"))
    return json.loads(report.read_text(encoding="utf-8"))


def failure(files, capsys, *options):
    """The one sentence that a wrong input is told by."""
    assert run(files, *options) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_the_table_is_printed_and_the_report_written(files, capsys):
    values = reported(files)
    assert values["protocol"] == "devkit"
    assert values["mAP"] == 0.5
    assert values["AP"]["car"] == 0.5
    assert values["AP"]["dog"] is None
    assert len(values["AP"]) == 30
    assert "motion" not in values
    assert values["classes"]["renamed"] == {}
    out = capsys.readouterr().out
    assert "0.5000" in out
    assert "protocol devkit" in out


def test_motion_groups_are_reported_when_asked_for(files):
    motion = reported(files, "--motion")["motion"]
    assert set(motion) == {"slow", "medium", "fast"}
    assert motion["slow"]["mAP"] == 0.5
    assert motion["slow"]["AP"]["car"] == 0.5
    assert motion["fast"]["mAP"] is None


def test_coco_reports_ap50_and_ap(files, capsys):
    values = reported(files, "--protocol", "coco")
    assert values["AP50"] == pytest.approx(51 / 101)
    assert values["AP"] == pytest.approx(51 / 101)
    assert values["AP50_per_class"]["car"] == pytest.approx(51 / 101)
    assert "AP 0.5050, AP50 0.5050" in capsys.readouterr().out


def test_the_mean_may_be_over_all_30_classes(files):
    assert reported(files, "--mean-over-30")["mAP"] == pytest.approx(0.5 / 30)


@pytest.mark.parametrize("protocol", ["devkit", "fixed50", "coco", "voc07", "voc12"])
def test_an_empty_result_file_scores_0(files, protocol):
    files[1].write_text("")
    assert reported(files, "--protocol", protocol)["mAP"] == 0


def test_results_may_be_compressed(files):
    root, results = files
    packed = results.with_name("results.txt.gz")
    packed.write_bytes(gzip.compress(FOUND.encode()))
    assert reported((root, packed))["mAP"] == 0.5


def test_a_detection_of_an_unknown_frame_is_ignored_and_counted(files, capsys):
    files[1].write_text(FOUND + "77 7 0.95 0 0 99 99\n")
    values = reported(files)
    assert values["mAP"] == 0.5
    assert values["ignored"] == {"frame_not_listed": 1, "class_unknown": 0}
    assert "1 detections of frames not in the list" in capsys.readouterr().out


@pytest.mark.parametrize("score", ["nan", "inf", "-inf"])
def test_a_score_that_is_no_number_is_named_by_file_and_line(files, capsys, score):
    files[1].write_text(FOUND + f"2 7 {score} 0 0 99 99\n")
    assert "results.txt line 2" in failure(files, capsys)


def test_a_half_last_line_is_named_by_file_and_line(files, capsys):
    files[1].write_text(FOUND + "2 7 0.8 0 0")
    assert "results.txt line 2" in failure(files, capsys)


def test_a_file_cut_short_is_named(files, capsys):
    root, results = files
    packed = results.with_name("results.txt.gz")
    packed.write_bytes(gzip.compress(FOUND.encode() * 1000)[:-12])
    assert "results.txt.gz from line" in failure((root, packed), capsys)


def test_a_list_that_is_missing_is_named(files, capsys):
    assert "test.txt" in failure(files, capsys, "--split", "test")


def test_a_report_that_cannot_be_written_is_refused_before_the_work(files, capsys):
    files[1].unlink()  # the work would fail
    missing = files[0] / "missing" / "report.json"
    assert "does not exist" in failure(files, capsys, "--report", missing)
    assert "does not exist" in failure(files, capsys, "--html", missing)


def test_the_number_of_detections_must_be_positive(files, capsys):
    assert "at least 1" in failure(files, capsys, "--max-detections", 0)


def test_the_page_and_the_analyses_are_written_when_asked_for(files):
    page = files[1].with_name("page.html")
    values = reported(files, "--html", page)
    assert values["mAP"] == 0.5
    assert "errors" in values["analysis"]
    assert page.read_text(encoding="utf-8").lstrip().startswith("<!")


def test_wrong_usage_is_exit_code_2(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([])
    assert exit_info.value.code == 2
    assert "usage: python -m vod.evaluate" in capsys.readouterr().err
