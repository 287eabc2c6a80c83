"""AP against the age of the key frame: what propagation costs as a key gets old."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vod.analysis.grouped import grouped_ap
from vod.analysis.numbers import by_name, mean_of_known, or_none
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.ground_truth import DoubleArray, GroundTruth
from vod.predictions import UNKNOWN_AGE, Predictions
from vod.types import IntArray


@dataclass(frozen=True, eq=False, slots=True)
class AgeScores:
    """AP of the frames that lie 0, 1, 2, ... (N) frames behind their key frame.

    Attributes:
        classes: names.
        ap: `(N, C)`, NaN where frames of that age have no object of the class.
        mean_ap: `(N,)` mean over the classes with objects in these frames.
        num_frames: `(N,)`.
        num_objects: `(N,)`.
        unknown_frames: frames whose age is not known, in none of the ages.
    """

    classes: tuple[str, ...]
    ap: DoubleArray
    mean_ap: DoubleArray
    num_frames: tuple[int, ...]
    num_objects: tuple[int, ...]
    unknown_frames: int

    def to_json(self) -> dict[str, Any]:
        """Give one entry an age that has frames."""
        return {
            "ages": [
                {
                    "age": age,
                    "mAP": or_none(self.mean_ap[age]),
                    "AP": by_name(self.classes, self.ap[age]),
                    "frames": frames,
                    "objects": self.num_objects[age],
                }
                for age, frames in enumerate(self.num_frames)
                if frames
            ],
            "unknown_frames": self.unknown_frames,
        }


def by_age(ranking: Ranking, *, key_interval: int | None = None) -> AgeScores:
    """Score the frames of every age apart.

    Args:
        ranking: of all detections.
        key_interval: frames from one key frame to the next, counted from frame 0 of
            every video, for files that do not say; None: what the file says.

    Raises:
        ConfigError: an interval below 1.
    """
    truth = ranking.ground_truth
    if key_interval is None:
        ages = ages_of_frames(truth, ranking.predictions)
    elif key_interval < 1:
        raise ConfigError(f"key_interval must be at least 1, received {key_interval}.")
    else:
        ages = (truth.frame_numbers % key_interval).astype(np.int32)
    count = int(ages.max(initial=-1)) + 1
    of_objects = ages[truth.object_frames]
    ap = grouped_ap(ranking, ages[ranking.frames], of_objects, count)
    frames, objects = (
        tuple(np.bincount(column[column >= 0], minlength=count).tolist())
        for column in (ages, of_objects)
    )
    unknown = int((ages < 0).sum())
    return AgeScores(
        truth.classes, ap, mean_of_known(ap, axis=1), frames, objects, unknown
    )


def ages_of_frames(ground_truth: GroundTruth, predictions: Predictions) -> IntArray:
    """Give the age `(F,)` of every frame, `UNKNOWN_AGE` where it cannot be told.

    A frame's age is that of its detections. A frame without detections takes it from
    its video: from the next frame that has an age if their key frame is not after it,
    else from the last one before, unless that makes it older than any frame with
    detections (then a key frame in between stays unseen).
    """
    truth = ground_truth
    ages = np.full(truth.num_frames, UNKNOWN_AGE, np.int32)
    order = np.argsort(truth.frame_indices, kind="stable")
    told = np.flatnonzero(predictions.ages >= 0)
    at = np.searchsorted(truth.frame_indices[order], predictions.indices[told])
    at = np.minimum(at, truth.num_frames - 1)
    if truth.num_frames:
        listed = truth.frame_indices[order[at]] == predictions.indices[told]
        ages[order[at[listed]]] = predictions.ages[told[listed]]
    oldest = int(ages.max(initial=-1))
    for _, frames in truth.videos():
        in_order = frames[np.argsort(truth.frame_numbers[frames], kind="stable")]
        ages[in_order] = _filled(ages[in_order], truth.frame_numbers[in_order], oldest)
    return ages


def _filled(ages: IntArray, numbers: IntArray, oldest: int) -> IntArray:
    """Fill the ages of one video's frames, in order, that have no detections."""
    known = np.flatnonzero(ages >= 0)
    if not len(known) or len(known) == len(ages):
        return ages
    keys = numbers[known] - ages[known]
    after = np.searchsorted(known, np.arange(len(ages)))
    before = after - 1
    from_next = numbers - keys[np.minimum(after, len(known) - 1)]
    from_last = numbers - keys[np.maximum(before, 0)]
    fits_next = (after < len(known)) & (from_next >= 0)
    fits_last = (before >= 0) & (from_last <= oldest)
    filled = np.select(
        [ages >= 0, fits_next, fits_last], [ages, from_next, from_last], -1
    )
    return filled.astype(np.int32)
