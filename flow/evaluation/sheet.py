"""One picture that shows all about a pair: what goes in, the truth, and every flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from flow.datasets.pairs import LoadedPair
from flow.draw import arrow_spacing, draw_arrows, draw_flow, draw_wheel
from flow.evaluation.metrics import FlowScore
from vod.types import ByteArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL: Final = 3.6  # inches, width of one picture
_LEGEND: Final = 1.0  # inches, width of the last column
_DPI: Final = 100
_TITLE: Final = 0.3  # inches above a picture
_GAP: Final = 0.12  # inches between pictures
_UNKNOWN: Final = 128  # grey level where there is no truth
_ERROR_COLOURS: Final = "inferno"
_LEAST_ERROR: Final = 1.0  # pixels at the end of the scale: less is not told apart
_LONG: Final = 95.0  # percentile of true lengths that is fully saturated
_BAD: Final = 99.0  # percentile of errors at the bright end


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """A flow's answer to a pair.

    Attributes:
        label: name of the flow.
        flow: `(H, W, 2)` in pixels of the pair's pictures.
        score: its errors.
    """

    label: str
    flow: FloatArray
    score: FlowScore


@dataclass(frozen=True, slots=True)
class Scales:
    """What the colours and arrows of a sheet mean; the same for all its pictures.

    Attributes:
        full_length: displacement shown fully saturated, in pixels.
        worst_error: error at the bright end of its scale, in pixels.
        enlarged: length of an arrow / displacement.
    """

    full_length: float
    worst_error: float
    enlarged: float


def draw_sheet(loaded: LoadedPair, estimates: Sequence[Estimate]) -> ByteArray:
    """Draw a pair: a column for what is given and one for every flow.

    The rows are: the current picture, and arrows on it; the key picture, and the error
    of each flow; the true flow, and each flow; beside them what the colours mean.

    Args:
        loaded: the pair.
        estimates: at least one flow.

    Returns:
        `(h, w, 3)` uint8 RGB on white.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scales = choose_scales(loaded, estimates)
    height, width = loaded.valid.shape
    cell_height = _CELL * height / width
    figure = Figure(
        figsize=(
            (1 + len(estimates)) * (_CELL + _GAP) + _LEGEND,
            3 * (cell_height + _TITLE) + _GAP,
        ),
        dpi=_DPI,
    )
    canvas = FigureCanvasAgg(figure)
    place = _Placer(figure, cell_height)
    _draw_given(place, loaded, scales)
    for column, estimate in enumerate(estimates, start=1):
        _draw_estimate(place, column, loaded, estimate, scales)
    _draw_legend(place, 1 + len(estimates), scales)
    canvas.draw()  # type: ignore[no-untyped-call]
    rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(rgba[..., :3], np.uint8)


def choose_scales(loaded: LoadedPair, estimates: Sequence[Estimate]) -> Scales:
    """Choose scales from the truth's lengths and the flows' errors."""
    lengths = np.linalg.norm(loaded.flow[loaded.valid], axis=-1)
    errors = [error_map(loaded, item.flow)[loaded.valid] for item in estimates]
    full_length = max(1.0, float(np.percentile(lengths, _LONG)))
    worst = max(float(np.percentile(error, _BAD)) for error in errors)
    # Powers of two read easily; the longest arrows span about two grid steps.
    spacing = arrow_spacing(*loaded.valid.shape)
    enlarged = 2.0 ** np.round(np.log2(2 * spacing / full_length))
    return Scales(full_length, max(_LEAST_ERROR, worst), max(1.0, float(enlarged)))


def error_map(loaded: LoadedPair, flow: FloatArray) -> npt.NDArray[np.floating[Any]]:
    """Give `(H, W)` end-point error in pixels; NaN where the truth is unknown."""
    error = np.linalg.norm(flow - loaded.flow, axis=-1)
    error[~loaded.valid] = np.nan
    return error


class _Placer:
    """Puts axes at whole cells of a sheet, sized in inches."""

    def __init__(self, figure: "Figure", cell_height: float) -> None:
        self._figure, self._cell_height = figure, cell_height

    def axes(self, row: int, column: int, *, width: float = _CELL) -> "Axes":
        total_width, total_height = self._figure.get_size_inches()
        left = _GAP + column * (_CELL + _GAP)
        bottom = total_height - (row + 1) * (self._cell_height + _TITLE)
        box = (
            left / total_width,
            bottom / total_height,
            width / total_width,
            self._cell_height / total_height,
        )
        return self._figure.add_axes(box)

    def picture(self, row: int, column: int, rgb: ByteArray, title: str) -> "Axes":
        axes = self.axes(row, column)
        axes.imshow(rgb, interpolation="antialiased", aspect="auto")
        return _dress(axes, title)


def _dress(axes: "Axes", title: str) -> "Axes":
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#b8bec6")
        spine.set_linewidth(0.6)
    plain = title.replace("$", r"\$")  # matplotlib reads $...$ as mathematics
    axes.set_title(plain, loc="left", fontsize=9.5, pad=4)
    return axes


def _draw_given(place: _Placer, loaded: LoadedPair, scales: Scales) -> None:
    place.picture(0, 0, loaded.current, "current")
    place.picture(1, 0, loaded.key, "key")
    truth = draw_flow(loaded.flow, full_length=scales.full_length)
    truth[~loaded.valid] = _UNKNOWN
    place.picture(2, 0, truth, "true flow")


def _draw_estimate(
    place: _Placer, column: int, loaded: LoadedPair, estimate: Estimate, scales: Scales
) -> None:
    arrows = draw_arrows(loaded.current, estimate.flow, enlarged=scales.enlarged)
    place.picture(0, column, arrows, estimate.label)
    axes = place.axes(1, column)
    axes.set_facecolor(str(_UNKNOWN / 255))
    axes.imshow(
        error_map(loaded, estimate.flow),
        cmap=_ERROR_COLOURS,
        vmin=0,
        vmax=scales.worst_error,
        interpolation="antialiased",
        aspect="auto",
    )
    score = estimate.score
    _dress(axes, f"error: EPE {score.epe:.2f} px, Fl-all {score.fl_all:.1f} %")
    colours = draw_flow(estimate.flow, full_length=scales.full_length)
    place.picture(2, column, colours, "predicted flow")


def _draw_legend(place: _Placer, column: int, scales: Scales) -> None:
    note = place.axes(0, column, width=_LEGEND - 2 * _GAP)
    note.set_axis_off()
    times = f"{scales.enlarged:g} x as long" if scales.enlarged > 1 else "true length"
    note.text(0, 1, f"arrows:\n{times}", va="top", fontsize=9)
    bar = place.axes(1, column, width=0.16)
    levels = np.linspace(scales.worst_error, 0, 256)[:, None]
    bar.imshow(
        levels,
        cmap=_ERROR_COLOURS,
        aspect="auto",
        extent=(0, 1, 0, scales.worst_error),
    )
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.tick_params(labelsize=8, length=2)
    bar.set_title("px", loc="left", fontsize=9, pad=4)
    wheel = place.axes(2, column, width=_LEGEND - 2 * _GAP)
    wheel.imshow(draw_wheel(257), interpolation="antialiased")
    wheel.set_axis_off()
    wheel.set_anchor("N")
    wheel.set_title(f"rim: {scales.full_length:.3g} px", fontsize=9, pad=4)
