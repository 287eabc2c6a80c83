"""The old types of ground truth and detections, until their callers have moved on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vod.evaluation import scoring
from vod.evaluation.scores import Scores
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import VID_NAMES, VidDataset, VidPredictions
from vod.predictions import UNKNOWN_AGE, Predictions


def evaluate(ground_truth: Any, predictions: Any, **options: Any) -> Scores:
    """Score under the new types, see `scoring.evaluate`, or under the old ones.

    For the old ones, `ap` holds classes with objects only.
    """
    if isinstance(ground_truth, GroundTruth):
        return scoring.evaluate(ground_truth, predictions, **options)
    if isinstance(predictions, VidPredictions):
        ages = np.full(len(predictions), UNKNOWN_AGE, np.int32)
        columns = (predictions.labels, predictions.scores, predictions.boxes)
        predictions = Predictions(VID_NAMES, predictions.indices, *columns, ages)
    elif not isinstance(predictions, Mapping):
        raise TypeError(f"no detections: {type(predictions).__name__}.")
    scores = scoring.evaluate(_columns(ground_truth), predictions, **options)
    return replace(scores, ap={n: ap for n, ap in scores.ap.items() if ap is not None})


def _columns(dataset: VidDataset) -> GroundTruth:
    frames = dataset.frames
    snippet_of = {name: place for place, name in enumerate(dataset.snippets)}
    counts = [len(frame.labels) for frame in frames]
    objects = sum(counts)
    return GroundTruth(
        classes=VID_NAMES,
        snippets=tuple(snippet_of),
        frame_snippets=np.array([snippet_of[f.snippet] for f in frames], np.int32),
        frame_numbers=np.array([f.frame for f in frames], np.int32),
        frame_indices=np.array([f.index for f in frames], np.int64),
        frame_sizes=np.zeros((len(frames), 2), np.int32),
        image_names=tuple(str(frame.image_path) for frame in frames),
        image_root=Path(),
        object_frames=np.repeat(np.arange(len(frames), dtype=np.int32), counts),
        boxes=np.concatenate([np.zeros((0, 4)), *(f.boxes for f in frames)]),
        labels=np.concatenate([np.zeros(0, np.int32), *(f.labels for f in frames)]),
        track_ids=np.concatenate(
            [np.zeros(0, np.int32), *(f.track_ids for f in frames)]
        ),
        occluded=np.zeros(objects, np.bool_),
        generated=np.zeros(objects, np.bool_),
    )
