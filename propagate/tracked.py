"""Detections on their way from a key frame, and where each of them comes from."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from flow.field import FlowField
from propagate.transport import Direction, transport_boxes
from propagate.transport_config import TransportConfig
from vod.boxes import non_maximum_suppression
from vod.provenance import Provenance
from vod.types import Detections, FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Tracked:
    """Detections of one frame with their provenance.

    Attributes:
        detections: boxes may reach beyond the frame.
        key_frames: `(N,)` int32, frame index of the key frame that each comes from; of
            two key frames, the nearer.
        ages: `(N,)` int32, frames between that key frame and this one.
        shifts: `(N,)` float32, pixels that the centre has moved since, step by step.
        confidences: `(N,)` float32 in [0, 1], product over the steps of how well the
            flow inside the box agreed with itself; 1 on the key frame.
    """

    detections: Detections
    key_frames: IntArray
    ages: IntArray
    shifts: FloatArray
    confidences: FloatArray

    @classmethod
    def fresh(cls, detections: Detections, key_frame: int) -> Self:
        """Take what the detector has found in a key frame."""
        count = len(detections)
        return cls(
            detections,
            np.full(count, key_frame, np.int32),
            np.zeros(count, np.int32),
            np.zeros(count, np.float32),
            np.ones(count, np.float32),
        )

    def __len__(self) -> int:
        return len(self.detections)

    @property
    def provenance(self) -> Provenance:
        """Where the rows come from, as results tell it."""
        return Provenance(self.key_frames, self.ages, self.shifts, self.confidences)

    def carried(
        self,
        flow: FlowField,
        *,
        frame_size: tuple[int, int],
        config: TransportConfig,
        direction: Direction = "forward",
    ) -> Self:
        """Follow every box one frame on; see `transport_boxes`."""
        there = transport_boxes(
            self.detections.boxes,
            flow,
            frame_size=frame_size,
            config=config,
            direction=direction,
        )
        found = self.detections
        return type(self)(
            Detections(there.boxes, found.scores, found.labels),
            self.key_frames,
            self.ages + 1,
            self.shifts + there.shift,
            self.confidences * there.agreement,
        )

    def held(self) -> Self:
        """Leave every box where it is, one frame on."""
        return replace(self, ages=self.ages + 1)

    def select(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Self:
        """Give the rows at `keep`, a boolean mask or indices, in that order."""
        return type(self)(
            self.detections.select(keep),
            self.key_frames[keep],
            self.ages[keep],
            self.shifts[keep],
            self.confidences[keep],
        )

    def with_scores(self, scores: FloatArray) -> Self:
        """Give the same boxes with other scores."""
        scored = replace(self.detections, scores=scores.astype(np.float32))
        return replace(self, detections=scored)

    def ranked(self) -> Self:
        """Give the rows best score first."""
        return self.select(np.argsort(-self.detections.scores, kind="stable"))

    def distinct(self, *, iou_threshold: float) -> Self:
        """Keep the best of boxes of a class that overlap more than the threshold."""
        found = self.detections
        return self.select(
            non_maximum_suppression(
                found.boxes, found.scores, found.labels, iou_threshold=iou_threshold
            )
        )

    def shown(
        self, *, frame_size: tuple[int, int], threshold: float, limit: int
    ) -> Self:
        """Give what is put out: in the frame, sure enough, best first.

        A box of which less than `LEAST_INSIDE` is left in the frame has gone.
        """
        clipped, is_inside = inside(self.detections.boxes, frame_size)
        scores, labels = self.detections.scores, self.detections.labels
        kept = np.flatnonzero((scores >= threshold) & is_inside)
        best = kept[np.argsort(-scores[kept], kind="stable")][:limit]
        return type(self)(
            Detections(clipped[best], scores[best], labels[best]),
            self.key_frames[best],
            self.ages[best],
            self.shifts[best],
            self.confidences[best],
        )


LEAST_INSIDE = 0.2
"""Share of a followed box that must be left in the frame."""


def inside(
    boxes: FloatArray, frame_size: tuple[int, int]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Clip `(..., 4)` boxes to a frame; say which have `LEAST_INSIDE` of them there."""
    height, width = frame_size
    limits = np.array([width, height, width, height], np.float32)
    clipped = np.minimum(np.maximum(boxes, 0), limits)
    sides, left = boxes[..., 2:] - boxes[..., :2], clipped[..., 2:] - clipped[..., :2]
    area, seen = sides[..., 0] * sides[..., 1], left[..., 0] * left[..., 1]
    return clipped, (seen >= LEAST_INSIDE * area) & (seen > 0)
