import dataclasses
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, random_scene, square
from vod.errors import VideoError
from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.scoring import evaluate
from vod.report.content import analyse
from vod.report.page import build_page, write_html

EMPTY_TAGS = {"meta", "img"}
BOX = square(20, 40, 60)
HEADINGS = [
    "Classes",
    "How sure this is",
    "Precision and recall",
    "Errors",
    "Size, speed, age of the key frame",
    "Flicker and first detection",
    "Snippets",
    "Input",
]


class Page(HTMLParser):
    """A page as its elements, which must close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "path"):
            self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(filter(None, self.words))


def page_of(truth, found, *, protocol="devkit", motion=True, **options):
    scores = evaluate(truth, found, protocol=protocol, motion=motion)
    analyses = analyse(truth, found, protocol=protocol)
    settings = {"title": "results.jsonl", "facts": {"Data": "a folder"}, **options}
    return build_page(scores, analyses, **settings)


def test_the_page_has_every_part_in_order_and_closes_what_it_opens():
    page = page_of(*random_scene(3))
    Page(page)
    assert re.findall(r"<h2>(.*?)</h2>", page) == HEADINGS


def test_the_page_needs_nothing_from_outside():
    page = page_of(*random_scene(3))
    for tag, attributes in Page(page).elements:
        assert tag not in ("script", "link", "iframe")
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href"):
                assert value.startswith(("#", "data:image/jpeg;base64,"))
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}


def test_ids_are_used_once_in_the_whole_page():
    ids = [a["id"] for _, a in Page(page_of(*random_scene(3))).elements if "id" in a]
    assert ids
    assert len(ids) == len(set(ids))


def test_scores_of_the_page_are_those_of_the_evaluation():
    truth, found = random_scene(3)
    scores = evaluate(truth, found, motion=True)
    text = Page(page_of(truth, found)).text
    assert f"{scores.mean_ap:.3f} mAP, protocol devkit" in text
    for name, ap in scores.ap.items():
        assert f"{name} {ap:.3f}" in text


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_has_a_page(protocol):
    page = Page(page_of(*random_scene(5), protocol=protocol, motion=False))
    text = page.text
    other = PROTOCOLS[protocol].interpolation != "area"
    assert f"protocol {protocol}" in text
    assert ("area under the precision envelope: mAP" in text) == other
    assert "not asked for (--motion)" in text


def test_names_out_of_files_are_text():
    evil = "<script>alert(1)</script>"
    truth = make_truth({evil: 2}, (evil, 0, 0, BOX, 0), classes=[evil, "$\\x{$&"])
    found = make_found((1, 0, 0.9, BOX), (1, 1, 0.8, BOX), classes=truth.classes)
    page = page_of(truth, found, title=evil, facts={evil: evil})
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    Page(page)


def test_a_page_without_detections_says_so_without_failing():
    truth = make_truth({"v": 2, "w": 1}, ("v", 0, DOG, BOX, 0), ("w", 0, CAT, BOX, 0))
    text = Page(page_of(truth, make_found())).text
    assert "0.000 mAP, protocol devkit" in text
    assert "The file does not name its key frames." in text


def test_a_page_without_objects_says_so_without_failing():
    truth = make_truth({"v": 2})
    text = Page(page_of(truth, make_found((1, DOG, 0.9, BOX)))).text
    assert "– mAP, protocol devkit" in text  # noqa: RUF001
    assert "There is no object." in text
    assert "nothing can be said" in text
    assert "no track ids" in text


def test_what_was_ignored_and_renamed_is_told():
    truth = make_truth({"v": 1}, ("v", 0, 0, BOX, 0), classes=["cattle", "zebra"])
    found = make_found(
        (1, 0, 0.9, BOX), (7, 0, 0.9, BOX), (1, 1, 0.9, BOX), classes=["cow", "person"]
    ).aligned(truth.classes)
    text = Page(page_of(truth, found, motion=False)).text
    assert "Classes renamed cow = cattle" in text
    assert "Ignored, frame not listed 1 detections" in text
    assert "Ignored, class unknown 1 detections" in text
    assert "Classes the data lack person" in text
    assert "Classes the detector lacks zebra" in text


def test_ages_are_drawn_where_the_file_tells_them():
    truth = make_truth({"v": 2}, ("v", 0, DOG, BOX, 0), ("v", 1, DOG, BOX, 0))
    found = make_found((1, DOG, 0.9, BOX), (2, DOG, 0.9, BOX), ages=[0, 1])
    page = page_of(truth, found)
    assert 'aria-label="mAP by age of the key frame"' in page
    assert "does not name its key frames" not in page


def test_the_worst_snippets_come_first_and_bring_their_pictures(tmp_path):
    truth = make_truth(
        {"good": 1, "bad": 1}, ("good", 0, DOG, BOX, 0), ("bad", 0, DOG, BOX, 0)
    )
    truth = dataclasses.replace(truth, image_root=tmp_path)
    for name in truth.image_names:
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), np.zeros((150, 200, 3), np.uint8))
    page = page_of(truth, make_found((1, DOG, 0.9, BOX)), motion=False)
    assert re.findall(r"<h3>(\w+): mAP (.*?)</h3>", page) == [
        ("bad", "0.000"),
        ("good", "1.000"),
    ]
    pictures = [a["alt"] for tag, a in Page(page).elements if tag == "img"]
    assert pictures == [
        "bad: mAP 0.000, Frame 0: 1 missed, 0 false",
        "good: mAP 1.000, Frame 0: 0 missed, 0 false",
    ]
    assert "<h3>good" not in page_of(truth, make_found((1, DOG, 0.9, BOX)), worst=1)


def test_a_picture_that_is_not_there_is_named():
    truth = make_truth({"v": 1}, ("v", 0, DOG, BOX, 0))
    text = Page(page_of(truth, make_found())).text
    assert "Frame 0: 1 missed, 0 false (no picture at Data/v/000000.JPEG)." in text


def test_the_file_is_complete_or_not_there(tmp_path):
    truth, found = random_scene(3)
    scores, analyses = evaluate(truth, found), analyse(truth, found)
    path = tmp_path / "page.html"
    write_html(path, scores, analyses, title="a", facts={})
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(VideoError, match=r"cannot write .*it is a folder"):
        write_html(tmp_path, scores, analyses, title="a", facts={})
    assert [found.name for found in tmp_path.iterdir()] == ["page.html"]
