"""Generate a set and detections of any size, to measure an evaluator with.

By default as large as ImageNet VID val, 176,126 frames with 273,505 objects, and ten
million detections. The same arguments give the same files, byte by byte.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from vod.dataset.columns import save_ground_truth
from vod.dataset.layout_writing import write_layout
from vod.dataset.synthesis import SetSize, synthesise_ground_truth
from vod.dataset.synthesis_detections import Quality, synthesise_predictions
from vod.errors import VideoError
from vod.predictions_writing import write_submission_lines

COLUMNS_FILE: Final = "ground_truth.npz"
DETECTIONS_FILE: Final = "detections.txt"
DETECTIONS: Final = 10_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of `python -m vod.dataset synthesise`."""
    size, quality = SetSize(), Quality()
    parser.add_argument("root", type=Path, help="folder to write to")
    for name, default in (
        ("frames", size.frames),
        ("snippets", size.snippets),
        ("objects", size.objects),
        ("detections", DETECTIONS),
        ("seed", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"({default})")
    for name, value, text in (
        ("recall", quality.recall, "share of objects with a tight box"),
        ("jitter", quality.jitter, "noise of its sides, in shares of the object's"),
        ("confusion", quality.confusion, "share of tight boxes with any class"),
    ):
        help_text = f"{text} ({value})"
        parser.add_argument(f"--{name}", type=float, default=value, help=help_text)
    parser.add_argument(
        "--columns",
        action="store_true",
        help=f"write {COLUMNS_FILE}, one file that opens at once, and no annotations",
    )
    parser.add_argument("--gzip", action="store_true", help="compress the detections")


def run(arguments: argparse.Namespace) -> int:
    """Generate, and say what was written."""
    root: Path = arguments.root
    size = SetSize(arguments.frames, arguments.snippets, arguments.objects)
    quality = Quality(arguments.recall, arguments.jitter, arguments.confusion)
    ground_truth = synthesise_ground_truth(size, arguments.seed)
    predictions = synthesise_predictions(
        ground_truth, arguments.detections, quality, arguments.seed
    )
    if arguments.columns:
        _make_folder(root)
        save_ground_truth(ground_truth, root / COLUMNS_FILE)
    else:
        write_layout(ground_truth, root)
    detections = root / f"{DETECTIONS_FILE}{'.gz' if arguments.gzip else ''}"
    write_submission_lines(detections, predictions)
    data = root / COLUMNS_FILE if arguments.columns else root
    sys.stdout.write(
        f"{data}: {size.snippets} snippets, {size.frames} frames, {size.objects} "
        f"objects\n{detections}: {len(predictions)} detections\n"
    )
    return 0


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"cannot write {root}: {error.strerror or error}.") from error
