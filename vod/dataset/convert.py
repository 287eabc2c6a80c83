"""Turn other people's video annotations into ImageNet's layout.

Sources: a COCO or COCO-VID json, YOLO labels (see `vod.dataset.yolo`), MOTChallenge
sequences (see `vod.dataset.mot`). The result is what `python -m vod.evaluate --data`
reads; classes that are not ImageNet's 30 are listed in `ImageSets/VID/classes.txt`.
"""

import argparse
import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from vod.dataset.building import at_least_a_pixel
from vod.dataset.coco_video import read_coco
from vod.dataset.layout_writing import PlacePicture, write_layout
from vod.dataset.mot import read_mot
from vod.dataset.yolo import read_yolo
from vod.errors import AnnotationError, ConfigError, VideoError
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import inclusive_boxes
from vod.images import read_image

logger = logging.getLogger(__name__)

PICTURES: Final = ("copy", "link", "none")
_JPEG_SUFFIXES: Final = (".jpg", ".jpeg")
_JPEG_QUALITY: Final = 95


def _read_coco(source: Path, classes: Sequence[str]) -> GroundTruth:
    if classes:
        raise ConfigError("--classes does not apply: a COCO json names its classes.")
    read = read_coco(source)
    return replace(
        read,
        boxes=at_least_a_pixel(inclusive_boxes(read.boxes)),
        frame_indices=np.arange(1, read.num_frames + 1, dtype=np.int64),
        category_ids=(),
    )


SOURCES: Final[Mapping[str, Callable[[Path, Sequence[str]], GroundTruth]]] = {
    "coco-vid": _read_coco,
    "yolo": read_yolo,
    "mot": read_mot,
}
"""Reader of every source format."""


def read_source(
    source: Path, source_format: str | None = None, classes: Sequence[str] = ()
) -> GroundTruth:
    """Read annotations of another format, last pixel included, frames from index 1.

    Args:
        source: a json file or a folder.
        source_format: one of `SOURCES`; None to go by what `source` holds.
        classes: names by number, for formats whose files do not say them.

    Raises:
        AnnotationError: naming the file and line that is missing or wrong.
        ConfigError: an option that does not apply.
    """
    if not source.exists():
        raise AnnotationError(f"{source} does not exist.")
    if source_format is None:
        source_format = guess_format(source)
    read = SOURCES[source_format](source, classes)
    return _in_video_order(read)


def guess_format(source: Path) -> str:
    """Say which of `SOURCES` a file or folder looks like."""
    if source.is_file():
        return "coco-vid"
    return "mot" if next(source.rglob("gt/gt.txt"), None) else "yolo"


def _in_video_order(read: GroundTruth) -> GroundTruth:
    """Bring every video's frames together, by number; objects follow their frames."""
    order = np.lexsort((read.frame_numbers, read.frame_snippets))
    position = np.empty(len(order), np.int32)
    position[order] = np.arange(len(order), dtype=np.int32)
    objects = np.argsort(position[read.object_frames], kind="stable")
    return replace(
        read,
        frame_snippets=read.frame_snippets[order],
        frame_numbers=read.frame_numbers[order],
        frame_sizes=read.frame_sizes[order],
        image_names=tuple(read.image_names[frame] for frame in order),
        object_frames=position[read.object_frames][objects],
        boxes=read.boxes[objects],
        labels=read.labels[objects],
        track_ids=read.track_ids[objects],
        occluded=read.occluded[objects],
        generated=read.generated[objects],
    )


def picture_placer(ground_truth: GroundTruth, how: str) -> PlacePicture | None:
    """Give what puts a picture into the layout, which knows JPEG only.

    JPEG files are copied byte by byte or linked; others are written as JPEG of quality
    95 without loss of colour resolution.

    Args:
        ground_truth: names the pictures.
        how: one of `PICTURES`; `link` makes symbolic links to JPEG files.
    """
    if how == "none":
        return None

    def place(frame: int, target: Path) -> None:
        source = ground_truth.image_path(frame)
        if not source.is_file():
            raise VideoError(
                f"the picture {source} is missing. Give the folder of the pictures "
                "with --images, or convert annotations only with --pictures none."
            )
        if source.suffix.lower() not in _JPEG_SUFFIXES:
            _write_jpeg(source, target)
        elif how == "link":
            target.symlink_to(source.resolve())
        else:
            shutil.copyfile(source, target)

    return place


def _write_jpeg(source: Path, target: Path) -> None:
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        _JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    bgr = cv2.cvtColor(read_image(source), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, settings)
    if not done:
        raise VideoError(f"{source} cannot be written as JPEG.")
    target.write_bytes(data.tobytes())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of `python -m vod.dataset convert`."""
    parser.add_argument("source", type=Path, help="COCO json, or folder of clips")
    parser.add_argument("root", type=Path, help="folder to write the layout to")
    parser.add_argument("--format", choices=list(SOURCES), help="default: as it looks")
    parser.add_argument("--split", default="val", help="name of the list (val)")
    parser.add_argument("--classes", default="", help="names by number: car,dog")
    parser.add_argument("--images", type=Path, help="folder of a COCO json's pictures")
    parser.add_argument(
        "--pictures", choices=PICTURES, default="copy", help="what to do with them"
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert, and say what was written."""
    classes = [name.strip() for name in arguments.classes.split(",") if name.strip()]
    read = read_source(arguments.source, arguments.format, classes)
    if arguments.images is not None:
        read = replace(read, image_root=arguments.images)
    placer = picture_placer(read, arguments.pictures)
    write_layout(read, arguments.root, arguments.split, place_picture=placer)
    sys.stdout.write(
        f"{arguments.root}, split {arguments.split}: {len(read.snippets)} snippets, "
        f"{read.num_frames} frames, {read.num_objects} objects of "
        f"{len(read.classes)} classes\n"
    )
    return 0
