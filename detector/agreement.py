"""Measure how much of one detector's finds another one reproduces.

`python -m detector.agreement --reference DIR --weights DIR --pictures DIR [...]` counts
the reference's detections of at least 0.5 for which the other has one of the same class
with an IoU of at least 0.5, at the score threshold that videos are run with.
"""

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from detector.detector import Detector
from detector.evaluate import detect_picture, read_coco, read_picture
from detector.postprocess import PostprocessConfig
from detector.registry import load_detector
from vod.boxes import pairwise_iou
from vod.command import log_errors
from vod.errors import ConfigError
from vod.types import Detections
from vod.weights import read_record

logger = logging.getLogger(__name__)

REFERENCE: Final = PostprocessConfig(score_threshold=0.5)
OTHER: Final = PostprocessConfig()
SAME_IOU: Final = 0.5
PICTURES: Final = (".jpg", ".jpeg", ".png")


def reproduced(reference: Detections, other: Detections) -> int:
    """Count detections of the first that have one of their class over them."""
    iou = pairwise_iou(reference.boxes, other.boxes)
    same = reference.labels[:, None] == other.labels[None, :]
    return int(((iou >= SAME_IOU) & same).any(axis=1).sum())


def agreement(
    reference: Detector, other: Detector, pictures: Iterable[Path]
) -> tuple[int, int]:
    """Give how many of the reference's detections are reproduced, and how many it has.

    Raises:
        ConfigError: the two know different classes.
    """
    if reference.classes != other.classes:
        raise ConfigError("the two detectors know different classes.")
    found, total = 0, 0
    for path in pictures:
        rgb = read_picture(path)
        expected = detect_picture(reference, rgb, REFERENCE)
        found += reproduced(expected, detect_picture(other, rgb, OTHER))
        total += len(expected)
    return found, total


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the module's first lines."""
    parser = argparse.ArgumentParser(prog="python -m detector.agreement")
    parser.add_argument("--reference", type=Path, required=True, help="weights folder")
    parser.add_argument("--weights", type=Path, required=True, help="weights folder")
    parser.add_argument("--pictures", type=Path, action="append", default=[])
    parser.add_argument("--coco", type=Path, help="COCO json beside its pictures")
    parser.add_argument("--split", default="val", help="split of the images")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    reference, other = (
        load_detector(read_record(folder).network, weights=folder)
        for folder in (arguments.reference, arguments.weights)
    )
    sets = {
        folder: sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)
        for folder in arguments.pictures
    }
    if arguments.coco is not None:
        content = read_coco(arguments.coco, split=arguments.split)
        names = [image["file_name"] for image in content["images"]]
        sets[arguments.coco] = [arguments.coco.parent / name for name in names]
    if not any(sets.values()):
        raise ConfigError("no pictures: give --pictures DIR, --coco FILE or both.")
    for folder, paths in sets.items():
        found, total = agreement(reference, other, paths)
        share = found / total if total else np.nan
        sys.stdout.write(f"{folder}: {found} of {total} reproduced ({share:.1%})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
