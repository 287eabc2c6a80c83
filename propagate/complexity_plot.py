"""Figure 4 of the paper: mAP against arithmetic, for key-frame intervals 1 to 20."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from propagate.complexity_parts import FlowCount, gflops_per_frame
from propagate.paper_config import PaperConfig
from propagate.paper_tables import FIGURE_4, TABLE_5
from vod.files import PendingFile

SIZE_INCHES: Final = (7.2, 5.0)
DOTS_PER_INCH: Final = 150


def inverse_gflops(
    config: PaperConfig, intervals: int, *, flow: FlowCount
) -> list[float]:
    """Give 1 / GFLOPs a frame for intervals 1, 2, ... `intervals`."""
    return [1 / gflops_per_frame(config, n, flow=flow) for n in range(1, intervals + 1)]


def draw_figure_4(path: Path, presets: Callable[[str], PaperConfig]) -> None:
    """Write a PNG: the paper's points as rings, ours as lines; see `FlowCount`.

    Only the arithmetic is ours. The mAP of both is the paper's, interval by interval.

    Args:
        path: the file.
        presets: gives the config of a file's name in `configs/paper`.

    Raises:
        ConfigError: a config cannot be read.
        VideoError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    names = {row.preset: row.name for row in TABLE_5}
    for index, (preset, points) in enumerate(FIGURE_4.items()):
        theirs, map50 = zip(*points, strict=True)
        config, colour = presets(preset), f"C{index}"
        area = inverse_gflops(config, len(points), flow="area")
        built = inverse_gflops(config, len(points), flow="built")
        axes.plot(area, map50, color=colour, lw=1.2, label=names[preset])
        axes.plot(built, map50, ":", color=colour, lw=1.2)
        axes.plot(theirs, map50, "o", color=colour, mfc="none", ms=4.5)
    axes.plot([], [], "-", color="0.3", label="ours, flow counted by area")
    axes.plot([], [], ":", color="0.3", label="ours, flow as it is built")
    axes.plot([], [], "o", color="0.3", mfc="none", label="the paper's points")
    axes.set_xlabel("1 / GFLOPs a frame (interval 1 at the left, 20 at the right)")
    axes.set_ylabel("mAP on ImageNet VID, percent (all the paper's)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    pending = PendingFile(path)
    try:
        figure.savefig(pending.temporary, format="png")
        pending.commit()
    finally:
        pending.discard()
