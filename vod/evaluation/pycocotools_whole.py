"""`COCOeval` run as everybody runs it, every pair of frame and class in Python.

What `vod.evaluation.coco` must agree with, and what the benchmark compares with: small
sets only.
"""

import contextlib
import io
from typing import Any

import numpy as np

from vod.evaluation.coco_columns import MAX_DETECTIONS
from vod.evaluation.scores import ApByClass
from vod.ground_truth import DoubleArray, GroundTruth
from vod.predictions import Predictions


def run_pycocotools(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    max_detections: int = MAX_DETECTIONS,
) -> DoubleArray:
    """Give pycocotools' `(thresholds, recalls, classes, areas)` precision.

    Args:
        ground_truth: the objects.
        predictions: at least one detection, of the same classes and listed frames only.
        max_detections: best detections a frame and class.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images = ground_truth.frame_indices[ground_truth.object_frames]
    objects = _annotations(images, ground_truth.labels, ground_truth.boxes)
    found = _annotations(predictions.indices, predictions.labels, predictions.boxes)
    for item, score in zip(found, predictions.scores.tolist(), strict=True):
        item["score"] = score
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        coco = COCO()
        coco.dataset = {
            "images": [{"id": index} for index in ground_truth.frame_indices.tolist()],
            "categories": [{"id": i + 1} for i in range(len(ground_truth.classes))],
            "annotations": objects,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.params.maxDets = [max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
    precision: DoubleArray = evaluation.eval["precision"][..., -1]
    return precision


def _annotations(images: Any, labels: Any, boxes: DoubleArray) -> list[dict[str, Any]]:
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": label + 1,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for number, (image, label, box) in enumerate(
            zip(images.tolist(), labels.tolist(), sizes.tolist(), strict=True), 1
        )
    ]


def coco_ap50(ground_truth: GroundTruth, predictions: Predictions) -> ApByClass:
    """Give every class's AP at IoU 0.5, None without objects."""
    at_half = run_pycocotools(ground_truth, predictions)[0, :, :, 0]
    return {
        name: float(precision.mean()) if (precision > -1).all() else None
        for name, precision in zip(ground_truth.classes, at_half.T, strict=True)
    }
