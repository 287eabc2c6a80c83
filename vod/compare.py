"""Say whether result file B is better than A, or only luckier.

    python -m vod.compare --data ROOT --split val A B

draws the snippets of the set again and again, with replacement, scores both files on
each draw, and prints for mAP and every class the difference with its interval and the
share of the draws in which B is better.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vod.analysis.bootstrap import LEVEL, RESAMPLES
from vod.analysis.comparison import Comparison, compare
from vod.analysis.ranking import rank
from vod.command import print_errors
from vod.dataset.reading import read_ground_truth
from vod.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS
from vod.files import reserved_report
from vod.predictions_reading import read_predictions


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    arguments = _parser().parse_args(argv)
    with reserved_report(arguments.report) as write_report:
        result = _compare(arguments)
        write_report(
            {
                "A": str(arguments.first),
                "B": str(arguments.second),
                "protocol": arguments.protocol,
                **result.to_json(),
            }
        )
    sys.stdout.write(result.table())
    return 0


def _compare(arguments: argparse.Namespace) -> Comparison:
    ground_truth = read_ground_truth(arguments.data, arguments.split)
    first, second = (
        rank(
            ground_truth,
            read_predictions(path, ground_truth),
            protocol=arguments.protocol,
        )
        for path in (arguments.first, arguments.second)
    )
    return compare(
        first,
        second,
        resamples=arguments.resamples,
        level=arguments.level,
        seed=arguments.seed,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vod.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("first", type=Path, metavar="A", help="result file, plain or .gz")
    add("second", type=Path, metavar="B", help="likewise")
    add("--data", type=Path, required=True, help="VID folder or COCO .json file")
    add("--split", default="val", help="list of frames (val)")
    add(
        "--protocol",
        choices=list(PROTOCOLS),
        default=DEFAULT_PROTOCOL,
        help="whose matching is used (devkit); AP is the area under the envelope",
    )
    add("--resamples", type=int, default=RESAMPLES, help="draws (%(default)s)")
    add("--level", type=float, default=LEVEL, help="of confidence (%(default)s)")
    add("--seed", type=int, default=0, help="of the random numbers (%(default)s)")
    add("--report", type=Path, help="also write the comparison as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
