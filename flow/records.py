"""Records of flow pairs, for training at scale: write them, check them.

Shards of TFRecord with pictures as PNG and flow in 1/64 pixel: compact, and read in any
order, with tf.data or without TensorFlow (`flow.datasets.record_reading`).
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from flow.datasets.reading import AUTO, LAYOUTS
from flow.datasets.record_format import FLOW_FORMATS
from flow.datasets.record_writing import check_records, write_records
from vod.command import log_errors

logger = logging.getLogger(__name__)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flow.records", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    write = commands.add_parser("write", help="turn a data set into records")
    write.add_argument(
        "--data", type=Path, required=True, help="folder of the data set"
    )
    write.add_argument("--out", type=Path, required=True, help="folder for the records")
    write.add_argument("--layout", default=AUTO, help=f"{AUTO} or {', '.join(LAYOUTS)}")
    write.add_argument("--split", help="such as train; left out, the whole data set")
    write.add_argument("--shards", type=int, help="number of files")
    write.add_argument("--flow-format", default="png16", help=", ".join(FLOW_FORMATS))
    check = commands.add_parser("check", help="say whether records are whole")
    check.add_argument("folder", type=Path, metavar="DIR")
    return parser


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.command == "check":
        folder, index = arguments.folder, check_records(arguments.folder)
    else:
        folder = arguments.out
        index = write_records(
            arguments.data,
            folder,
            layout=arguments.layout,
            split=arguments.split,
            shards=arguments.shards,
            flow_format=arguments.flow_format,
        )
    sys.stdout.write(
        f"{folder}: {index.pairs} pairs of {index.layout} in {len(index.shards)} "
        f"shard(s), {index.bytes / 1e6:.1f} MB, flow rounded by at most "
        f"{index.largest_rounding_px:.4f} px\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
