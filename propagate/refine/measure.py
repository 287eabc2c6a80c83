"""What refining is worth, without labels: agreement with the detector everywhere."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from flow.field import FlowField
from propagate.agreement import CONFIDENT, hits
from propagate.refine.refiner import BoxRefiner
from propagate.refine.subjects import flows_of
from propagate.tracked import Tracked
from propagate.train_data import Clip
from propagate.transport_config import TransportConfig

AGES: Final = (5, 10, 20)
STARTS: Final = 6
"""Every so many frames serve as a key frame."""


class RefinedAgreement:
    """Measures boxes carried by DIS ultrafast, with and without corrections."""

    def __init__(
        self,
        clips: Sequence[Clip],
        transport: TransportConfig,
        *,
        every: int,
        flows: Callable[[Clip], list[FlowField]] | None = None,
    ) -> None:
        """Take what to measure on.

        Args:
            clips: with the detector's boxes.
            transport: how boxes are carried.
            every: frames between two corrections.
            flows: gives a clip's flow of every frame but the first to the one before
                it; None is DIS ultrafast.
        """
        estimate = flows or (lambda clip: flows_of(clip, "ultrafast"))
        self._clips = [(clip, estimate(clip)) for clip in clips]
        self._transport, self._every = transport, every

    def __call__(self, refiner: BoxRefiner | None) -> dict[str, float]:
        """Give, by age, the share of the detector's boxes that carried boxes hit.

        A mean over clips; a box hits one of its class at IoU 0.5 or more.
        """
        shares: dict[str, list[float]] = {f"refined_{age}": [] for age in AGES}
        for clip, flows in self._clips:
            found: dict[int, list[float]] = {age: [] for age in AGES}
            for start in range(0, len(clip.pictures) - min(AGES), STARTS):
                self._follow(clip, flows, start, refiner, found)
            for age, values in found.items():
                if values:
                    shares[f"refined_{age}"].append(float(np.mean(values)))
        return {
            name: float(np.mean(values or [0.0])) for name, values in shares.items()
        }

    def _follow(
        self,
        clip: Clip,
        flows: Sequence[FlowField],
        start: int,
        refiner: BoxRefiner | None,
        found: dict[int, list[float]],
    ) -> None:
        size = clip.pictures.shape[1:3]
        first = clip.detections[start]
        first = first.select(first.scores >= CONFIDENT)
        if not len(first):
            return
        tracked = Tracked.fresh(first, start)
        templates = None
        if refiner is not None:
            picture = clip.pictures[start]
            templates = refiner.templates(picture, tracked, frame_size=size)
        for age in range(1, max(AGES) + 1):
            frame = start + age
            if frame >= len(clip.pictures):
                return
            tracked = tracked.carried(
                flows[frame - 1], frame_size=size, config=self._transport
            )
            if refiner is not None and templates and age % self._every == 0:
                since = self._every if age > self._every else None
                tracked = refiner.refined(
                    clip.pictures[frame],
                    tracked,
                    templates,
                    frame_size=size,
                    since=since,
                )
            if age in AGES:
                truth = clip.detections[frame]
                found[age] += hits(tracked.detections.boxes, first, truth)
