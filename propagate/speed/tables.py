"""Reports of speed as text."""

from collections.abc import Mapping
from typing import Any, Final

_NAME: Final = 54  # characters


def comparison_table(report: Mapping[str, Any]) -> str:
    """Give variants, ratios and stages of a comparison."""
    lines = [
        f"{'variant':<{_NAME}}{'ms/frame':>9}{'low':>8}{'high':>8}{'CPU ms':>8}"
        f"{'fps':>7}{'MiB':>7}"
    ]
    for name, row in report["variants"].items():
        peak = "" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}"
        lines.append(
            f"{name:<{_NAME}}{row['ms_per_frame']:>9.2f}{row['ms_low']:>8.2f}"
            f"{row['ms_high']:>8.2f}{row['cpu_ms_per_frame']:>8.2f}{row['fps']:>7.0f}"
            f"{peak:>7}"
        )
    lines += [
        "",
        "frames/s of a / frames/s of b: median (lowest to highest), by CPU time",
    ]
    for name, value in report["ratios"].items():
        lines.append(
            f"{name:<{_NAME + 16}}{value['median']:>7.2f} "
            f"({value['low']:.2f} to {value['high']:.2f}){value['cpu']:>7.2f}"
        )
    lines += ["", "ms a frame by stage, each in its thread"]
    for name, row in report["variants"].items():
        if "stages" in row:
            stages = ", ".join(
                f"{stage} {value['ms_per_frame']:.2f}"
                for stage, value in row["stages"].items()
            )
            lines.append(f"{name}: {stages}")
    if "start_up" in report:
        lines += ["", f"start to first boxes: {report['start_up']['median_s']:.2f} s"]
    return "\n".join(lines) + "\n"


def curve_tables(curves: Mapping[str, Any]) -> str:
    """Give one table a curve: a row a point, a column of ms a frame a series."""
    blocks = []
    for curve in curves.values():
        series = list(curve["series"])
        lines = [f"{curve['x']:<22}" + "".join(f"{name:>24}" for name in series)]
        for position, x in enumerate(curve["points"]):
            cells = ""
            for name in series:
                row = curve["series"][name][position]
                peak = row["peak_mib"]
                memory = "" if peak is None else f" {peak:.0f} MiB"
                cells += f"{row['ms_per_frame']:.2f} ms{memory}".rjust(24)
            lines.append(f"{x:<22}{cells}")
        blocks.append("\n".join(lines) + f"\n({curve['note']})\n")
    return "\n".join(blocks)


def soak_table(soak: Mapping[str, Any]) -> str:
    """Give the memory every few hundred frames, its growth and the speed."""
    lines = [f"{'frame':>8}{'MiB held':>10}{'frames/s':>10}"]
    for row in soak["samples"]:
        lines.append(
            f"{row['frame']:>8}{row['resident_mib']:>10.1f}{row['fps']:>10.1f}"
        )
    lines.append(
        f"growth after frame {soak['warm_up_frames']}: {soak['growth_mib']:+.2f} MiB "
        f"over {soak['frames'] - soak['warm_up_frames']} frames (linear fit); peak "
        f"{soak['peak_mib']:.0f} MiB"
    )
    lines.append(
        f"frames/s: {soak['fps_first_tenth']:.1f} in the first tenth, "
        f"{soak['fps_last_tenth']:.1f} in the last"
    )
    return "\n".join(lines) + "\n"
