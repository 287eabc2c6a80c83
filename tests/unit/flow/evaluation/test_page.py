"""Pages of pairs, through the command line."""

import re

import cv2
import pytest

from flow.evaluate import main
from flow.evaluation.measure import PairResult, Run
from flow.evaluation.metrics import BandScore, FlowScore
from flow.evaluation.page import choose_pairs
from tests.builders import names_in
from tests.shifted_pairs import write_pairs


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page and sheets of two of three pairs, in a folder of their own."""
    folder = tmp_path_factory.mktemp("data <b>")
    write_pairs(folder, still=(0, 0), quick=(0, 4), quicker=(6, 2))
    out = tmp_path_factory.mktemp("pages")
    arguments = ["--data", str(folder), "--flow", "zero", "dis-ultrafast"]
    arguments += ["--page", str(out / "p.html"), str(out / "p.png")]
    assert main([*arguments, "--page-pairs", "2"]) == 0
    return out


def test_the_page_is_whole_and_needs_nothing_else(pages):
    text = (pages / "p.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert text.count("<img ") == text.count("data:image/jpeg;base64,") == 2
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "data &lt;b&gt;" in text  # the folder's name is no HTML
    assert "data <b>" not in text
    assert names_in(pages) == ["p.html", "p.png"]


def test_the_page_shows_pairs_from_the_worst_to_the_best_with_their_errors(pages):
    text = (pages / "p.html").read_text()
    headings = re.findall(r"<h3>(.*?)</h3>", text)
    assert [heading.split(":")[0] for heading in headings] == ["quicker", "still"]
    assert "zero 6.32 px, dis-ultrafast" in headings[0]
    assert "2 of 3 pairs, evenly chosen from the worst to the best of zero" in text


def test_the_page_has_the_figures_and_the_command(pages):
    text = (pages / "p.html").read_text()
    for words in ("EPE 10-40 px", "GFLOPs", "python -m flow.evaluate --data"):
        assert words in text
    assert "36,864 of 0-10 px, 0 of 10-40 px, 0 of 40+ px" in text


def test_sheets_stand_below_each_other(pages):
    picture = cv2.imread(str(pages / "p.png"))
    assert picture.shape[0] > 1.8 * 3 * 270


def test_pairs_are_chosen_evenly_by_the_first_flows_error():
    errors = [3.0, 1.0, 9.0, 7.0, 5.0]
    nothing = (BandScore(0, 0.0),) * 3
    run = Run("a", runner=None)
    run.results = [
        PairResult(str(e), 1, 1, FlowScore(1, e, 0, nothing), (0.0,), (0.0,))
        for e in errors
    ]
    assert choose_pairs([run], errors, 3) == [9.0, 5.0, 1.0]
    assert choose_pairs([run], errors, 1) == [9.0]
    assert choose_pairs([run], errors, 99) == sorted(errors, reverse=True)
