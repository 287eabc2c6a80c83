"""Score trained weights on pictures: `python -m detector.measure --weights DIR ...`.

Runs a detector's weights folder as Keras models on every picture of a source
(split `val` where none is named), and gives mAP by the VID protocol with intervals of a
bootstrap over snippets; a still is a snippet of its own.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from detector.fit_measure import hold_out, write_pictures
from detector.network import join, load_halves
from detector.recorded import config_of, read_detector_record
from vod.analysis.bootstrap import bootstrap
from vod.analysis.ranking import rank
from vod.command import log_errors
from vod.dataset.annotated import VALIDATION_SPLIT, read_annotated
from vod.files import reserved_report
from vod.predictions import Predictions
from vod.weights import WEIGHTS_FILE, WeightsRecord, verified_file

logger = logging.getLogger(__name__)


def load_whole(folder: Path) -> tuple[keras.Model, WeightsRecord]:
    """Give image to boxes and scores, from a detector's weights folder.

    Raises:
        WeightsError: a file is missing or altered, or of another network.
    """
    record = read_detector_record(folder)
    weights = verified_file(folder, WEIGHTS_FILE, record)
    model = join(*load_halves(config_of(folder, record), weights))
    model.compile(jit_compile=keras.backend.backend() == "jax")
    return model, record


def measure(weights: Path, source: str, *, draw: Path | None = None) -> dict[str, Any]:
    """Score weights on a source.

    Args:
        weights: folder of a detector.
        source: as `vod.dataset.annotated` reads it.
        draw: folder that gets a few pictures with what is found in them.

    Returns:
        mAP and AP by class, with their intervals, ready for JSON.

    Raises:
        AnnotationError: the source is wrong, or shows none of the classes.
        VideoError: a picture cannot be read, or `draw` not written.
        WeightsError: the weights are wrong.
    """
    model, record = load_whole(weights)
    named = source if "@" in source else f"{source}@{VALIDATION_SPLIT}"
    pictures = read_annotated(named, record.classes, degenerate="drop")
    held = hold_out(pictures, record.preprocessing)
    found = Predictions.from_detections(held.detect(model), record.classes)
    confidence = bootstrap(rank(held.pictures.truth, found)).to_json()
    if draw is not None:
        write_pictures(draw, held.draw(model))
    return {
        "weights": str(weights),
        "files": record.files,
        "source": named,
        "pictures": len(pictures),
        **confidence,
    }


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m detector.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--weights", type=Path, required=True, help="weights folder")
    add("--data", required=True, metavar="SOURCE[@SPLIT]", help="split: val")
    add("--draw", type=Path, metavar="DIR", help="gets a few pictures")
    add("--report", type=Path, metavar="JSON", help="write all figures")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with reserved_report(args.report) as write_report:
        report = measure(args.weights, args.data, draw=args.draw)
        write_report(report)
    rows = {**report["AP"], "mAP": report["mAP"]}
    for name, interval in rows.items():
        ends = ""
        if interval["low"] is not None:
            ends = f"  [{interval['low']:.3f}, {interval['high']:.3f}]"
        sys.stdout.write(f"{name:<16}{interval['value']:.3f}{ends}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
