"""Score a single-frame detector on ImageNet VID frames or on a COCO file of pictures.

`python -m detector.evaluate --weights DIR --data ROOT` reads the ILSVRC2015 VID layout
and detects on every frame; with `--coco instances.json` it scores pictures by AP at
IoU 0.5 on the classes that both sides know.
"""

import argparse
import contextlib
import io
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from detector.registry import load_detector
from vod.class_map import COCO_TO_VID, ClassMap
from vod.command import log_errors
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError, ConfigError, VideoError
from vod.evaluation import evaluate
from vod.files import reserved_report
from vod.imagenet_vid import relabelled
from vod.types import ByteArray, Detections
from vod.weights import read_record

logger = logging.getLogger(__name__)

# Average precision needs the whole ranking; below this, boxes change it by nothing
# that we could measure.
EVALUATION: Final = PostprocessConfig(score_threshold=0.05)


def read_picture(path: Path) -> ByteArray:
    """Read `(H, W, 3)` uint8 RGB.

    Raises:
        VideoError: the file is missing or no picture.
    """
    bgr = cv2.imread(str(path))
    if bgr is None:
        raise VideoError(f"{path} cannot be read as a picture.")
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb


def detect_picture(
    detector: Detector, rgb: ByteArray, config: PostprocessConfig = EVALUATION
) -> Detections:
    """Run both halves on one picture, with nothing in between."""
    return detector.detect(
        detector.features(detector.preprocessing(rgb)),
        frame_height=rgb.shape[0],
        frame_width=rgb.shape[1],
        postprocess=config,
    )


def evaluate_vid(
    detector: Detector, root: Path, *, image_set: str = "val"
) -> dict[str, Any]:
    """Give mAP at IoU 0.5 by the VID protocol, every frame detected on its own."""
    truth = read_ground_truth(root, image_set)
    labels = ClassMap.between(detector.classes, truth.classes).labels
    found = {
        index: relabelled(
            detect_picture(detector, read_picture(truth.image_path(frame))), labels
        )
        for frame, index in enumerate(truth.frame_indices.tolist())
    }
    scores = evaluate(truth, found)
    ap = {name: value for name, value in scores.ap.items() if value is not None}
    return {"frames": len(found), "mean_ap": scores.mean_ap, "ap": ap}


def category_labels(
    categories: Sequence[Mapping[str, Any]], classes: Sequence[str]
) -> dict[int, int]:
    """Map a COCO file's category ids to the detector's labels, by COCO or VID name.

    Categories that the detector does not know are left out.
    """
    by_name = {name: label for label, name in enumerate(classes)}
    by_name |= {
        vid: by_name[coco] for coco, vid in COCO_TO_VID.items() if coco in by_name
    }
    return {
        int(category["id"]): by_name[category["name"]]
        for category in categories
        if category["name"] in by_name
    }


def read_coco(path: Path, *, split: str | None) -> dict[str, Any]:
    """Read a COCO json; `split` keeps the images that carry it.

    Raises:
        AnnotationError: unreadable, not COCO, or no image of the split.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images = [
            image
            for image in content["images"]
            if split is None or image.get("split") == split
        ]
        ids = {image["id"] for image in images}
        objects = [o for o in content["annotations"] if o["image_id"] in ids]
        selected = {**content, "images": images, "annotations": objects}
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnnotationError(
            f"{path} is not a COCO json of objects: {error}"
        ) from error
    if not images:
        raise AnnotationError(f"{path} has no image of split '{split}'.")
    return selected


def evaluate_coco(
    detector: Detector, path: Path, *, split: str | None = "val"
) -> dict[str, Any]:
    """Give AP at IoU 0.5 by the COCO protocol, pictures lying beside the json."""
    content = read_coco(path, split=split)
    label_of = category_labels(content["categories"], detector.classes)
    category_of = {label: category for category, label in label_of.items()}
    results = []
    for image in content["images"]:
        picture = read_picture(path.parent / image["file_name"])
        found = detect_picture(detector, picture)
        for box, score, label in zip(
            found.boxes, found.scores, found.labels, strict=True
        ):
            if int(label) in category_of:
                x1, y1, x2, y2 = map(float, box)
                results.append(
                    {
                        "image_id": image["id"],
                        "category_id": category_of[int(label)],
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "score": float(score),
                    }
                )
    ap = _ap50(content, results, sorted(label_of))
    names = {int(c["id"]): c["name"] for c in content["categories"]}
    named = {names[category]: value for category, value in ap.items()}
    return {
        "images": len(content["images"]),
        "ap50": float(np.mean(list(ap.values()))) if ap else None,
        "ap": named,
    }


def _ap50(
    content: dict[str, Any], results: list[dict[str, Any]], categories: list[int]
) -> dict[int, float]:
    """Give AP at IoU 0.5 of every category that has objects."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not results:
        return {
            c: 0.0
            for c in categories
            if any(o["category_id"] == c for o in content["annotations"])
        }
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.catIds = categories
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, -1]
    return {
        category: float(column.mean())
        for category, column in zip(categories, precision.T, strict=True)
        if (column >= 0).all()
    }


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the module's first lines."""
    parser = argparse.ArgumentParser(prog="python -m detector.evaluate")
    parser.add_argument("--weights", type=Path, required=True, help="weights folder")
    parser.add_argument("--data", type=Path, help="ILSVRC2015 VID layout")
    parser.add_argument("--image-set", default="val", help="list in ImageSets/VID")
    parser.add_argument("--coco", type=Path, help="COCO json beside its pictures")
    parser.add_argument(
        "--split", default="val", help="split of the COCO json's images"
    )
    parser.add_argument("--engine", choices=("litert", "tensorflow"), default="litert")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report", type=Path, help="json file to write")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with reserved_report(arguments.report) as write_report:
        report = _report(arguments)
        write_report(report)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


def _report(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.data is None and arguments.coco is None:
        raise ConfigError("nothing to score: give --data ROOT, --coco FILE or both.")
    record = read_record(arguments.weights)
    detector = load_detector(
        record.network,
        weights=arguments.weights,
        engine=arguments.engine,
        threads=arguments.threads,
    )
    report: dict[str, Any] = {"weights": str(arguments.weights), "files": record.files}
    if arguments.data is not None:
        report["vid"] = evaluate_vid(
            detector, arguments.data, image_set=arguments.image_set
        )
    if arguments.coco is not None:
        report["coco"] = evaluate_coco(detector, arguments.coco, split=arguments.split)
    return report


if __name__ == "__main__":
    sys.exit(main())
