"""How well boxes out of warped maps agree with the detector's own; no labels."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.estimator import FlowEstimator
from propagate.agreement import AGES, CONFIDENT, hits
from propagate.stages import warp_maps
from propagate.train_data import Clip

STARTS: Final = 5
"""Every so many frames serve as a key frame."""

CONFIDENTLY: Final = PostprocessConfig(score_threshold=CONFIDENT)


def maps_agreement(
    detector: Detector, flow: FlowEstimator, clips: Sequence[Clip]
) -> dict[str, float]:
    """Give by age, as `agree_5`, ..., the share of boxes that have a counterpart.

    Counted are the sure boxes of the detector on a frame, and those out of the maps
    that were warped to it; a counterpart is of the same class at IoU 0.5 or more.

    Args:
        detector: of both; an `AdaptedDetector` adapts the warped maps.
        flow: what they are warped along.
        clips: with the detector's boxes.
    """
    shares: dict[str, list[float]] = {f"agree_{age}": [] for age in AGES}
    for clip in clips:
        seen = [flow.prepare(picture) for picture in clip.pictures]
        for start in range(0, len(seen) - min(AGES), STARTS):
            image = detector.preprocessing.input_of(clip.pictures[start])
            maps = detector.features(image)
            for age in AGES:
                frame = start + age
                if frame >= len(seen):
                    continue
                found = detector.detect(
                    warp_maps(maps, flow(seen[frame], seen[start]), border="edge"),
                    frame_height=clip.pictures.shape[1],
                    frame_width=clip.pictures.shape[2],
                    postprocess=CONFIDENTLY,
                )
                truth = clip.detections[frame]
                truth = truth.select(truth.scores >= CONFIDENT)
                shares[f"agree_{age}"] += hits(found.boxes, found, truth)
                shares[f"agree_{age}"] += hits(truth.boxes, truth, found)
    return {name: float(np.mean(found or [0.0])) for name, found in shares.items()}
