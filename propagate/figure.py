"""Draw mAP against the key-frame interval, one line a mode and flow.

Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles, fig. 3.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from propagate.ways import PER_FRAME
from vod.files import PendingFile

SIZE_INCHES: Final = (6.4, 4.2)
DOTS_PER_INCH: Final = 150

STYLES: Final[Mapping[str, str]] = {"hold": ":", "causal": "-", "offline": "--"}
"""Line of a mode; colour and marker tell the flow."""

MARKERS: Final = "osD^vP*X"


def draw_intervals(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a PNG of `report_rows`; matplotlib is imported here.

    Raises:
        VideoError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    flows = list(dict.fromkeys(row["flow"] for row in rows if row["flow"]))
    for row in rows:
        if row["mode"] == PER_FRAME:
            axes.axhline(row["map"], color="0.4", lw=1, label=PER_FRAME)
    for (mode, flow, policy), line in lines_of(rows).items():
        name = f"{mode}, {flow}" if flow else mode
        colour = f"C{flows.index(flow)}" if flow else "0.4"
        axes.plot(
            *zip(*line, strict=True),
            linestyle=STYLES[mode],
            marker=MARKERS[flows.index(flow) % len(MARKERS)] if flow else ".",
            color=colour,
            markerfacecolor="none" if policy == "adaptive" else None,
            label=f"{name}, adaptive" if policy == "adaptive" else name,
        )
    axes.set_xlabel("key-frame interval (frames)")
    axes.set_ylabel("mAP at IoU 0.5 (devkit)")
    axes.set_xticks(sorted({row["keyframe_interval"] for row in rows}))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    pending = PendingFile(path)
    try:
        figure.savefig(pending.temporary, format="png")
        pending.commit()
    finally:
        pending.discard()


def lines_of(
    rows: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, str | None, str], list[tuple[int, float]]]:
    """Give interval and mAP, ascending, by mode, flow and policy; without per-frame."""
    lines: dict[tuple[str, str | None, str], list[tuple[int, float]]] = {}
    for row in sorted(rows, key=lambda row: row["keyframe_interval"]):
        if row["mode"] != PER_FRAME:
            point = (row["keyframe_interval"], row["map"])
            name = (row["mode"], row["flow"], row["keyframes"])
            lines.setdefault(name, []).append(point)
    return lines
