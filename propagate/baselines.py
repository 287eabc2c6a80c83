"""Score what people use instead of flow: the detector on key frames, a tracker between.

`python -m propagate.baselines --data ROOT --split val --keyframe-interval 10 --tracker
kalman medianflow --report out.json` gives mAP, recovery and ms a frame, comparable with
`python -m propagate.evaluate`: same detector, key frames, scores and protocol.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from propagate.config import (
    NO_FLOW,
    PipelineConfig,
    build_parts,
    load_pipeline_config,
)
from propagate.evaluate import SCORE_THRESHOLD
from propagate.followers import FOLLOWERS, Follower
from propagate.keyframes import FixedInterval
from propagate.parts import FrameResult, Parts
from propagate.stages import detect, resize, result_of
from propagate.timing import StageTimer
from propagate.tracked import Tracked
from propagate.ways import Found, read_snippet
from propagate.worth import recovery, worth_of
from vod.class_map import ClassMap
from vod.command import print_errors
from vod.config import to_mapping
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError
from vod.files import reserved_report
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import relabelled
from vod.types import Detections, Frame

HOLD: Final = "hold"


def track_video(
    parts: Parts, frames: Iterable[Frame], *, follower: Follower, interval: int
) -> Iterator[FrameResult]:
    """Yield one result a frame: detected on key frames, followed in between.

    Scores and classes stay those of the key frame.

    Args:
        parts: the detector and its post-processing; its flow is not used.
        frames: of one video, in order.
        follower: fresh, of the object trackers.
        interval: every so many frames are key frames.
    """
    tracked: Tracked | None = None
    for position, frame in enumerate(frames):
        if tracked is None or position % interval == 0:
            shown = resize(parts, frame)
            tracked = detect(parts, frame, shown, parts.postprocess.score_threshold)[1]
            with parts.timer.stage("follow"):
                follower.restart(frame, tracked.detections)
            yield result_of(parts, frame, tracked, key_frame=True)
            continue
        with parts.timer.stage("follow"):
            boxes = follower.follow(frame)
        moved = replace(tracked.detections, boxes=boxes)
        tracked = replace(tracked.held(), detections=moved)
        yield result_of(parts, frame, tracked)


@dataclass(frozen=True, slots=True)
class Row:
    """What one tracker is worth at one interval.

    Attributes:
        tracker: name in `FOLLOWERS`.
        keyframe_interval: frames from one key frame to the next; 1: detected each.
        map: mean average precision, ImageNet VID's protocol.
        recovery: see `propagate.worth.recovery`; None for holding and interval 1.
        flicker_per_second: see `propagate.worth.Worth`.
        ms_per_frame: wall time of all but decoding, mean over the frames.
        cpu_ms_per_frame: likewise, of all threads together; other programs on the
            machine hardly change it.
        follow_ms: wall time of the tracker alone, mean over the frames.
        ap: by class.
    """

    tracker: str
    keyframe_interval: int
    map: float
    recovery: float | None
    flicker_per_second: float | None
    ms_per_frame: float
    cpu_ms_per_frame: float
    follow_ms: float
    ap: dict[str, float]


def score_trackers(
    config: PipelineConfig,
    truth: GroundTruth,
    *,
    trackers: Sequence[str],
    intervals: Sequence[int],
) -> list[Row]:
    """Score every tracker at every interval, after holding and detecting every frame.

    Args:
        config: its detector and post-processing are used.
        truth: videos with boxes and pictures.
        trackers: names in `FOLLOWERS`.
        intervals: of key frames, 1 or more.

    Raises:
        ConfigError: an interval below 1.
        AnnotationError: there is no object to score.
    """
    for interval in intervals:
        FixedInterval(interval)
    if not truth.num_objects:
        raise AnnotationError("the chosen videos hold no object: nothing to score.")
    flow = replace(config.flow, name=NO_FLOW)
    parts = build_parts(replace(config, flow=flow))
    every = _score(parts, truth, tracker=HOLD, interval=1)
    rows = [every]
    for interval in intervals:
        if interval == 1:
            continue
        hold = _score(parts, truth, tracker=HOLD, interval=interval)
        rows.append(hold)
        for tracker in dict.fromkeys(trackers):
            if tracker == HOLD:
                continue
            row = _score(parts, truth, tracker=tracker, interval=interval)
            rows.append(_with_recovery(row, hold=hold, every=every))
    return rows


def _with_recovery(row: Row, *, hold: Row, every: Row) -> Row:
    share = recovery(row.map, hold=hold.map, every_frame=every.map)
    return replace(row, recovery=share)


def _score(parts: Parts, truth: GroundTruth, *, tracker: str, interval: int) -> Row:
    """Run one tracker over all videos."""
    parts = replace(parts, timer=StageTimer())
    labels = ClassMap.between(parts.detector.classes, truth.classes).labels
    found: dict[int, Detections] = {}
    keys, wall, cpu = 0, 0.0, 0.0
    for _, rows in truth.videos():
        frames = read_snippet([truth.image_path(row) for row in rows])
        clock = _Clock(frames)
        results = track_video(
            parts, clock, follower=FOLLOWERS[tracker](), interval=interval
        )
        for index, result in zip(
            truth.frame_indices[rows].tolist(), results, strict=True
        ):
            found[index] = relabelled(result.detections, labels)
            keys += result.key_frame
        wall, cpu = wall + clock.wall, cpu + clock.cpu
    worth = worth_of(truth, Found(found, keys))
    count = max(len(found), 1)
    return Row(
        tracker,
        interval,
        worth.mean_ap,
        None,
        worth.flicker,
        1e3 * wall / count,
        1e3 * cpu / count,
        1e3 * parts.timer.seconds.get("follow", 0.0) / count,
        dict(worth.classes),
    )


class _Clock:
    """Passes frames on and counts the time that passes between, not while decoding."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = frames
        self.wall = self.cpu = 0.0

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            wall, cpu = time.perf_counter(), time.process_time()
            yield frame
            self.wall += time.perf_counter() - wall
            self.cpu += time.process_time() - cpu


def format_table(rows: Sequence[Row]) -> str:
    """Give the rows as text."""
    lines = [
        f"{'tracker':<12}{'interval':>9}{'mAP':>8}{'recovery':>10}"
        f"{'flicker/s':>11}{'ms/frame':>10}{'CPU ms':>8}{'follow ms':>11}"
    ]
    for row in rows:
        share = "" if row.recovery is None else f"{row.recovery:.2f}"
        flicker = row.flicker_per_second
        shown = "" if flicker is None else f"{flicker:.2f}"
        lines.append(
            f"{row.tracker:<12}{row.keyframe_interval:>9}{row.map:>8.4f}{share:>10}"
            f"{shown:>11}{row.ms_per_frame:>10.2f}{row.cpu_ms_per_frame:>8.2f}"
            f"{row.follow_ms:>11.2f}"
        )
    return "\n".join(lines) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.baselines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="ROOT", help="folder or COCO json")
    add("--split", default="val", help="name of the list (val)")
    add("--videos", nargs="+", default=[], metavar="NAME", help="score only these")
    add("--keyframe-interval", type=int, nargs="+", default=[10], metavar="N")
    add(
        "--tracker",
        nargs="+",
        choices=FOLLOWERS,
        default=["kalman", "medianflow"],
        help="what moves the boxes between key frames (kalman medianflow)",
    )
    add("--config", type=Path, metavar="FILE.yaml")
    add("--set", action="append", default=[], metavar="A.B=C")
    add("--report", type=Path, metavar="JSON", help="also write the rows")
    return parser


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    threshold = f"postprocess.score_threshold={SCORE_THRESHOLD}"
    config = load_pipeline_config(args.config, [threshold, *args.set])
    with reserved_report(args.report) as write_report:
        truth = read_ground_truth(args.data, args.split, videos=args.videos)
        rows = score_trackers(
            config, truth, trackers=args.tracker, intervals=args.keyframe_interval
        )
        write_report(_report(config, rows))
    sys.stdout.write(format_table(rows))
    return 0


def _report(config: PipelineConfig, rows: Sequence[Row]) -> dict[str, Any]:
    return {"config": to_mapping(config), "rows": [asdict(row) for row in rows]}


if __name__ == "__main__":
    sys.exit(main())
