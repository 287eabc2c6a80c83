"""Fit LightFlow to your own videos, without labels: `python -m propagate.tune CLIP...`.

The training of `propagate.train` on the given clips for a few minutes, from the shipped
weights on. The last fifth of every clip is never trained on: there, the share of the
detector's boxes that boxes carried along the flow still hit is measured before and
after. Weights that do not raise it are not handed over.
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from detector.registry import load_detector
from flow.export import export_lightflow
from flow.lightflow import read_lightflow
from flow.registry import SHIPPED_WEIGHTS
from flow.synthetic.textures import TextureBank
from propagate.agreement import AGES, CONFIDENT, agreement
from propagate.train import JointTrainConfig, read_clips, train
from propagate.train_data import Clip
from vod.config import load_config
from vod.errors import ConfigError, VideoError, VodError
from vod.weights import read_record

logger = logging.getLogger(__name__)

SHIPPED: Final = "shipped"
HELD_OUT_SHARE: Final = 0.2
LEAST_HELD_OUT: Final = max(AGES) + 2
"""Frames: room for a box to be carried to the greatest age, twice."""

LEAST_FRAMES: Final = 3 * LEAST_HELD_OUT
MOST_TEXTURES: Final = 200

SETTINGS: Final = (
    "box_weight=10",  # as in configs/propagate/joint.yaml
    "synthetic.motion_scale=[0.2, 1.6]",
    # Few steps from good weights: a gentler rate and a shorter average.
    "schedule.peak=0.0002",
    "schedule.warmup_steps=20",
    "schedule.steps_per_epoch=100",
    "average=0.99",
    "pairs.max_frames=900",  # 0.25 MB each
)
"""What differs from the defaults of `JointTrainConfig`; `--set` overrides it."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning has brought.

    Attributes:
        before: agreement on the held-out parts, see `propagate.agreement`.
        after: the same with the tuned weights.
        weights: folder ready for `flow.weights`; None where they are no better.
    """

    before: dict[str, float]
    after: dict[str, float]
    weights: Path | None


def split(clip: Clip) -> tuple[Clip, Clip]:
    """Give the part of a clip to train on, and its end, which is held out.

    Raises:
        VideoError: it is too short for both.
    """
    count = len(clip.pictures)
    if count < LEAST_FRAMES:
        raise VideoError(
            f"{clip.name} has {count} frames; tuning needs {LEAST_FRAMES} or more."
        )
    cut = count - max(round(HELD_OUT_SHARE * count), LEAST_HELD_OUT)
    return (
        Clip(clip.name, clip.pictures[:cut], clip.detections[:cut]),
        Clip(clip.name, clip.pictures[cut:], clip.detections[cut:]),
    )


def score(figures: Mapping[str, float]) -> float:
    """Give the one figure that must rise: mean agreement over the ages measured."""
    return float(np.mean([figures[f"carried_{age}"] for age in AGES]))


def tune(
    clips: Sequence[Clip], *, init: Path, out: Path, config: JointTrainConfig
) -> Tuned:
    """Train on clips, and hand over what is better on their held-out ends.

    Args:
        clips: with the detector's boxes; the pictures also texture generated pairs.
        init: weights folder to start from.
        out: empty or new; gets the weights with their graph, and `training/`.
        config: of the training.

    Raises:
        ConfigError: `out` holds something already.
        VideoError: a clip is too short, or the detector finds too little.
        WeightsError: `init` is not LightFlow.
    """
    check_folders(init, out)
    seen, held_out = zip(*map(split, clips), strict=True)
    for part, name in ((seen, "to train on"), (held_out, "held out")):
        _check_objects(part, name)
    start = read_lightflow(init)[0]
    before = agreement(start, held_out, transport=config.transport)
    pictures = np.concatenate([clip.pictures for clip in seen])
    stride = -(-len(pictures) // MOST_TEXTURES)
    training = out / "training"
    trained = train(
        config,
        clips=seen,
        held_out=held_out,
        bank=TextureBank(list(pictures[::stride])),
        init=init,
        out=training,
    )
    # Of the weights as stored: the values on disk are rounded.
    after = agreement(read_lightflow(trained)[0], held_out, transport=config.transport)
    report = {"before": before, "after": after}
    (out / "agreement.json").write_text(json.dumps(report, indent=1) + "\n")
    if score(after) <= score(before):
        return Tuned(before, after, None)
    side = (pictures.shape[1] + 1) // 2
    export_lightflow(trained, height=side, width=side)
    for file in list(trained.iterdir()):
        file.replace(out / file.name)
    return Tuned(before, after, out)


def check_folders(init: Path, out: Path) -> None:
    """Refuse a training that could not begin or end.

    Raises:
        ConfigError: `out` holds something already.
        WeightsError: `init` holds no LightFlow.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is in use. Choose a new folder as --out.")
    read_record(init, network="lightflow")


def _check_objects(clips: Sequence[Clip], part: str) -> None:
    """Refuse clips in which there is nothing to follow."""
    frames = [found for clip in clips for found in clip.detections]
    if not any((found.scores >= CONFIDENT).any() for found in frames):
        names = ", ".join(clip.name for clip in clips)
        raise VideoError(
            f"the detector finds no object in the part of {names} that is {part} "
            f"({len(frames)} frames): there is nothing to tune for. Use clips with "
            "objects that it knows."
        )


def format_table(tuned: Tuned) -> str:
    """Give the figures as text, and what became of the weights."""
    lines = [
        f"{'agreement on the last fifth':<28}{'held':>8}{'before':>8}{'after':>8}",
        *(
            f"{f'after {age} frames':<28}{tuned.before[f'held_{age}']:>8.3f}"
            f"{tuned.before[f'carried_{age}']:>8.3f}"
            f"{tuned.after[f'carried_{age}']:>8.3f}"
            for age in AGES
        ),
    ]
    if tuned.weights is None:
        lines.append(
            "The tuned weights are no better on what they were not trained on: they "
            "are not handed over. Keep the ones you had; more minutes or more varied "
            "clips may help."
        )
    else:
        lines.append(
            "Use them: run_video.py CLIP --flow lightflow --set "
            f"flow.weights={tuned.weights}"
        )
    return "\n".join(lines) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.tune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 done, also where the weights are no better (the table "
        "says so, and no record.json is in DIR), 1 something was wrong, 2 usage",
    )
    add = parser.add_argument
    add("clips", type=Path, nargs="+", metavar="CLIP", help="video or folder of frames")
    add("--out", type=Path, required=True, metavar="DIR", help="new folder for weights")
    add("--minutes", type=float, default=5.0, help="of training (5)")
    add(
        "--init",
        default=SHIPPED,
        metavar="DIR",
        help=f"weights folder to start from ({SHIPPED})",
    )
    add("--set", action="append", default=[], metavar="A.B=C", help="training config")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the exit codes in `--help`."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(1)  # threads inside small pictures only take time from training
    settings = [*SETTINGS, f"schedule.minutes={args.minutes}", *args.set]
    shipped = args.init == SHIPPED
    init = SHIPPED_WEIGHTS / "lightflow" if shipped else Path(args.init)
    try:
        config = load_config(JointTrainConfig, None, settings)
        check_folders(init, args.out)
        detector = load_detector(config.detector)
        clips = read_clips(args.clips, detector, config.pairs)
        tuned = tune(clips, init=init, out=args.out, config=config)
    except VodError as error:
        logger.error("%s", error)
        return 1
    sys.stdout.write(format_table(tuned))
    return 0


if __name__ == "__main__":
    sys.exit(main())
