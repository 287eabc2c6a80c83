"""Fit how the scores of carried boxes fall: `python -m propagate.calibrate CLIP...`.

No labels are needed: the detector's own boxes on every frame are the truth. Every clip
is measured with a fit to the other clips, so that the gain shown is one that unknown
clips may expect; the last line is the fit to all, as `--set` values for `run_video.py`.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from propagate.calibration import (
    LEAST_CONFIDENCE,
    CalibrationConfig,
    calibrated_scores,
)
from propagate.config import build_parts, load_pipeline_config
from propagate.keyframes import FixedInterval
from propagate.parts import Parts
from propagate.pipeline import detect_video
from propagate.tracked import Tracked
from propagate.train_data import PairConfig, Pictures, find_clips, read_clip
from vod.boxes import pairwise_iou
from vod.command import log_errors
from vod.errors import ConfigError
from vod.evaluation.average_precision import ap_from_hits
from vod.types import Detections, FloatArray, Frame, IntArray

logger = logging.getLogger(__name__)

INTERVALS: Final = (10, 20)
CONFIDENT: Final = 0.4
"""Score from which a box of the detector counts as true."""

WEAK: Final = 0.05
"""Score from which boxes are carried: a ranking needs weak ones too."""

LEAST_IOU: Final = 0.5
LEAST_OBJECTS: Final = 20
"""True boxes that a clip needs to say anything."""

MOST_CERTAIN: Final = 0.999
"""Scores beyond have log-odds that would outweigh all others."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Followed:
    """What was carried to the frames of one clip (N boxes in all), frame by frame.

    Attributes:
        frames: `(N,)` frame of each box.
        scores: `(N,)` of its key frame.
        labels: `(N,)`.
        ages: `(N,)` frames since.
        confidences: `(N,)` in [0, 1].
        boxes: `(N, 4)`.
        truth: the detector's sure boxes on every frame.
    """

    frames: IntArray
    scores: FloatArray
    labels: IntArray
    ages: IntArray
    confidences: FloatArray
    boxes: FloatArray
    truth: Sequence[Detections]

    @classmethod
    def of(cls, tracked: Sequence[Tracked], truth: Sequence[Detections]) -> "Followed":
        """Join the frames of a clip."""
        every = [frame.detections for frame in tracked]
        counts = [len(found) for found in every]
        return cls(
            np.repeat(np.arange(len(every), dtype=np.int32), counts),
            np.concatenate([found.scores for found in every]),
            np.concatenate([found.labels for found in every]),
            np.concatenate([frame.ages for frame in tracked]),
            np.concatenate([frame.confidences for frame in tracked]),
            np.concatenate([found.boxes for found in every]),
            [found.select(found.scores >= CONFIDENT) for found in truth],
        )

    def worth(self, config: CalibrationConfig) -> FloatArray:
        """Give the calibrated scores `(N,)`."""
        return calibrated_scores(self.scores, self.ages, self.confidences, config)

    def hits(self, scores: FloatArray) -> BoolArray:
        """Say which boxes find an object; better scores choose first."""
        hits = np.zeros(len(scores), np.bool_)
        for frame, truth in enumerate(self.truth):
            rows = np.flatnonzero(self.frames == frame)
            rows = rows[np.argsort(-scores[rows], kind="stable")]
            overlap = pairwise_iou(self.boxes[rows], truth.boxes)
            overlap[self.labels[rows, None] != truth.labels[None]] = 0
            for row, shares in zip(rows, overlap, strict=True):
                if len(shares) and shares.max() >= LEAST_IOU:
                    hits[row] = True
                    overlap[:, shares.argmax()] = 0
        return hits


def average_precision(followed: Followed, config: CalibrationConfig) -> float:
    """Give the mean AP over classes, each weighted by its number of true boxes."""
    scores = followed.worth(config)
    hits = followed.hits(scores)
    labels = np.concatenate([found.labels for found in followed.truth])
    total = 0.0
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        rows = followed.labels == label
        values = scores[rows].astype(np.float64)
        total += int(count) * ap_from_hits(values, hits[rows], int(count))
    return total / len(labels)


def fit(clips: Sequence[Followed]) -> CalibrationConfig:
    """Fit by logistic regression of being right on log-odds, age and doubt.

    Divided by the weight of the log-odds, the weights of age and doubt say how much
    log-odds each of them costs. Neither may raise a score.
    """
    inputs, targets = [], []
    for clip in clips:
        moved = clip.ages > 0
        sure = np.clip(clip.scores, 1 - MOST_CERTAIN, MOST_CERTAIN)
        confidence = np.maximum(clip.confidences, LEAST_CONFIDENCE)
        columns = [np.log(sure / (1 - sure)), -clip.ages, np.log(confidence)]
        inputs.append(np.stack([*columns, np.ones(len(sure))], 1)[moved])
        targets.append(clip.hits(clip.scores)[moved])
    x, hit = np.concatenate(inputs).astype(np.float64), np.concatenate(targets)
    side = np.where(hit, 1.0, -1.0)

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        margin = side * (x @ weights)
        slope = -side * np.exp(-np.logaddexp(0, margin)) / len(x)
        return float(np.mean(np.logaddexp(0, -margin))), x.T @ slope

    found = minimize(
        loss,
        [1.0, 0.0, 0.0, 0.0],
        jac=True,
        bounds=[(0.1, None), (0, None), (0, None), (None, None)],
        method="L-BFGS-B",
    ).x
    return CalibrationConfig(float(found[1] / found[0]), float(found[2] / found[0]))


def follow_clip(
    parts: Parts, pictures: Pictures, truth: Sequence[Detections], interval: int
) -> Followed:
    """Carry boxes through a clip, scores as they are.

    Args:
        parts: the networks.
        pictures: `(T, H, W, 3)`.
        truth: the detector's boxes on every frame.
        interval: of key frames.
    """
    parts = replace(
        parts, keyframes=FixedInterval(interval), mode="causal", calibration=None
    )
    frames = (Frame(index, index / 25, rgb) for index, rgb in enumerate(pictures))
    return Followed.of([r.tracked for r in detect_video(parts, frames)], truth)


def observe(
    parts: Parts, roots: Sequence[Path], intervals: Sequence[int]
) -> dict[str, list[Followed]]:
    """Carry boxes through every clip at or below some paths, at every interval.

    Returns:
        By clip name; clips with fewer than `LEAST_OBJECTS` true boxes are left out.

    Raises:
        VideoError: a clip cannot be read.
    """
    config = PairConfig(score_threshold=WEAK)
    observed = {}
    for path in find_clips(roots):
        clip = read_clip(path, parts.detector, config)
        objects = sum(int((f.scores >= CONFIDENT).sum()) for f in clip.detections)
        logger.info("%s: %d frames, %d boxes", path, len(clip.pictures), objects)
        if objects >= LEAST_OBJECTS:
            observed[str(path)] = [
                follow_clip(parts, clip.pictures, clip.detections, interval)
                for interval in intervals
            ]
    return observed


def table(observed: Mapping[str, Sequence[Followed]], intervals: Sequence[int]) -> str:
    """Measure every clip with the fit to the others, and fit to all.

    Raises:
        ConfigError: fewer than two clips.
    """
    if len(observed) < 2:
        raise ConfigError(
            f"calibration needs 2 clips or more with {LEAST_OBJECTS} objects each; "
            f"{len(observed)} of those given have them."
        )
    plain = CalibrationConfig(0, 0)
    heads = [f"{kind} {n}" for n in intervals for kind in ("AP", "fitted")]
    lines = [f"{'clip':<28}" + "".join(f"{head:>11}" for head in heads)]
    rows = []
    for held_out, clips in observed.items():
        rest = [c for name, cs in observed.items() if name != held_out for c in cs]
        fitted = fit(rest)
        rows.append([average_precision(c, k) for c in clips for k in (plain, fitted)])
        lines.append(_row(Path(held_out).name, rows[-1]))
    lines.append(_row("mean", np.mean(rows, axis=0).tolist()))
    whole = fit([clip for clips in observed.values() for clip in clips])
    lines.append(
        f"--set propagate.calibration.per_frame={whole.per_frame:.4f} "
        f"--set propagate.calibration.doubt={whole.doubt:.3f}"
    )
    return "\n".join(lines) + "\n"


def _row(name: str, values: Sequence[float]) -> str:
    return f"{name:<28}" + "".join(f"{value:>11.4f}" for value in values)


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("clips", type=Path, nargs="+", metavar="CLIP", help="video or folder of frames")
    add("--intervals", type=int, nargs="+", default=list(INTERVALS), metavar="N")
    add("--config", type=Path, metavar="FILE.yaml")
    add("--set", action="append", default=[], metavar="A.B=C")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = [*args.set, f"postprocess.score_threshold={WEAK}"]
    for interval in args.intervals:
        FixedInterval(interval)
    parts = build_parts(load_pipeline_config(args.config, settings))
    if parts.flow is None or parts.travels != "boxes":
        raise ConfigError("calibration needs a flow, and propagate.travels=boxes.")
    observed = observe(parts, args.clips, args.intervals)
    sys.stdout.write(table(observed, args.intervals))
    return 0


if __name__ == "__main__":
    sys.exit(main())
