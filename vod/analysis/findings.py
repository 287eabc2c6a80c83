"""What in a result file, or in how people use it, moves its figure unseen."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.analysis.grouped import area_of_places
from vod.analysis.numbers import mean_of_known, or_none
from vod.analysis.ranking import Ranking, rank
from vod.evaluation.matching import among_best, group_numbers
from vod.evaluation.pairs import Placement, place
from vod.evaluation.protocols import DEFAULT_PROTOCOL
from vod.evaluation.scores import Scores
from vod.evaluation.scoring import evaluate
from vod.ground_truth import DoubleArray, GroundTruth
from vod.predictions import Predictions

COCO_LIMIT: Final = 100
VISIBLE: Final = 5e-7
"""Least difference of a figure with six decimals."""

COUNTED: Final[Mapping[str, str]] = {
    "unlisted": "detections are of frames that the list lacks; they are ignored",
    "unknown_class": "detections are of classes that the ground truth lacks; ignored",
    "inverted": "boxes are turned inside out; false positives in the devkit",
    "outside": "boxes reach outside the picture; no protocol clips them",
    "repeated": "lines stand in the file more than once; each repeat is a duplicate",
    "over_limit": f"detections are beyond the best {COCO_LIMIT} of their frame and "
    "class, which COCO drops",
    "tied": "detections share their score with another of their class; sorting must be "
    "stable",
}
"""What is counted, and what that means."""

ASSUMED: Final[Mapping[str, str]] = {
    "ties_best": "if of equal scores the true positives came first",
    "ties_worst": "if of equal scores the false positives came first",
    "rounded": "with scores at 4 decimals and boxes at 2, as DFF and FGFA write them",
    "clipped": "with all boxes clipped to the picture",
}
"""What the devkit's mAP would be, if."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Counts and what-ifs of one file.

    Attributes:
        counts: by a name in `COUNTED`.
        assumed: the devkit's mAP by a name in `ASSUMED`; None without objects, or where
            it cannot be told.
        mean_ap: the devkit's mAP as it is.
    """

    counts: dict[str, int]
    assumed: dict[str, float | None]
    mean_ap: float | None

    def sentences(self) -> list[str]:
        """Say what was found; what is not there, or changes nothing, is not said."""
        said = [
            f"{count} {COUNTED[name]}" for name, count in self.counts.items() if count
        ]
        for name, value in self.assumed.items():
            if value is None or self.mean_ap is None:
                continue
            gain = value - self.mean_ap
            if abs(gain) >= VISIBLE:
                said.append(f"devkit {value:.6f} ({gain:+.6f}) {ASSUMED[name]}")
        return said

    def to_json(self) -> dict[str, Any]:
        """Give counts and what-ifs."""
        return {"counts": self.counts, "devkit_mAP_if": self.assumed}


def find_traps(
    ground_truth: GroundTruth, predictions: Predictions, scores: Scores
) -> Findings:
    """Look for what moves a figure unseen.

    Args:
        ground_truth: the objects.
        predictions: the detections.
        scores: of the default protocol.
    """
    ranking = rank(ground_truth, predictions)
    boxes = predictions.boxes
    placement = place(ground_truth, predictions)
    sizes = _sizes(ground_truth, placement)
    inverted = (boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1])
    outside = (boxes[:, :2] < 0).any(axis=1) & (sizes[:, 0] > 0)
    outside |= ((boxes[:, 2:] > sizes - 1) & (sizes > 0)).any(axis=1)
    groups = group_numbers(ground_truth, placement.frames, placement.labels)
    kept = among_best(groups, predictions.scores, placement.known, COCO_LIMIT)
    counts = {
        "unlisted": scores.num_unlisted,
        "unknown_class": scores.num_unknown,
        "inverted": int((inverted & placement.known).sum()),
        "outside": int((outside & placement.known).sum()),
        "repeated": _repeated(predictions),
        "over_limit": int((~kept).sum()),
        "tied": _tied(ranking),
    }
    assumed = {
        "ties_best": _mean_with_ties(ranking, hits_first=True),
        "ties_worst": _mean_with_ties(ranking, hits_first=False),
        "rounded": _score_rounded(ground_truth, predictions),
        "clipped": _score_clipped(ground_truth, predictions, sizes),
    }
    return Findings(counts, assumed, scores.mean_ap)


def _sizes(ground_truth: GroundTruth, placement: Placement) -> npt.NDArray[np.int32]:
    """Give width and height `(M, 2)` of every detection's picture, 0 where unknown."""
    sizes = np.zeros((len(placement.frames), 2), np.int32)
    listed = placement.frames >= 0
    sizes[listed] = ground_truth.frame_sizes[placement.frames[listed]][:, ::-1]
    return sizes


def _repeated(predictions: Predictions) -> int:
    """Count lines of which the same line stands elsewhere, all but one of each."""
    columns = [
        predictions.indices,
        predictions.labels.astype(np.int64),
        predictions.scores.view(np.int64),
        *(np.ascontiguousarray(side).view(np.int64) for side in predictions.boxes.T),
    ]
    # Equal lines have equal hashes and so stand together once these are sorted.
    digest = np.zeros(len(predictions), np.uint64)
    for column in columns:
        digest = (digest ^ column.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        digest ^= digest >> np.uint64(29)
    order = np.argsort(digest)
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for column in columns:
        same &= np.diff(column[order]) == 0
    return int(same.sum())


def _tied(ranking: Ranking) -> int:
    """Count detections that share their score with another of their class."""
    tied = 0
    for part in ranking.parts():
        _, counts = np.unique(ranking.scores[part], return_counts=True)
        tied += int(counts[counts > 1].sum())
    return tied


def _mean_with_ties(ranking: Ranking, *, hits_first: bool) -> float | None:
    """Give mAP if equal scores were sorted by verdict; verdicts stay as they are."""
    truth = ranking.ground_truth
    objects = np.bincount(truth.labels, minlength=ranking.num_classes).tolist()
    values = []
    for part, count in zip(ranking.parts(), objects, strict=True):
        hits = ranking.objects[part] >= 0
        first = ~hits if hits_first else hits
        order = np.lexsort((first, -ranking.scores[part]))
        values.append(area_of_places(np.flatnonzero(hits[order]) + 1, count))
    return or_none(float(mean_of_known(np.array(values, np.float64))))


def _score_rounded(ground_truth: GroundTruth, predictions: Predictions) -> float | None:
    rounded = dataclasses.replace(
        predictions,
        scores=predictions.scores.round(4),
        boxes=predictions.boxes.round(2),
    )
    return evaluate(ground_truth, rounded, protocol=DEFAULT_PROTOCOL).mean_ap


def _score_clipped(
    ground_truth: GroundTruth, predictions: Predictions, sizes: npt.NDArray[np.int32]
) -> float | None:
    """Give mAP of clipped boxes, None where the size of a picture is not known."""
    if (ground_truth.frame_sizes <= 0).any():
        return None
    last = np.where(sizes > 0, sizes - 1, np.inf)
    boxes: DoubleArray = np.clip(predictions.boxes, 0, np.tile(last, 2))
    clipped = dataclasses.replace(predictions, boxes=boxes)
    return evaluate(ground_truth, clipped, protocol=DEFAULT_PROTOCOL).mean_ap
