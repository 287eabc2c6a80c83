"""matplotlib figures as SVG that lives inside a page and takes the page's colours.

Ink, grid and ground are drawn in placeholder colours that become CSS variables, so one
picture reads well on a light and on a dark page. Nothing here touches matplotlib's
global state: no pyplot, no rcParams, no current figure.
"""

import html
import io
import re
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#010203"
MUTED: Final = "#040506"
GRID: Final = "#070809"
GROUND: Final = "#0a0b0c"
_VARIABLES: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    GROUND: "var(--ground)",
}

BLUE: Final = "#3f83e8"
ORANGE: Final = "#d9731a"
GREEN: Final = "#1f9a78"
RED: Final = "#dd4f55"
VIOLET: Final = "#8f6fe8"
GREY: Final = "#808892"
SERIES: Final = (BLUE, ORANGE, GREEN, VIOLET, RED, GREY)
"""Colours of data, in a fixed order; each has contrast 3 to a light and a dark page."""

_SIZE: Final = 9.0  # points
_NO_METADATA: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}


def new_figure(width: float, height: float) -> "Figure":
    """Give an empty figure, `width` by `height` inches, that lays itself out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def dress(axes: "Axes", *, grid: Literal["x", "y", "both"] | None = "both") -> None:
    """Give axes the page's looks: two thin spines, faint grid, quiet ticks.

    Args:
        axes: already drawn on, titled and labelled.
        grid: lines across which axis, if any.
    """
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    axes.tick_params(colors=MUTED, labelsize=_SIZE - 1, length=0, labelcolor=MUTED)
    if grid is not None:
        axes.grid(visible=True, axis=grid, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(color=MUTED, fontsize=_SIZE)
    axes.title.set(color=INK, fontsize=_SIZE)
    legend = axes.get_legend()
    for text in legend.get_texts() if legend else ():
        text.set(color=INK, fontsize=_SIZE - 1)


def to_svg(figure: "Figure", *, name: str, label: str) -> str:
    """Draw a figure as an `<svg>` element for a page.

    Args:
        figure: as `new_figure` gave it.
        name: unique in the page and made of letters; every id starts with it.
        label: what the picture shows, for those who cannot see it.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):  # a class may be called "$x$": never mathematics
        text.set_parse_math(False)  # type: ignore[attr-defined]
    stream = io.StringIO()
    metadata: dict[str, Any] = dict(_NO_METADATA)
    figure.savefig(stream, format="svg", transparent=True, metadata=metadata)
    return _embedded(stream.getvalue(), name, label)


def _embedded(document: str, name: str, label: str) -> str:
    """Turn an SVG file into an element: no prologue, own ids, the page's colours."""
    body = document[document.index("<svg") :]
    body = re.sub(r"<!--.*?-->\s*|<style.*?</style>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"\s*<defs>\s*</defs>", "", body)
    order: dict[str, str] = {}
    for found in re.findall(r'\bid="([^"]+)"', body):
        order.setdefault(found, f"{name}{len(order)}")
    body = re.sub(r'\bid="([^"]+)"', lambda m: f'id="{order[m[1]]}"', body)
    body = re.sub(r'href="#([^"]+)"', lambda m: f'href="#{order[m[1]]}"', body)
    body = re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{order[m[1]]})", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    body = re.sub(r"[ \t]*\n\s*", "\n", body)  # half of the file is indentation
    return body.replace(
        "<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1
    )
