"""Pairs as pictures: sheets in one PNG, or an HTML page with the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from flow.datasets.pairs import FlowPair, LoadedPair
from flow.evaluation.measure import Run
from flow.evaluation.metrics import BANDS, score_flow
from flow.evaluation.sheet import Estimate, draw_sheet
from flow.flo import write_whole
from vod.errors import ConfigError, VideoError
from vod.report import markup
from vod.report.document import as_document, write_document
from vod.report.pictures import to_jpeg
from vod.types import ByteArray

PAGE_SUFFIXES: Final = (".html", ".htm", ".png")

_ABOUT: Final = (
    "Colours: hue is the direction, saturation the length, as on the wheel; white "
    "does not move. All pictures of a pair share their scales. Grey: the true flow is "
    "unknown. EPE is the mean end-point error at full resolution, Fl-all the "
    "percentage of pixels that err by more than 3 px and 5 % of the true length."
)


@dataclass(frozen=True, eq=False, slots=True)
class Sheet:
    """A pair of the page.

    Attributes:
        name: of the pair.
        scores: `LABEL EPE` of every flow, for its heading.
        rgb: `(h, w, 3)` uint8, see `flow.evaluation.sheet.draw_sheet`.
    """

    name: str
    scores: str
    rgb: ByteArray


def check_page(path: Path) -> None:
    """Refuse a page that cannot be written, before the work for it begins.

    Raises:
        ConfigError: its name ends in something else than a page's does.
        VideoError: it cannot be written there.
    """
    if path.suffix.lower() not in PAGE_SUFFIXES:
        raise ConfigError(f"--page {path} must end in {' or '.join(PAGE_SUFFIXES)}.")


def choose_pairs(
    runs: Sequence[Run], pairs: Sequence[FlowPair], count: int
) -> list[FlowPair]:
    """Choose pairs to show: evenly from the worst to the best of the first flow.

    Args:
        runs: measured on all pairs.
        pairs: in the order they were measured in.
        count: at most so many, at least one.
    """
    errors = [result.score.epe for result in runs[0].results]
    order = np.argsort(errors, kind="stable")[::-1]
    places = np.linspace(0, len(order) - 1, min(count, len(order)))
    return [pairs[int(order[round(float(place))])] for place in places]


def draw_sheets(runs: Sequence[Run], pairs: Sequence[FlowPair]) -> list[Sheet]:
    """Run every flow on pairs again, and draw them."""
    return [_sheet(runs, pair) for pair in pairs]


def _sheet(runs: Sequence[Run], pair: FlowPair) -> Sheet:
    loaded = pair.load()
    estimates = [_estimate(run, loaded) for run in runs]
    scores = ", ".join(f"{item.label} {item.score.epe:.2f} px" for item in estimates)
    return Sheet(pair.name, scores, draw_sheet(loaded, estimates))


def _estimate(run: Run, loaded: LoadedPair) -> Estimate:
    flow = run.runner(loaded.current, loaded.key)
    return Estimate(run.label, flow, score_flow(flow, loaded.flow, loaded.valid))


def write_sheets(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write sheets below each other as one PNG.

    Raises:
        VideoError: the file cannot be written.
    """
    width = max(sheet.rgb.shape[1] for sheet in sheets)
    padded = [
        np.pad(
            sheet.rgb,
            ((0, 0), (0, width - sheet.rgb.shape[1]), (0, 0)),
            constant_values=255,
        )
        for sheet in sheets
    ]
    bgr = cv2.cvtColor(np.concatenate(padded), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr)
    if not done:
        raise VideoError(f"cannot write {path}: the picture {bgr.shape} is too large.")
    write_whole(path, encoded.tobytes())


def write_html(path: Path, sheets: Sequence[Sheet], values: Mapping[str, Any]) -> None:
    """Write the page: figures, sheets, and how they came about.

    Args:
        path: the page; it is either complete or not there.
        sheets: of the pairs with pictures.
        values: of the report, see `flow.evaluate.report`.

    Raises:
        VideoError: the file cannot be written.
    """
    write_document(path, lambda: _document(sheets, values))


def _document(sheets: Sequence[Sheet], values: Mapping[str, Any]) -> str:
    title = f"Optical flow on {Path(values['data']).name}"
    best = min(values["results"], key=lambda result: result["epe"])
    tiles = [
        markup.tile(f"{best['epe']:.3f} px", f"least EPE: {best['name']}"),
        markup.tile(f"{values['pair_count']:,}", "pairs"),
        markup.tile(f"{best['valid_pixels']:,}", "pixels with known flow"),
    ]
    head = (
        f"<header>\n<h1>{markup.text(title)}</h1>\n"
        f'<div class="tiles">{"".join(tiles)}</div>\n</header>'
    )
    chosen = "All pairs"
    if len(sheets) < values["pair_count"]:
        chosen = f"{len(sheets)} of {values['pair_count']:,} pairs, evenly chosen"
    words = f"{chosen} from the worst to the best of {values['results'][0]['name']}."
    parts = [
        head,
        markup.section("Figures", results_table(values)),
        markup.section(
            "Pairs",
            markup.paragraph(f"{words} {_ABOUT}", quiet=True),
            *map(_pair, sheets),
        ),
        markup.section("How it was measured", markup.facts(_facts(values))),
    ]
    return as_document(title, "\n".join(parts))


def results_table(values: Mapping[str, Any]) -> str:
    """Give the figures of every flow as an HTML table."""
    bands = [f"EPE {band} px" for band in BANDS]
    head = ["flow", "scale", "EPE", "EPE of all pixels", "Fl-all %", *bands]
    rows: list[list[markup.Cell]] = []
    for result in values["results"]:
        by_length = result["by_displacement"]
        row: list[markup.Cell] = [
            result["name"],
            f"{result['scale']:g}",
            markup.number(result["epe"]),
            markup.number(result["epe_over_all_pixels"]),
            markup.number(result["fl_all"], 1),
        ]
        row += [markup.number(by_length[band]["epe"], 2) for band in BANDS]
        row += [
            markup.number(result["ms_median"], 1),
            markup.number(result["gflops"], 2),
        ]
        rows.append(row)
    table = markup.table([*head, "ms a pair", "GFLOPs"], rows)
    share = values["results"][0]["by_displacement"]
    counts = ", ".join(f"{share[band]['pixels']:,} of {band} px" for band in BANDS)
    words = f"Pixels by true displacement: {counts}."
    return table + markup.paragraph(words, quiet=True)


def _pair(sheet: Sheet) -> str:
    shown = f"Pair {sheet.name}: pictures, true flow and flows"
    # A sheet of many flows is wider than the page and scrolls.
    return (
        f"<h3>{markup.text(sheet.name)}: {markup.text(sheet.scores)}</h3>"
        f'<div class="wide">{markup.picture(to_jpeg(sheet.rgb), shown)}</div>'
    )


def _facts(values: Mapping[str, Any]) -> dict[str, str]:
    host = values["environment"]
    facts = {
        "command": values["command"],
        "data": f"{values['data']}, layout {values['layout']}",
        "machine": f"{host['processor']}, {host['cpu_count']} CPUs",
        "threads": str(values["threads"]),
        "packages": ", ".join(
            f"{name} {version}" for name, version in host["packages"].items()
        ),
        "commit": host["commit"] or "unknown",
    }
    for result in values["results"]:
        if result["weights_sha256"]:
            facts[f"weights of {result['name']}"] = (
                f"{result['origin']}; sha256 {result['weights_sha256']}"
            )
    return facts
