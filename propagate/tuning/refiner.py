"""Fit the box refiner to clips, label-free."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from propagate.refine.config import RefineChoice
from propagate.refine.material import Material
from propagate.refine.measure import AGES, RefinedAgreement
from propagate.refine.refiner import NETWORK as NETWORK
from propagate.refine.refiner import config_of, load_box_refiner
from propagate.refine.stills import LEAST_SIDE, SURE, Still
from propagate.refine.train import train
from propagate.refine.train_config import RefinerTrainConfig
from propagate.train_data import Clip
from propagate.tuning.parts import check_folders, split_all
from propagate.tuning.tuned import Measure, Tuned, handed_over

MEASURE: Final = Measure(
    AGES, "carried", "refined", "--set propagate.refine.weights={}"
)
STILL_EVERY: Final = 10
"""Frames between two that serve as pictures with objects, of which one is not there."""

SETTINGS: Final = (
    "draw.videos=0.8",
    # Few steps from good weights: a gentler rate and a shorter average.
    "schedule.peak=0.0003",
    "schedule.warmup_steps=20",
    "schedule.steps_per_epoch=50",
    "average=0.98",
    "clips.max_frames=900",  # 0.27 MB each
)
"""What differs from the defaults of `RefinerTrainConfig`; `--set` overrides it."""


def tune_refiner(
    clips: Sequence[Clip], *, out: Path, config: RefinerTrainConfig
) -> Tuned:
    """Train on clips, and hand over what is better on their held-out ends.

    Args:
        clips: with the detector's boxes.
        out: empty or new; gets the weights with their graphs, and `training/`.
        config: of the training; where it names weights to go on from, their network
            takes the place of its own.

    Raises:
        ConfigError: `out` holds something already.
        VideoError: a clip is too short, or the detector finds too little.
        WeightsError: `config.init` is no refiner.
    """
    check_folders(config.init, out, network=NETWORK)
    seen, held_out = split_all(clips, longest=max(AGES))
    if config.init is not None:
        config = replace(config, network=config_of(config.init))
    measure = RefinedAgreement(held_out, config.transport, every=config.every)
    alone = measure(None)
    carried = {f"carried_{age}": alone[f"refined_{age}"] for age in AGES}
    before = (
        alone
        if config.init is None
        else measure(load_box_refiner(RefineChoice(weights=config.init)))
    )
    material = Material(seen, stills_of(seen))
    trained = train(
        config,
        material.examples(config),
        held_out=(),
        out=out / "training",
        origin=f"propagate.tune on {material}",
    )
    return handed_over(
        carried | before,
        carried | measure(load_box_refiner(RefineChoice(weights=trained))),
        measure=MEASURE,
        out=out,
        export=lambda: trained,  # its graphs are there already
    )


def stills_of(clips: Sequence[Clip]) -> list[Still]:
    """Give some frames of clips as pictures with what the detector is sure of."""
    stills = []
    for clip in clips:
        for picture, found in list(zip(clip.pictures, clip.detections, strict=True))[
            ::STILL_EVERY
        ]:
            sides = np.min(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
            kept = (found.scores >= SURE.score_threshold) & (sides >= LEAST_SIDE)
            if kept.any():
                stills.append(Still(picture, found.boxes[kept]))
    return stills
