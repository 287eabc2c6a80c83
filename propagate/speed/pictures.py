"""Reports of speed as pictures; matplotlib is imported when one is drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vod.files import PendingFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH: Final = 150
WIDTH_INCHES: Final = 7.2
CURVE_INCHES: Final = 4.2
BAR_INCHES: Final = 0.32  # a variant
MARGIN_INCHES: Final = 1.0

COLOURS: Final[Mapping[str, str]] = {
    "decode": "0.6",
    "detector": "C1",
    "causal": "C0",
    "offline": "C2",
}
"""Of a bar, by the first word of its name."""

MARKERS: Final = "osD^vP*X"


def draw_comparison(path: Path, report: Mapping[str, Any]) -> None:
    """Draw frames a second of every variant, best to worst round as a line.

    Raises:
        VideoError: the file cannot be written.
    """
    rows = report["variants"]
    height = MARGIN_INCHES + BAR_INCHES * len(rows)
    figure = _figure(height)
    axes = figure.add_subplot()
    for place, (name, row) in enumerate(rows.items()):
        colour = COLOURS.get(name.replace(",", "").split()[0], "C3")
        axes.barh(place, row["fps"], color=colour)
        worst, best = 1e3 / row["ms_high"], 1e3 / row["ms_low"]
        axes.plot([worst, best], [place, place], color="k", lw=1)
        axes.annotate(
            f"{row['fps']:.0f}",
            (best, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(rows)), list(rows), fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("frames a second: median, with the slowest and the fastest round")
    figure.suptitle(_title(report), fontsize=8)
    _save(figure, path)


def draw_curves(path: Path, report: Mapping[str, Any]) -> None:
    """Draw each curve into a file of its own: `out.png` gives `out_interval.png`.

    Raises:
        VideoError: a file cannot be written.
    """
    for name, curve in report["curves"].items():
        figure = _figure(CURVE_INCHES)
        has_memory = all(
            row["peak_mib"] is not None
            for rows in curve["series"].values()
            for row in rows
        )
        left, *right = figure.subplots(1, 1 + has_memory, squeeze=False)[0]
        for number, (series, rows) in enumerate(curve["series"].items()):
            style: Any = {"marker": MARKERS[number], "markersize": 4, "label": series}
            times = [row["ms_per_frame"] for row in rows]
            (line,) = left.plot(curve["points"], times, **style)
            cpu = [row["cpu_ms_per_frame"] for row in rows]
            left.plot(curve["points"], cpu, ":", lw=1, color=line.get_color())
            low, high = ([row[key] for row in rows] for key in ("ms_low", "ms_high"))
            left.fill_between(curve["points"], low, high, alpha=0.15)
            for axes in right:
                axes.plot(curve["points"], [row["peak_mib"] for row in rows], **style)
        left.set_ylabel("ms a frame: median, all rounds shaded; dotted: CPU time")
        for axes in right:
            axes.set_ylabel("peak memory of the process, MiB")
        for axes in (left, *right):
            axes.set_xlabel(curve["x"])
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
        left.legend(fontsize=7)
        figure.suptitle(_title(report), fontsize=8)
        _save(figure, path.with_stem(f"{path.stem}_{name}"))


def draw_soak(path: Path, report: Mapping[str, Any]) -> None:
    """Draw memory and speed over a long run.

    Raises:
        VideoError: the file cannot be written.
    """
    samples = report["soak"]["samples"]
    frames = [row["frame"] for row in samples]
    figure = _figure(CURVE_INCHES)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.plot(frames, [row["resident_mib"] for row in samples])
    upper.set_ylabel("memory held, MiB")
    lower.plot(frames, [row["fps"] for row in samples])
    lower.set_ylabel("frames a second")
    lower.set_xlabel("frames done")
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.suptitle(_title(report), fontsize=8)
    _save(figure, path)


def _figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure((WIDTH_INCHES, height), dpi=DOTS_PER_INCH, layout="constrained")


def _title(report: Mapping[str, Any]) -> str:
    """Say what was measured on what, in one line."""
    seen, host = report["input"], report["environment"]
    interval = report["config"]["propagate"]["keyframe_interval"]
    return (
        f"{seen['name']}, {seen['width']}x{seen['height']}, key frame every "
        f"{interval} where nothing else is said; "
        f"{host['usable_cpus']} x {host['processor']}"
    )


def _save(figure: "Figure", path: Path) -> None:
    pending = PendingFile(path)
    try:
        figure.savefig(pending.temporary, format="png")
        pending.commit()
    finally:
        pending.discard()
