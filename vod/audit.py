"""Score one result file under every protocol and explain the differences.

    python -m vod.audit FILE --data ROOT

prints the mAP of every protocol, what leads there from the devkit's step by step, and
what in the file moves the figure unseen: ties, repeated lines, boxes out of pictures.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vod.analysis.audit import audit
from vod.command import print_errors
from vod.dataset.reading import read_ground_truth
from vod.files import reserved_report
from vod.predictions_reading import read_predictions


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m vod.audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("detections", type=Path, help="result file, plain or .gz")
    parser.add_argument(
        "--data", type=Path, required=True, help="VID folder or COCO .json file"
    )
    parser.add_argument("--split", default="val", help="list of frames (val)")
    parser.add_argument("--report", type=Path, help="also write the audit as JSON")
    arguments = parser.parse_args(argv)
    with reserved_report(arguments.report) as write_report:
        ground_truth = read_ground_truth(arguments.data, arguments.split)
        predictions = read_predictions(arguments.detections, ground_truth)
        result = audit(ground_truth, predictions)
        write_report(result.to_json())
    sys.stdout.write(result.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
