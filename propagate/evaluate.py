"""Score the whole frame path on videos with boxes, in ImageNet VID's layout.

`python -m propagate.evaluate --data ROOT --keyframe-interval 1 5 10 20 --flow none
lightflow` answers what propagation is worth: mAP for every flow and interval.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from propagate.config import (
    HOLD,
    PipelineConfig,
    build_parts,
    load_pipeline_config,
    with_interval,
)
from propagate.keyframes import FixedInterval
from propagate.pipeline import Parts, detect_video
from vod.class_map import ClassMap
from vod.config import to_mapping
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError, VideoError, VodError
from vod.evaluation import evaluate
from vod.files import reserved_report
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import relabelled
from vod.types import Detections, Frame

SCORE_THRESHOLD = 0.05  # a precision-recall curve needs weak detections too


def read_snippet(paths: Sequence[Path]) -> Iterator[Frame]:
    """Decode the pictures of one snippet.

    Raises:
        VideoError: naming the picture that cannot be read.
    """
    for position, path in enumerate(paths):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise VideoError(f"{path} is missing or not a picture.")
        yield Frame(position, position / 25, picture)


def detect_dataset(
    parts: Parts, truth: GroundTruth, *, progress: str | None = None
) -> dict[int, Detections]:
    """Run every snippet from its first frame on.

    Args:
        parts: the networks and policies.
        truth: videos with their pictures.
        progress: title of a bar on stderr; None for no bar.

    Returns:
        Detections under the labels of `truth` by the frame's index in the list.
    """
    labels = ClassMap.between(parts.detector.classes, truth.classes).labels
    found = {}
    hidden = progress is None or not sys.stderr.isatty()
    with tqdm(total=truth.num_frames, desc=progress, disable=hidden) as bar:
        for _, frames in truth.videos():
            paths = [truth.image_path(frame) for frame in frames]
            indices = truth.frame_indices[frames].tolist()
            results = detect_video(parts, read_snippet(paths))
            for index, result in zip(indices, results, strict=True):
                found[index] = relabelled(result.detections, labels)
                bar.update()
    return found


def recovery(propagated: float, *, hold: float, every_frame: float) -> float | None:
    """Give the share of what holding loses that propagation wins back.

    1 = as good as detecting every frame, 0 = no better than holding the key boxes,
    None where holding loses nothing.
    """
    lost = every_frame - hold
    return (propagated - hold) / lost if lost > 0 else None


def score_flows(
    config: PipelineConfig,
    truth: GroundTruth,
    *,
    flows: Sequence[str],
    intervals: Sequence[int],
) -> list[dict[str, Any]]:
    """Score every flow at every interval.

    Returns:
        One row a combination: `flow`, `keyframe_interval`, `map`, `ap` by class.
    """
    rows = []
    for flow in flows:
        chosen = replace(config, flow=replace(config.flow, name=flow))
        parts = build_parts(chosen)
        for interval in intervals:
            parts = replace(parts, keyframes=FixedInterval(interval))
            found = detect_dataset(parts, truth, progress=f"{flow}, {interval}")
            scores = evaluate(truth, found)
            rows.append(
                {
                    "flow": flow,
                    "keyframe_interval": interval,
                    "map": scores.mean_ap,
                    "ap": {n: ap for n, ap in scores.ap.items() if ap is not None},
                }
            )
    return rows


def add_recovery(rows: list[dict[str, Any]]) -> None:
    """Add `recovery` to rows whose holding and every-frame figures are among them."""
    every = next((r["map"] for r in rows if r["keyframe_interval"] == 1), None)
    holding = {r["keyframe_interval"]: r["map"] for r in rows if r["flow"] == HOLD}
    for row in rows:
        hold = holding.get(row["keyframe_interval"])
        if every is not None and hold is not None and row["flow"] != HOLD:
            row["recovery"] = recovery(row["map"], hold=hold, every_frame=every)


def format_table(rows: list[dict[str, Any]]) -> str:
    """Give the rows as text."""
    lines = [f"{'flow':<16}{'interval':>9}{'mAP':>8}{'recovery':>10}"]
    for row in rows:
        share = row.get("recovery")
        shown = "" if share is None else f"{share:.2f}"
        lines.append(
            f"{row['flow']:<16}{row['keyframe_interval']:>9}{row['map']:>8.4f}"
            f"{shown:>10}"
        )
    return "\n".join(lines) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="ILSVRC2015 VID root")
    parser.add_argument("--image-set", default="val", help="name of the list (val)")
    parser.add_argument("--keyframe-interval", type=int, nargs="+", default=[10])
    parser.add_argument("--flow", nargs="+", default=["lightflow"], metavar="NAME")
    parser.add_argument("--config", type=Path, metavar="FILE.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C")
    parser.add_argument("--report", type=Path, help="also write the rows as JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    threshold = f"postprocess.score_threshold={SCORE_THRESHOLD}"
    try:
        config = load_pipeline_config(args.config, [threshold, *args.set])
        for interval in args.keyframe_interval:
            with_interval(config, interval)
        with reserved_report(args.report) as write_report:
            truth = read_ground_truth(args.data, args.image_set)
            if not truth.num_objects:
                raise AnnotationError(
                    f"{args.data} has no object in the list '{args.image_set}': there "
                    "is nothing to score."
                )
            rows = score_flows(
                config, truth, flows=args.flow, intervals=args.keyframe_interval
            )
            add_recovery(rows)
            write_report({"config": to_mapping(config), "rows": rows})
    except VodError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(format_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
