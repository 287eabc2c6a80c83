"""Fit LightFlow to your own videos, without labels: `python -m propagate.tune CLIP...`.

The training of `propagate.train` on the given clips for a few minutes, from the shipped
weights on; with `--what refiner`, that of `propagate.refine.train`. The last fifth of
every clip is never trained on: there, the share of the detector's boxes that carried
boxes still hit is measured before and after. Weights that do not raise it are not
handed over.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import propagate.refine.refiner
from detector.registry import load_detector
from flow.registry import SHIPPED_WEIGHTS
from propagate.joint.config import JointTrainConfig
from propagate.refine.train_config import RefinerTrainConfig
from propagate.train_data import read_clips
from propagate.tuning import flow, refiner
from propagate.tuning.parts import check_folders
from propagate.tuning.tuned import format_table
from vod.command import log_errors
from vod.config import load_config
from vod.fitting.command import set_up_process

logger = logging.getLogger(__name__)

SHIPPED: Final = "shipped"
NOTHING: Final = "none"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.tune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 done, also where the weights are no better (the table "
        "says so, and no record.json is in DIR), 1 something was wrong, 2 usage",
    )
    add = parser.add_argument
    add("clips", type=Path, nargs="+", metavar="CLIP", help="video or folder of frames")
    add("--what", choices=("flow", "refiner"), default="flow", help="network (flow)")
    add("--out", type=Path, required=True, metavar="DIR", help="new folder for weights")
    add("--minutes", type=float, default=5.0, help="of training (5)")
    add(
        "--init",
        default=SHIPPED,
        metavar="DIR",
        help=f"weights folder to start from ({SHIPPED}); for the refiner also "
        f"'{NOTHING}': from the detector's first blocks",
    )
    add("--set", action="append", default=[], metavar="A.B=C", help="training config")
    return parser


def _tune_flow(args: argparse.Namespace, settings: Sequence[str]) -> str:
    shipped = SHIPPED_WEIGHTS / flow.NETWORK
    init = shipped if args.init == SHIPPED else Path(args.init)
    config = load_config(JointTrainConfig, None, [*flow.SETTINGS, *settings])
    check_folders(init, args.out, network=flow.NETWORK)
    clips = read_clips(args.clips, load_detector(config.detector), config.pairs)
    tuned = flow.tune_flow(clips, init=init, out=args.out, config=config)
    return format_table(tuned, flow.use_with(config))


def _tune_refiner(args: argparse.Namespace, settings: Sequence[str]) -> str:
    shipped = propagate.refine.refiner.SHIPPED_WEIGHTS
    init = shipped if args.init == SHIPPED else Path(args.init)
    config = load_config(RefinerTrainConfig, None, [*refiner.SETTINGS, *settings])
    config = replace(config, init=None if args.init == NOTHING else init)
    check_folders(config.init, args.out, network=refiner.NETWORK)
    clips = read_clips(args.clips, load_detector(config.detector), config.clips)
    tuned = refiner.tune_refiner(clips, out=args.out, config=config)
    return format_table(tuned, refiner.MEASURE)


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the exit codes in `--help`."""
    args = build_parser().parse_args(argv)
    set_up_process()
    settings = [f"schedule.minutes={args.minutes}", *args.set]
    run = _tune_flow if args.what == "flow" else _tune_refiner
    table = run(args, settings)
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
