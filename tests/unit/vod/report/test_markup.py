import math

import pytest

from vod.report import markup


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.6297, "0.630"),
        (None, markup.DASH),
        (math.nan, markup.DASH),
        (math.inf, "never"),
    ],
)
def test_a_number_says_what_is_known(value, shown):
    assert markup.number(value) == shown


def test_a_cell_of_text_is_escaped_and_of_markup_is_not():
    table = markup.table(["<b>"], [["a & b"], [markup.Markup("<i>x</i>")], [12345]])
    assert "<th>&lt;b&gt;</th>" in table
    assert "<td>a &amp; b</td>" in table
    assert "<td><i>x</i></td>" in table
    assert "<td>12,345</td>" in table


def test_the_last_row_is_set_apart():
    assert '<tr class="total"><td>sum</td></tr>' in markup.table(
        ["x"], [], total=["sum"]
    )


def test_words_stand_at_the_left():
    assert '<td class="text">why</td>' in markup.table(["x"], [[markup.words("why")]])


@pytest.mark.parametrize(
    ("value", "width"), [(0.25, 25.0), (None, 0.0), (math.nan, 0.0), (1.5, 100.0)]
)
def test_a_bar_is_as_long_as_its_value(value, width):
    assert f'style="width:{width:.1f}%"' in markup.bar(value).html


def test_a_fact_cannot_carry_markup():
    assert "&lt;script&gt;" in markup.facts({"Data": "<script>"})


def test_a_picture_is_part_of_the_page():
    element = markup.picture(b"\xff\xd8", 'a "b"')
    assert element == '<img alt="a &quot;b&quot;" src="data:image/jpeg;base64,/9g=">'
