"""What refining is worth, without labels: `python -m propagate.refine.measure ...`.

On every frame of the given videos the detector's own boxes are the truth; told is which
share of them boxes still hit that were carried from a key frame 5, 10 and 20 frames
before, as they were carried, and corrected every so many frames.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from detector.registry import load_detector
from flow.field import FlowField
from propagate.agreement import CONFIDENT, hits
from propagate.refine.config import RefineChoice
from propagate.refine.refiner import BoxRefiner, load_box_refiner
from propagate.refine.subjects import flows_of
from propagate.tracked import Tracked
from propagate.train_data import Clip, PairConfig, read_clips
from propagate.transport_config import TransportConfig
from vod.command import log_errors

logger = logging.getLogger(__name__)

AGES: Final = (5, 10, 20)
STARTS: Final = 6
"""Every so many frames serve as a key frame."""


class RefinedAgreement:
    """Measures boxes carried by a flow, with and without corrections.

    Attributes:
        every: frames between two corrections.
    """

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
        self._transport, self.every = transport, every

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
            if refiner is not None and templates and age % self.every == 0:
                since = self.every if age > self.every else None
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


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.refine.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--videos", type=Path, action="append", required=True, metavar="PATH")
    add("--weights", type=Path, metavar="DIR", help="of the refiner (shipped)")
    add("--every", type=_numbers, default=[5], metavar="N,N,...", help="frames (5)")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for every in args.every:
        RefineChoice(every=every)
    refiner = load_box_refiner(RefineChoice(weights=args.weights))
    teacher = load_detector("ssd_mobilenet_v1")
    clips = read_clips(args.videos, teacher, PairConfig())
    measure = RefinedAgreement(clips, TransportConfig(), every=1)
    _show("as carried", measure(None))
    for every in args.every:
        measure.every = every
        _show(f"corrected every {every}", measure(refiner))
    return 0


def _numbers(text: str) -> list[int]:
    return [max(1, int(part)) for part in text.split(",")]


def _show(title: str, figures: dict[str, float]) -> None:
    shares = (f"{figures[f'refined_{age}']:>7.3f}" for age in AGES)
    ages = "/".join(map(str, AGES))
    sys.stdout.write(f"{title:<20} after {ages} frames {''.join(shares)}\n")


if __name__ == "__main__":
    sys.exit(main())
