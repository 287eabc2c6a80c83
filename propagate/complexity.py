"""Count the paper's system from the networks that are built, beside its own tables.

`python -m propagate.complexity --config FILE --keyframe-interval 10 --report out.json`
counts one system, part by part. `--table` puts Tables 2, 4 and 5 and figure 4 beside
ours, and `--plot figure4.png` draws figure 4 with our arithmetic and the paper's mAP.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from propagate.complexity_parts import (
    build_parts,
    classifier_parameters,
    gflops_per_frame,
    parameters,
)
from propagate.complexity_plot import draw_figure_4
from propagate.complexity_tables import format_tables
from propagate.paper_config import PaperConfig
from propagate.paper_tables import PAPER_INTERVAL
from vod.command import log_errors
from vod.config import load_config, to_mapping
from vod.errors import ConfigError
from vod.files import reserved_report

logger = logging.getLogger(__name__)

PRESETS: Final = Path(__file__).parents[1] / "configs" / "paper"
LONGEST_INTERVAL: Final = 20  # where the paper's figure 4 ends


def report_of(config: PaperConfig, interval: int) -> dict[str, Any]:
    """Give everything that is counted of one system, ready for JSON."""
    return {
        "config": to_mapping(config),
        "keyframe_interval": interval,
        "flops_per_multiply_add": 2,
        "parameters": parameters(config),
        "parameters_with_imagenet_classifier": parameters(config)
        + classifier_parameters(config),
        "gflops_per_frame": gflops_per_frame(config, interval),
        "gflops_per_frame_flow_by_area": gflops_per_frame(
            config, interval, flow="area"
        ),
        "gflops_per_frame_by_interval": [
            gflops_per_frame(config, length)
            for length in range(1, LONGEST_INTERVAL + 1)
        ],
        "parts": [
            {
                "name": part.name,
                "runs": part.runs,
                "parameters": part.parameters,
                "gflops": part.gflops,
                "layers": [asdict(layer) for layer in part.layers],
            }
            for part in build_parts(config)
        ],
    }


def format_report(report: dict[str, Any]) -> str:
    """Lay a report's parts and sums out as text."""
    lines = [f"{'part':18} {'frames':8} {'parameters':>12} {'GFLOPs a run':>13}"]
    lines += [
        f"{part['name']:18} {part['runs']:8} {part['parameters']:12,} "
        f"{part['gflops']:13.4f}"
        for part in report["parts"]
    ]
    interval = report["keyframe_interval"]
    lines += [
        f"{'all':18} {'':8} {report['parameters']:12,}",
        f"{report['gflops_per_frame']:.4f} GFLOPs a frame at key-frame interval "
        f"{interval} (a multiply-add is 2).",
        f"{report['gflops_per_frame_flow_by_area']:.4f} with the flow network counted "
        "by area, as the paper's figure 4 is.",
        f"{report['parameters_with_imagenet_classifier']:,} parameters with the "
        "backbone's ImageNet classifier, as the paper seems to count.",
    ]
    return "\n".join(lines) + "\n"


def load_preset(name: str, overrides: Sequence[str] = ()) -> PaperConfig:
    """Give one of the paper's rows by the name of its file in `configs/paper`.

    Raises:
        ConfigError: it cannot be read, or an override is wrong. One of a part that the
            row has not (the flow of a single-frame row) is left out.
    """
    config = load_config(PaperConfig, PRESETS / f"{name}.yaml")
    absent = [part for part in ("flow", "aggregation") if getattr(config, part) is None]
    own = [
        override
        for override in overrides
        if not any(override.startswith(f"{part}.") for part in absent)
    ]
    return load_config(PaperConfig, PRESETS / f"{name}.yaml", own)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.complexity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 done, 1 something was wrong, 2 usage",
    )
    add = parser.add_argument
    add("--config", type=Path, metavar="YAML", help="system to count (configs/paper)")
    add("--keyframe-interval", type=int, default=PAPER_INTERVAL, metavar="N")
    add("--report", type=Path, metavar="JSON", help="write what --config takes")
    add("--table", action="store_true", help="Tables 2, 4, 5 and figure 4 beside ours")
    add("--plot", type=Path, metavar="PNG", help="figure 4, the paper's and ours")
    add(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help="change a key, such as detector.rpn_kernel=3; of all rows with --table",
    )
    return parser


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the exit codes in `--help`."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.config is None and not args.table and args.plot is None:
        parser.error("give --config, --table or --plot")
    if args.report is not None and args.config is None:
        parser.error("--report needs --config")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run(args)
    return 0


def run(args: argparse.Namespace) -> None:
    """Do what the command line asks.

    Raises:
        ConfigError: a config is wrong, or the interval is below 1.
        VideoError: an output cannot be written.
    """
    if args.keyframe_interval < 1:
        raise ConfigError(
            f"--keyframe-interval must be at least 1, received "
            f"{args.keyframe_interval}."
        )

    def preset(name: str) -> PaperConfig:
        return load_preset(name, args.set)

    with reserved_report(args.report) as write:
        if args.config is not None:
            config = load_config(PaperConfig, args.config, args.set)
            report = report_of(config, args.keyframe_interval)
            sys.stdout.write(format_report(report))
            write(report)
    if args.table:
        sys.stdout.write(format_tables(preset))
    if args.plot is not None:
        draw_figure_4(args.plot, preset)


if __name__ == "__main__":
    sys.exit(main())
