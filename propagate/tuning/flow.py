"""Fit LightFlow to clips, label-free."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from flow.export import export_lightflow
from flow.lightflow import read_lightflow
from flow.registry import default_passes, default_share
from flow.synthetic.textures import TextureBank
from propagate.agreement import AGES, agreement, input_side
from propagate.joint.config import JointTrainConfig
from propagate.joint.material import Material
from propagate.train import train
from propagate.train_data import Clip
from propagate.tuning.parts import check_folders, split_all
from propagate.tuning.tuned import Measure, Tuned, handed_over

NETWORK: Final = "lightflow"
MEASURE: Final = Measure(
    AGES, "held", "carried", "--flow lightflow --set flow.weights={}"
)
MOST_TEXTURES: Final = 200

SETTINGS: Final = (
    # As the shipped weights were trained, and as `--flow lightflow` runs them.
    f"input_share={default_share(NETWORK)}",
    f"passes={default_passes(NETWORK)}",
    "box_weight=10",
    "real=5",
    "generated=2",
    "synthetic.motion_scale=[0.2, 1.6]",
    # Few steps from good weights: a gentler rate and a shorter average.
    "schedule.peak=0.0002",
    "schedule.warmup_steps=20",
    "schedule.steps_per_epoch=100",
    "average=0.99",
    "pairs.max_frames=900",  # 0.25 MB each
)
"""What differs from the defaults of `JointTrainConfig`; `--set` overrides it."""


def tune_flow(
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
    check_folders(init, out, network=NETWORK)
    seen, held_out = split_all(clips, longest=max(AGES))

    def measured(folder: Path) -> dict[str, float]:
        # Of the weights as stored: the values on disk are rounded.
        return agreement(
            read_lightflow(folder)[0],
            held_out,
            transport=config.transport,
            share=config.input_share,
            passes=config.passes,
        )

    before = measured(init)
    pictures = [picture for clip in seen for picture in clip.pictures]
    stride = -(-len(pictures) // MOST_TEXTURES)
    trained = train(
        config,
        material=Material(seen, held_out, TextureBank(pictures[::stride])),
        init=init,
        out=out / "training",
    )

    def exported() -> Path:
        side = input_side(clips[0], config.input_share)
        export_lightflow(trained, height=side, width=side)
        return trained

    return handed_over(
        before, measured(trained), measure=MEASURE, out=out, export=exported
    )


def use_with(config: JointTrainConfig) -> Measure:
    """Give how to use weights that were tuned at this size, for so many passes."""
    use = MEASURE.use
    if config.input_share != default_share(NETWORK):
        use += f" --set flow.input_share={config.input_share:g}"
    if config.passes != default_passes(NETWORK):
        use += f" --set flow.passes={config.passes}"
    return replace(MEASURE, use=use)
