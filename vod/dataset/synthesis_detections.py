"""Generate detections of a chosen quality for any ground truth."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.errors import ConfigError
from vod.ground_truth import DoubleArray, GroundTruth
from vod.predictions import UNKNOWN_AGE, Predictions
from vod.predictions_writing import BOX_DECIMALS, SCORE_DECIMALS
from vod.types import IntArray

LongArray = npt.NDArray[np.int64]

_DEFAULT_SIZE: Final = (360, 640)  # of pictures whose size is unknown
_LOOSE: Final = 4  # times the jitter, for the second and later boxes of an object
_LOOSE_SHARE: Final = 0.3  # of what is not an object's first box; the rest is clutter
_LOOSE_RIGHT: Final = 0.7  # share of loose boxes that have their object's class
_FOUND_SCORES: Final = (4.0, 2.0)  # beta distributions: first boxes score high,
_LOOSE_SCORES: Final = (1.2, 5.0)  # later ones low,
_CLUTTER_SCORES: Final = (1.0, 8.0)  # and clutter lower


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the detections are.

    Attributes:
        recall: share of the objects that get a tight box with a high score.
        jitter: standard deviation of its sides' places, in shares of the object's own.
        confusion: share of these boxes that get a class at random.

    Raises:
        ConfigError: a share outside 0 to 1, or a negative jitter.
    """

    recall: float = 0.8
    jitter: float = 0.08
    confusion: float = 0.05

    def __post_init__(self) -> None:
        if not (0 <= self.recall <= 1 and 0 <= self.confusion <= 1):
            raise ConfigError(
                "recall and confusion are shares, 0 to 1; received "
                f"{self.recall:g} and {self.confusion:g}."
            )
        if not 0 <= self.jitter < np.inf:
            raise ConfigError(
                f"jitter must be a number of at least 0, received {self.jitter:g}."
            )


def synthesise_predictions(
    ground_truth: GroundTruth, count: int, quality: Quality, seed: int = 0
) -> Predictions:
    """Generate exactly `count` detections, frame after frame in the order of the list.

    First come tight boxes of the found objects; the rest are loose boxes of any object
    and, for the most part, clutter. Numbers have the decimals that
    `write_submission_lines` keeps, so that the file holds exactly these detections. At
    recall 1, jitter 0 and confusion 0, as many detections as objects are the objects.

    Raises:
        ConfigError: a negative count.
    """
    if count < 0:
        raise ConfigError(f"a number of detections is at least 0, received {count}.")
    rng = np.random.default_rng([seed, 1])
    rows, num_found, num_near = _chosen_objects(rng, ground_truth, count, quality)
    labels = ground_truth.labels[rows]
    wrong = rng.random(num_near)
    wrong[:num_found] = wrong[:num_found] < quality.confusion
    wrong[num_found:] = wrong[num_found:] >= _LOOSE_RIGHT
    random_labels = rng.integers(len(ground_truth.classes), size=count, dtype=np.int32)
    labels = np.concatenate(
        [
            np.where(wrong.astype(np.bool_), random_labels[:num_near], labels),
            random_labels[num_near:],
        ]
    )
    clutter = rng.integers(ground_truth.num_frames, size=count - num_near)
    frames = np.concatenate([ground_truth.object_frames[rows], clutter])
    scores = np.concatenate(
        [
            rng.beta(*_FOUND_SCORES, num_found),
            rng.beta(*_LOOSE_SCORES, num_near - num_found),
            rng.beta(*_CLUTTER_SCORES, count - num_near),
        ]
    )
    boxes = np.empty((count, 4))
    jitter = np.repeat(
        [quality.jitter, _LOOSE * quality.jitter], [num_found, num_near - num_found]
    )
    boxes[:num_near] = _shaken(rng, ground_truth.boxes[rows], jitter)
    boxes[num_near:] = _anywhere(rng, ground_truth.frame_sizes, clutter)
    order = np.argsort(frames, kind="stable")
    return Predictions(
        ground_truth.classes,
        ground_truth.frame_indices[frames[order]],
        labels[order],
        scores[order].round(SCORE_DECIMALS),
        boxes[order].round(BOX_DECIMALS),
        np.full(count, UNKNOWN_AGE, np.int32),
    )


def _chosen_objects(
    rng: np.random.Generator, ground_truth: GroundTruth, count: int, quality: Quality
) -> tuple[LongArray, int, int]:
    """Give the object of every detection that has one, found ones first.

    Returns:
        `(num_near,)` rows of objects, the number of found ones, and `num_near`.
    """
    found = np.flatnonzero(rng.random(ground_truth.num_objects) < quality.recall)
    if len(found) > count:
        found = np.sort(rng.permutation(found)[:count])
    num_loose = int((count - len(found)) * _LOOSE_SHARE)
    if not ground_truth.num_objects:
        num_loose = 0
    loose = rng.integers(max(ground_truth.num_objects, 1), size=num_loose)
    rows = np.concatenate([found, loose]).astype(np.int64)
    return rows, len(found), len(rows)


def _shaken(
    rng: np.random.Generator, boxes: DoubleArray, jitter: DoubleArray
) -> DoubleArray:
    """Move every side of the boxes by a normal share of the box's size."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    moved = rng.standard_normal(boxes.shape)
    moved *= jitter[:, None]
    moved *= np.tile(sides, 2)
    moved += boxes
    # A box stays one: its last pixel is not before its first.
    np.maximum(moved[:, 2:], moved[:, :2], out=moved[:, 2:])
    return moved


def _anywhere(
    rng: np.random.Generator, frame_sizes: IntArray, frames: LongArray
) -> DoubleArray:
    """Draw boxes of all sizes inside the pictures."""
    known = np.where(frame_sizes > 0, frame_sizes, _DEFAULT_SIZE)
    picture = known[frames][:, ::-1].astype(np.float64)
    sides = picture * np.exp(-4 * rng.random(picture.shape))
    left_top = (picture - sides) * rng.random(picture.shape)
    sides += left_top
    return np.concatenate([left_top, sides], axis=1)
