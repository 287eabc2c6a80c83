"""Score a result file by the protocol of the ILSVRC2015 VID devkit.

A detection and an object match when their IoU (inclusive pixels) reaches the object's
own threshold, `min(0.5, w h / ((w + 10)(h + 10)))`: small boxes may be off by a few
pixels. Within a frame and class the detections choose in descending score; each takes
the free object that it overlaps most. AP is the area under the monotone precision
envelope; mAP its mean over the classes that have objects. Equal scores keep the order
of the list and of the file.

Source: `eval_vid_detection.m` and `VOCap.m` of the devkit.
"""

import argparse
import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vod.errors import VodError
from vod.evaluation import scoring
from vod.evaluation.scores import Scores
from vod.files import reserved_report
from vod.imagenet_vid import (
    VID_NAMES,
    DoubleArray,
    VidDataset,
    VidPredictions,
    read_dataset,
    read_submission,
)
from vod.types import Detections

BoolArray = npt.NDArray[np.bool_]

IOU_THRESHOLD = 0.5
PIXEL_TOLERANCE = 10
"""Pixels by which a small object's box may be off in width and in height."""


@dataclass(frozen=True, slots=True)
class VidScores:
    """What a set of detections is worth.

    Attributes:
        mean_ap: mean AP over the classes with objects; NaN when there is no object.
        ap: AP in [0, 1] of every class with objects, by name.
        num_ground_truth: objects of all 30 classes, by name.
        num_detections: detections of all 30 classes on listed frames, by name.
        num_frames: listed frames.
    """

    mean_ap: float
    ap: dict[str, float]
    num_ground_truth: dict[str, int]
    num_detections: dict[str, int]
    num_frames: int

    def table(self) -> str:
        """Give the scores as text, one line a class that has objects or detections."""
        lines = [f"{'class':<14}{'AP':>8}{'objects':>10}{'detections':>12}"]
        for name, objects in self.num_ground_truth.items():
            found = self.num_detections[name]
            if objects or found:
                ap = f"{self.ap[name]:.4f}" if name in self.ap else "-"
                lines.append(f"{name:<14}{ap:>8}{objects:>10}{found:>12}")
        total, found = (
            sum(counts.values())
            for counts in (self.num_ground_truth, self.num_detections)
        )
        mean = "-" if math.isnan(self.mean_ap) else f"{self.mean_ap:.4f}"
        lines.append(f"{'mAP':<14}{mean:>8}{total:>10}{found:>12}")
        lines.append(f"({len(self.ap)} classes with objects, {self.num_frames} frames)")
        return "\n".join(lines) + "\n"


def evaluate(
    dataset: VidDataset, detections: VidPredictions | Mapping[int, Detections]
) -> VidScores:
    """Score detections against the objects of an image set.

    Args:
        dataset: the frames and their objects.
        detections: a result file's content, or detections under VID labels by the
            frame's index in the list. Frames that the list lacks are ignored; boxes
            are not clipped.
    """
    if not isinstance(detections, VidPredictions):
        detections = VidPredictions.from_detections(detections)
    order = {frame.index: position for position, frame in enumerate(dataset.frames)}
    position = np.array([order.get(i, -1) for i in detections.indices.tolist()], int)
    ap, objects, found = {}, {}, {}
    for label, name in enumerate(VID_NAMES):
        rows = np.flatnonzero((detections.labels == label) & (position >= 0))
        scores = detections.scores[rows]
        rows = rows[np.lexsort((-scores, position[rows]))]
        truth = _objects_of(dataset, label)
        hits = _match_class(detections.boxes[rows], position[rows], truth)
        objects[name] = sum(map(len, truth.values()))
        found[name] = len(rows)
        if objects[name]:
            ranking = np.argsort(-detections.scores[rows], kind="stable")
            ap[name] = average_precision(hits[ranking], objects[name])
    mean_ap = float(np.mean(list(ap.values()))) if ap else math.nan
    return VidScores(mean_ap, ap, objects, found, len(dataset.frames))


def _objects_of(dataset: VidDataset, label: int) -> dict[int, DoubleArray]:
    """Give the boxes of one class by position of their frame in the list."""
    return {
        position: frame.boxes[frame.labels == label]
        for position, frame in enumerate(dataset.frames)
        if (frame.labels == label).any()
    }


def _match_class(
    boxes: DoubleArray,
    position: npt.NDArray[np.intp],
    truth: Mapping[int, DoubleArray],
) -> BoolArray:
    """Tell which boxes of one class, by frame and best first, are true positives."""
    hits = np.zeros(len(boxes), np.bool_)
    for frame, objects in truth.items():
        first, last = np.searchsorted(position, [frame, frame + 1])
        hits[first:last] = match_frame(boxes[first:last], objects)
    return hits


def match_frame(boxes: DoubleArray, objects: DoubleArray) -> BoolArray:
    """Tell which detections of one frame and class are true positives.

    Args:
        boxes: `(D, 4)` xmin, ymin, xmax, ymax, best score first.
        objects: `(G, 4)`, likewise; on equal IoU the first is taken.

    Returns:
        `(D,)`; a second detection of a taken object is no true positive.
    """
    iou = inclusive_iou(boxes, objects)
    width, height = _sides(objects)
    tolerated = (width + PIXEL_TOLERANCE) * (height + PIXEL_TOLERANCE)
    threshold = np.minimum(IOU_THRESHOLD, width * height / tolerated)
    iou[iou < threshold] = -1
    hits = np.zeros(len(boxes), np.bool_)
    for i in np.flatnonzero((iou >= 0).any(axis=1)):
        best = int(np.argmax(iou[i]))
        if iou[i, best] >= 0:
            hits[i] = True
            iou[:, best] = -1
    return hits


def inclusive_iou(first: DoubleArray, second: DoubleArray) -> DoubleArray:
    """Give the `(N, M)` IoU of boxes whose last pixel belongs to them."""
    left_top = np.maximum(first[:, None, :2], second[None, :, :2])
    right_bottom = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap_sides = np.maximum(right_bottom - left_top + 1, 0)
    overlap = overlap_sides[..., 0] * overlap_sides[..., 1]
    areas = [np.multiply(*_sides(boxes)) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - overlap
    # A file may hold a box turned inside out, whose area means nothing: IoU 0.
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=overlap > 0)


def _sides(boxes: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    return boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1


def average_precision(hits: BoolArray, num_objects: int) -> float:
    """Give the area under the monotone precision envelope (VOC 2010).

    Args:
        hits: `(N,)` whether each detection is a true positive, best score first.
        num_objects: objects to be found, at least 1.
    """
    if not len(hits):
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall rises by 1 / num_objects at each true positive and nowhere else.
    return float(envelope[hits].sum() / num_objects)


def report_values(scores: VidScores) -> dict[str, Any]:
    """Give the scores ready for JSON; a mean over no class is None."""
    values = dataclasses.asdict(scores)
    if math.isnan(scores.mean_ap):
        values["mean_ap"] = None
    return values


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m vod.evaluation", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("results", type=Path, help="VID result file, plain or .gz")
    parser.add_argument("root", type=Path, help="folder with Annotations and ImageSets")
    parser.add_argument("--image-set", default="val", help="name of the list (val)")
    parser.add_argument("--report", type=Path, help="also write the scores as JSON")
    arguments = parser.parse_args(argv)
    try:
        with reserved_report(arguments.report) as write_report:
            dataset = read_dataset(arguments.root, arguments.image_set)
            scores = evaluate(dataset, read_submission(arguments.results))
            write_report(report_values(scores))
    except VodError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(scores.table())
    return 0


def evaluate_either(
    ground_truth: Any, predictions: Any, **options: Any
) -> Scores | VidScores:
    """Score under the new types, or the old ones while callers still have them."""
    if isinstance(ground_truth, VidDataset):
        return evaluate(ground_truth, predictions)
    return scoring.evaluate(ground_truth, predictions, **options)
