import re
import subprocess
import sys

import pytest

from vod.report import style, svg


def drawn(name="plot", label="a line", title="title"):
    figure = svg.new_figure(3, 2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=svg.BLUE, marker="o", label="$x$")
    axes.set_title(title)
    axes.legend(frameon=False)
    svg.dress(axes)
    return svg.to_svg(figure, name=name, label=label)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    dark, light = sorted([luminance(first), luminance(second)])
    return (light + 0.05) / (dark + 0.05)


def variable(name):
    """Give the light and the dark value of a variable of the page."""
    return re.findall(rf"--{name}: (#[0-9a-f]{{6}})", style.STYLE)


def test_ink_and_grid_are_variables_of_the_page():
    picture = drawn()
    assert "var(--ink)" in picture
    assert "var(--muted)" in picture
    assert "var(--grid)" in picture
    assert set(re.findall(r"#[0-9a-f]{6}\b", picture)) == {svg.BLUE}


def test_ids_start_with_the_name_and_every_reference_has_its_id():
    picture = drawn("plot")
    ids = re.findall(r'\bid="([^"]+)"', picture)
    used = re.findall(r'href="#([^"]+)"', picture) + re.findall(
        r"url\(#([^)]+)\)", picture
    )
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"plot\d+", found) for found in ids)
    assert used
    assert set(used) <= set(ids)


def test_equal_figures_give_equal_text():
    assert drawn() == drawn()


def test_the_picture_is_an_element_with_a_label_and_nothing_around_it():
    picture = drawn(label='AP "of" <all>')
    assert picture.startswith(
        '<svg role="img" aria-label="AP &quot;of&quot; &lt;all&gt;" '
    )
    assert picture.rstrip().endswith("</svg>")
    assert "<!--" not in picture
    assert "<style" not in picture
    assert "<metadata" not in picture


def test_dollars_in_a_name_are_no_mathematics():
    # One dollar more or an open brace would make matplotlib raise.
    assert "<svg" in drawn(title="$\\frac{ $")


@pytest.mark.parametrize("colour", svg.SERIES)
def test_data_stand_out_from_a_light_and_a_dark_page(colour):
    grounds = variable("ground")
    assert len(grounds) == 2
    assert all(contrast(colour, ground) >= 3 for ground in grounds)


@pytest.mark.parametrize("name", ["ink", "muted"])
def test_words_can_be_read_on_a_light_and_a_dark_page(name):
    pairs = zip(variable(name), variable("ground"), strict=True)
    assert all(contrast(*pair) >= 4.5 for pair in pairs)


def imported_after(statements):
    """Name the heavy modules that a fresh interpreter has after some statements."""
    code = (
        f"import sys\n{statements}\n"
        "names = ('matplotlib', 'matplotlib.pyplot', 'tensorflow', 'keras')\n"
        "print(*(name for name in names if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_matplotlib_waits_for_the_first_figure():
    assert imported_after("import vod.report.page, vod.report.table") == []


def test_a_figure_needs_no_pyplot():
    code = (
        "from vod.report.charts import draw_bars\n"
        "from vod.report.svg import to_svg\n"
        "to_svg(draw_bars(['a'], [1.0], axis='x'), name='x', label='x')"
    )
    assert imported_after(code) == ["matplotlib"]


def test_a_figure_leaves_the_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn()
    assert dict(matplotlib.rcParams) == before
