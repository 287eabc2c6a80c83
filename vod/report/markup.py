"""Pieces of HTML. Every text goes through `text`: files choose their own names."""

import base64
import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DASH = "–"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that is ready, so that a table does not escape it again.

    Attributes:
        html: the content of a cell.
        kind: class of the cell; `text` stands at the left and may break.
    """

    html: str
    kind: str = ""


Cell = str | int | Markup


def text(value: str) -> str:
    """Give text as HTML."""
    return html.escape(value, quote=True)


def words(value: str) -> Markup:
    """Give text as a cell that stands at the left and may break."""
    return Markup(text(value), "text")


def number(value: float | None, digits: int = 3) -> str:
    """Give a number for people; a dash where there is none."""
    if value is None or math.isnan(value):
        return DASH
    return "never" if math.isinf(value) else f"{value:.{digits}f}"


def section(title: str, *body: str) -> str:
    """Give a titled part of the page."""
    return f"<section>\n<h2>{text(title)}</h2>\n" + "\n".join(body) + "\n</section>"


def paragraph(content: str, *, quiet: bool = False) -> str:
    """Give a paragraph of text."""
    return f"<p{_class('quiet' if quiet else '')}>{text(content)}</p>"


def figure(picture: str, caption: str) -> str:
    """Give a picture, HTML, with a caption, text."""
    return f"<figure>{picture}<figcaption>{text(caption)}</figcaption></figure>"


def side_by_side(*parts: str) -> str:
    """Give parts that stand beside each other where there is room."""
    return '<div class="side">' + "".join(f"<div>{p}</div>" for p in parts) + "</div>"


def tile(value: str, meaning: str) -> str:
    """Give one great number with what it is."""
    return f'<div class="tile"><b>{text(value)}</b><span>{text(meaning)}</span></div>'


def bar(value: float | None) -> Markup:
    """Give a share in [0, 1] as a bar and three digits."""
    width = 0.0 if value is None or math.isnan(value) else 100 * min(max(value, 0), 1)
    inner = f'<span class="bar"><i style="width:{width:.1f}%"></i></span>'
    return Markup(inner + number(value))


def table(
    head: Sequence[Cell],
    rows: Iterable[Sequence[Cell]],
    *,
    total: Sequence[Cell] | None = None,
) -> str:
    """Give a table: names at the left, numbers at the right.

    Args:
        head: titles of the columns.
        rows: as many cells each.
        total: the last row, set apart.
    """
    lines = [_row(head, tag="th"), *map(_row, rows)]
    if total is not None:
        lines.append(_row(total, kind="total"))
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</table></div>"


def facts(values: Mapping[str, str]) -> str:
    """Give what is known of something as a table of two columns of text."""
    rows = "\n".join(_row((name, words(value))) for name, value in values.items())
    return f"<table>\n{rows}\n</table>"


def picture(jpeg: bytes, shown: str) -> str:
    """Give a picture that is part of the page."""
    data = base64.b64encode(jpeg).decode("ascii")
    return f'<img alt="{text(shown)}" src="data:image/jpeg;base64,{data}">'


def _row(row: Sequence[Cell], *, tag: str = "td", kind: str = "") -> str:
    cells = "".join(_cell(value, tag) for value in row)
    return f"<tr{_class(kind)}>{cells}</tr>"


def _cell(value: Cell, tag: str) -> str:
    if not isinstance(value, Markup):
        value = Markup(text(f"{value:,}" if isinstance(value, int) else value))
    return f"<{tag}{_class(value.kind)}>{value.html}</{tag}>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
