"""Read detections, whatever kind of file holds them."""

from pathlib import Path

from vod.errors import AnnotationError
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions
from vod.predictions_coco import read_coco_results
from vod.predictions_json_lines import read_json_lines
from vod.predictions_submission import read_submission_lines
from vod.text_blocks import first_character


def read_predictions(path: Path, ground_truth: GroundTruth) -> Predictions:
    """Read the detections of a file, plain or gzip, for a ground truth.

    The first character tells the format: `[` begins COCO results, `{` our JSON lines,
    anything else ILSVRC submission lines. An empty file is a result without detections.
    A folder holds JSON lines, a file for each snippet.

    Returns:
        Detections in the order of the file, labelled by position in
        `ground_truth.classes`; the file's classes that it lacks come behind. Nothing
        else is changed, dropped or sorted: frames that the ground truth does not list,
        boxes outside the picture or with xmax < xmin, and repeated lines stay.

    Raises:
        AnnotationError: naming the file and line that cannot be read: a score that is
            not finite, a class number out of range, a file cut short.
    """
    if path.is_dir():
        return read_json_lines(path, ground_truth)
    match first_character(path):
        case "[":
            return read_coco_results(path, ground_truth)
        case "{":
            return read_json_lines(path, ground_truth)
        case "" if ".json" in path.name:
            raise AnnotationError(
                f"{path} line 1: the file is empty; JSON has at least its brackets."
            )
        case _:
            return read_submission_lines(path, ground_truth.classes)
