"""The paper's Tables 2, 4 and 5 and figure 4, with what is counted here beside them."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from propagate.complexity_parts import (
    Part,
    classifier_parameters,
    flow_layers,
    gflops_per_frame,
    parameters,
    shares,
)
from propagate.paper_config import PaperConfig
from propagate.paper_tables import (
    FIGURE_4,
    FLOW_TABLE_SIZE,
    PAPER_INTERVAL,
    TABLE_2,
    TABLE_4,
    TABLE_5,
    PaperRow,
)
from vod.errors import ConfigError

Presets = Callable[[str], PaperConfig]

HEADER: Final = (
    f"{'':26} {'parameters (M)':>24}   {'GFLOPs':>39}\n"
    f"{'':26} {'paper':>6} {'ours':>7} {'+ cls':>9}   "
    f"{'paper':>6} {'ours':>7} {'differ':>7} {'by area':>9} {'differ':>7}"
)

CURVE_HEADER: Final = (
    f"{'':22} {'key / n':>15} {'every frame':>23} {'at interval 10':>23}\n"
    f"{'':22} {'paper':>7} {'ours':>7}"
    + f" {'paper':>7} {'ours':>7} {'by area':>7}"
    * 2
)

NOTES: Final = """ours     built at the size it runs at; a multiply-add is 2.
by area  the same, the flow network counted at 384x512 times the ratio of pixels.
+ cls    with the 1,000-class layer of the backbone's ImageNet checkpoint.
Figure 4: GFLOPs a frame = key / n + every, fitted to the paper's points (interval 10,
which lies off its own curve, left out).
"""


def format_tables(presets: Presets) -> str:
    """Lay the tables and figure 4's curves out as text.

    Args:
        presets: gives the config of a file's name in `configs/paper`.

    Raises:
        ConfigError: one cannot be read.
    """
    height, width = FLOW_TABLE_SIZE
    frame = f"a frame at key-frame interval {PAPER_INTERVAL}"
    blocks = [
        [f"Table 5: the system, {frame}", HEADER, *_system_lines(TABLE_5, presets)],
        [f"Table 4: aggregation, {frame}", HEADER, *_system_lines(TABLE_4, presets)],
        [f"Table 2: the flow network alone, a pair at {height}x{width}", HEADER],
        ["Figure 4: GFLOPs a frame at key-frame interval n", CURVE_HEADER],
    ]
    blocks[2] += [_flow_line(row, presets) for row in TABLE_2]
    blocks[3] += [
        _curve_line(preset, points, presets(preset))
        for preset, points in FIGURE_4.items()
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + f"\n\n{NOTES}"


def fit_curve(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fit figure 4's points: the GFLOPs (key, every) of key / n + every.

    Least squares on 1 / GFLOPs, the axis that the points were read from, without the
    point of interval 10. The residual of an inverse is that of the value times the
    inverse squared.

    Args:
        points: 1 / GFLOPs and mAP at interval 1, 2, ...
    """
    inverse = np.array([x for x, _ in points])
    intervals = np.arange(1, len(points) + 1)
    used = intervals != PAPER_INTERVAL
    weight = inverse[used] ** 2
    columns = np.stack([1 / intervals[used], np.ones(used.sum())], axis=1)
    solution, *_ = np.linalg.lstsq(
        columns * weight[:, None], weight / inverse[used], rcond=None
    )
    return float(solution[0]), float(solution[1])


def _curve_line(
    preset: str, points: Sequence[tuple[float, float]], config: PaperConfig
) -> str:
    key, every = fit_curve(points)
    our_key, built = shares(config)
    _, area = shares(config, flow="area")
    text = f"{preset:22} {key:7.3f} {our_key:7.3f}"
    text += f" {every:7.4f} {built:7.4f} {area:7.4f}"
    return text + "".join(
        f" {kept / PAPER_INTERVAL + stays:7.4f}"
        for kept, stays in ((key, every), (our_key, built), (our_key, area))
    )


def _system_lines(rows: Sequence[PaperRow], presets: Presets) -> list[str]:
    lines = []
    for row in rows:
        config = presets(row.preset)
        ours = parameters(config) / 1e6
        full = f"{ours + classifier_parameters(config) / 1e6:.2f}"
        built = gflops_per_frame(config, PAPER_INTERVAL)
        area = gflops_per_frame(config, PAPER_INTERVAL, flow="area")
        lines.append(_line(row, ours, full, built) + _compared(area, row, 9))
    return lines


def _flow_line(row: PaperRow, presets: Presets) -> str:
    config = presets(row.preset)
    if config.flow is None:
        raise ConfigError(f"{row.preset}: Table 2 needs a flow, received null.")
    part = Part("flow", "every", flow_layers(config.flow, *FLOW_TABLE_SIZE))
    return _line(row, part.parameters / 1e6, "", part.gflops)


def _line(row: PaperRow, ours: float, full: str, gflops: float) -> str:
    return (
        f"{row.name:26} {row.parameters:6.1f} {ours:7.2f} {full:>9}   "
        f"{row.gflops:6.2f}{_compared(gflops, row, 7)}"
    )


def _compared(gflops: float, row: PaperRow, width: int) -> str:
    return f" {gflops:{width}.3f} {gflops / row.gflops - 1:+7.1%}"
