"""Measure flows on pairs whose true flow is known.

`python -m flow.evaluate --data DIR --flow lightflow dis-medium --scale 1.0 0.5 --report
out.json --page out.html` tells end-point error at full resolution, Fl-all, error by
true displacement, time and arithmetic of every flow at every scale. See docs/flow.md.
"""

import argparse
import logging
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from flow.datasets.pairs import FlowPair
from flow.datasets.reading import AUTO, LAYOUTS, find_layout, read_pairs
from flow.evaluation.measure import WARM_UP, Run, measure, opencv_threads
from flow.evaluation.metrics import BANDS
from flow.evaluation.runner import FlowChoice, FlowRunner
from flow.registry import FLOWS, NETWORKS
from vod.command import print_errors
from vod.engine import ENGINES
from vod.environment import environment
from vod.errors import ConfigError
from vod.files import PendingFile, reserved_report

SCHEMA: Final = "flow-evaluation/1"

PACKAGES: Final = ("ai-edge-litert", "keras", "numpy", "opencv-python", "tensorflow")

DEFAULT_SHOWN: Final = 8
"""Pairs with pictures; a page of hundreds would be too large to open."""

DASH: Final = "-"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flow.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--layout", default=AUTO, help=f"{AUTO} (default), {', '.join(LAYOUTS)}"
    )
    parser.add_argument("--split", help="of the layout, such as val or clean")
    parser.add_argument(
        "--max-pairs", type=int, metavar="N", help="only the first N, for a quick look"
    )
    _add_measured_arguments(parser)
    _add_output_arguments(parser)
    return parser


def _add_measured_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is measured")
    group.add_argument(
        "--flow",
        nargs="+",
        default=["lightflow"],
        metavar="NAME",
        help=f"{', '.join(FLOWS)} (default lightflow)",
    )
    group.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="[NAME=]DIR",
        help="weights folders of a network instead of the shipped one; NAME is what "
        "the report calls it (default: the folder's)",
    )
    group.add_argument(
        "--scale",
        nargs="+",
        type=float,
        default=[1.0],
        metavar="S",
        help="sides of the flow's input / sides of the pictures (default 1.0)",
    )
    group.add_argument(
        "--passes",
        type=int,
        metavar="N",
        help="of a network over a pair (default: the flow's own number)",
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default="litert",
        help="what runs a network; tensorflow is the Keras model itself",
    )
    group.add_argument("--threads", type=int, default=2, help="of every flow (2)")


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what comes out")
    group.add_argument("--report", type=Path, metavar="JSON", help="all figures")
    group.add_argument(
        "--page",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="pictures of pairs: .html with the figures, .png sheets below each other",
    )
    group.add_argument(
        "--page-pairs",
        type=int,
        default=DEFAULT_SHOWN,
        metavar="N",
        help=f"pairs with pictures, from the worst to the best ({DEFAULT_SHOWN})",
    )


def build_runs(arguments: argparse.Namespace) -> list[Run]:
    """Give one run for every flow, or weights folder of it, at every scale.

    Raises:
        ConfigError: an unknown flow, a value out of range, or two runs of one name.
        WeightsError: a weights folder is missing or is not one.
    """
    named = [_named_weights(text) for text in arguments.weights]
    unknown = [name for name in arguments.flow if name not in FLOWS]
    if named and not unknown and not NETWORKS.intersection(arguments.flow):
        raise ConfigError(
            f"--weights was given, but {', '.join(arguments.flow)} has no weights. Add "
            f"--flow {' or '.join(sorted(NETWORKS))}."
        )
    runs: list[Run] = []
    for flow in arguments.flow:
        sources = named if named and flow in NETWORKS else [(flow, None)]
        for name, weights in sources:
            for scale in arguments.scale:
                choice = FlowChoice(
                    flow,
                    weights,
                    scale,
                    arguments.engine,
                    arguments.threads,
                    arguments.passes if flow in NETWORKS else None,
                )
                plain = arguments.scale == [1.0]
                label = name if plain else f"{name} @ {scale:g}"
                runs.append(Run(label, FlowRunner(choice)))
    labels = [run.label for run in runs]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ConfigError(
            f"two of the flows are called '{twice[0]}': name each once, and weights "
            "folders of one name as NAME=DIR."
        )
    return runs


def _named_weights(text: str) -> tuple[str, Path]:
    """Split `NAME=DIR`; without a name, runs' `RUN/weights` is called `RUN`."""
    name, found, folder = text.partition("=")
    if found and name and folder:
        return name, Path(folder)
    path = Path(text)
    whole = path.resolve()
    return (whole.parent if whole.name == "weights" else whole).name, path


def report(
    arguments: argparse.Namespace, runs: Sequence[Run], host: dict[str, Any]
) -> dict[str, Any]:
    """Give results as JSON-ready values; a single run's also stand at the top level."""
    results = [run.to_json() for run in runs]
    return {
        "schema": SCHEMA,
        "command": arguments.command,
        "data": str(arguments.data),
        "layout": find_layout(arguments.data, arguments.layout)[0],
        "split": arguments.split,
        "pair_count": len(runs[0].results),
        "threads": arguments.threads,
        "warm_up_calls": WARM_UP,
        "environment": host,
        "results": results,
    } | (results[0] if len(results) == 1 else {})


def format_table(results: Sequence[dict[str, Any]]) -> str:
    """Give the figures as a Markdown table."""
    head = ["flow", "scale", "EPE px", "EPE all px", "Fl-all %"]
    head += [f"EPE {band}" for band in BANDS] + ["ms", "CPU ms", "GFLOPs"]
    rows = [head, *map(_row, results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    rows.insert(1, ["-" * width for width in widths])
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "".join(f"| {line} |\n" for line in lines)


def _row(result: dict[str, Any]) -> list[str]:
    by_length = [result["by_displacement"][band]["epe"] for band in BANDS]
    name = result["name"].removesuffix(f" @ {result['scale']:g}")
    return [
        name,
        f"{result['scale']:g}",
        f"{result['epe']:.3f}",
        f"{result['epe_over_all_pixels']:.3f}",
        f"{result['fl_all']:.2f}",
        *(DASH if epe is None else f"{epe:.2f}" for epe in by_length),
        f"{result['ms_median']:.1f}",
        f"{result['cpu_ms_median']:.1f}",
        DASH if result["gflops"] is None else f"{result['gflops']:.3f}",
    ]


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do what the command line asks for; give the report.

    Raises:
        VodError: with one sentence for the user.
    """
    _check(arguments)
    with reserved_report(arguments.report) as write_report:
        runs = build_runs(arguments)
        pairs = read_pairs(arguments.data, arguments.layout, arguments.split)
        pairs = pairs[: arguments.max_pairs]
        host = environment(PACKAGES)
        with opencv_threads(arguments.threads):
            measure(runs, pairs, progress=_bar(len(pairs)))
        values = report(arguments, runs, host)
        _write_pages(arguments, runs, pairs, values)
        write_report(values)
    return values


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot work, before the work begins."""
    for name in ("page_pairs", "max_pairs"):
        count = getattr(arguments, name)
        if count is not None and count < 1:
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} must be 1 or more, received {count}.")
    if arguments.page:
        from flow.evaluation.page import check_page

        for path in arguments.page:
            check_page(path)
            PendingFile(path).discard()


def _write_pages(
    arguments: argparse.Namespace,
    runs: Sequence[Run],
    pairs: Sequence[FlowPair],
    values: dict[str, Any],
) -> None:
    if not arguments.page:
        return
    from flow.evaluation.page import choose_pairs, draw_sheets, write_html, write_sheets

    shown = choose_pairs(runs, pairs, arguments.page_pairs)
    sheets = draw_sheets(runs, shown)
    for path in arguments.page:
        if path.suffix.lower() == ".png":
            write_sheets(path, sheets)
        else:
            write_html(path, sheets, values)


def _bar(count: int) -> Callable[[Iterable[FlowPair]], Iterable[FlowPair]]:
    """Give a progress bar on stderr, or none where nobody would see it move."""
    return partial(
        tqdm,
        total=count,
        unit=" pairs",
        disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
    )


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = build_parser().parse_args(given)
    arguments.command = shlex.join(["python", "-m", "flow.evaluate", *given])
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("flow").setLevel(logging.INFO)
    values = evaluate(arguments)
    sys.stdout.write(
        f"{values['pair_count']} pairs of {values['data']}, full resolution:\n"
        + format_table(values["results"])
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
