"""Train LightFlow for propagation, without labels: `python -m propagate.train ...`.

The detector's own boxes on every frame are the target: what the flow carries from one
frame must lie where the detector finds it in another. A careful classical flow teaches
the rest of real pictures, and generated pairs with exact flow keep what was learned
from them. Pictures with boxes, set in motion (`--stills`), and annotated videos
(`--labelled`) add to it, where a batch is given a share of them. Key frames then need
the detector, the others this network alone.

Source: joint training of flow and detection as in Zhu et al., Towards High Performance
Video Object Detection for Mobiles, section 3.4, with a teacher in place of labels.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import keras
import numpy as np

from detector.detector import Detector
from detector.registry import load_detector
from flow.lightflow import (
    OUTPUT_STRIDE,
    LightFlowConfig,
    build_lightflow,
    fold_lightflow,
    read_lightflow,
    unfold_lightflow,
)
from flow.synthetic.textures import read_textures
from flow.train.run import write_weights
from propagate.adapter.train import train_maps
from propagate.adapter.train_config import MapsTrainConfig
from propagate.agreement import agreement, input_side
from propagate.joint.batches import JointBatches
from propagate.joint.config import JointTrainConfig
from propagate.joint.material import Material
from propagate.joint.model import JointModel
from propagate.labelled import SPLIT, read_labelled
from propagate.refine.stills import read_annotated
from propagate.train_data import Clip, read_clips
from vod.command import log_errors
from vod.config import load_config, to_mapping
from vod.errors import ConfigError
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.command import add_run_options, set_up_process
from vod.fitting.loop import fit_by_number
from vod.fitting.optimizer import averaging_adamw
from vod.training import refuse_interrupted
from vod.weights import read_record

logger = logging.getLogger(__name__)

WANTED: Final = {"generated": "images", "pseudo": "stills", "labelled": "labelled"}
"""Option that says where pairs of a kind come from."""


def train(
    config: JointTrainConfig,
    *,
    material: Material,
    init: Path,
    out: Path,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        material: what is learnt from.
        init: weights folder of LightFlow to start from.
        out: gets log.csv, config.json, backups and weights.
        resume: go on from the backup in `out`.

    Raises:
        ConfigError: `out` holds an interrupted run, or something to learn from is
            missing.
        TrainingError: the loss is no longer a number.
        WeightsError: `init` is not LightFlow.
    """
    if not resume:
        refuse_interrupted(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    size = input_side(material.clips[0], config.input_share)
    cells = -(-size // OUTPUT_STRIDE)
    trained, network = read_lightflow(init)
    model = _compiled(config, trained, network, size)
    sources = material.sources(config, size=size, cells=cells)
    generated = material.generated(config, size)
    batches = JointBatches(sources, generated, config, cells=cells)
    origin = (
        f"propagate.train on {len(material.clips)} clips, seed {config.seed}, "
        f"continuing: {read_record(init, network='lightflow').origin}"
    )

    def measure(model: keras.Model) -> dict[str, float]:
        return agreement(
            model.network,
            material.held_out,
            transport=config.transport,
            share=config.input_share,
            passes=config.passes,
        )

    def write(model: keras.Model) -> None:
        _write(model, out / "weights", network, origin)

    if material.held_out:
        logger.info("before training: %s", _shown(measure(model)))
    schedule = config.schedule
    callbacks = run_callbacks(
        schedule,
        out,
        FollowStep(batches),
        Snapshot(measure, write, minutes=config.snapshot_minutes),
        resume=resume,
    )
    fit_by_number(model, batches, schedule, callbacks)
    # The averaged weights are in place now.
    write(model)
    if material.held_out:
        figures = measure(model) | {"steps": float(model.optimizer.iterations)}
        (out / "result.json").write_text(json.dumps(figures, indent=1) + "\n")
        logger.info("after training: %s", _shown(figures))
    return out / "weights"


def _shown(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())


def _compiled(
    config: JointTrainConfig, trained: keras.Model, network: LightFlowConfig, size: int
) -> JointModel:
    folded = build_lightflow(network, size, size, folded=True)
    folded.set_weights(fold_lightflow(trained, network, size, size).get_weights())
    model = JointModel(folded, config.transport, config.box_weight, config.passes)
    blank = np.zeros((1, size, size, 3), np.float32)
    model((blank, blank))  # Keras' backups want a model that has run once
    optimizer = averaging_adamw(
        folded.trainable_variables,
        rate=config.schedule.peak,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    return model


def _write(
    model: keras.Model, folder: Path, network: LightFlowConfig, origin: str
) -> None:
    unfolded = unfold_lightflow(model.network, network)
    write_weights(unfolded, folder, network, origin)


def _read(
    args: argparse.Namespace, config: JointTrainConfig, teacher: Detector
) -> Material:
    bank = None
    if config.generated:
        bank = read_textures(
            args.images, limit=config.images, longest_side=512, seed=config.seed
        )
    labelled: list[Clip] = []
    for root in args.labelled if config.labelled else ():
        labelled += read_labelled(
            root, teacher.preprocessing, split=args.split, most=config.labelled_clips
        )
    return Material(
        read_clips(args.videos, teacher, config.pairs),
        read_clips(args.held_out, teacher, config.pairs),
        bank,
        read_annotated(args.stills, teacher) if config.pseudo else (),
        labelled,
    )


def _train_maps(args: argparse.Namespace) -> None:
    config = load_config(MapsTrainConfig, args.config, args.set)
    if not args.resume:
        refuse_interrupted(args.out)
    teacher = load_detector(config.detector)
    clips = [
        read_clips(paths, teacher, config.pairs)
        for paths in (args.videos, args.held_out)
    ]
    train_maps(
        config,
        teacher,
        clips=(clips[0], clips[1]),
        init=args.init,
        out=args.out,
        resume=args.resume,
    )


def _train_flow(args: argparse.Namespace) -> None:
    config = load_config(JointTrainConfig, args.config, args.set)
    if not args.resume:
        refuse_interrupted(args.out)  # reading clips may take minutes
    if args.init is None:
        raise ConfigError("--init must name LightFlow's weights folder to start from.")
    for name, source in WANTED.items():
        if getattr(config, name) and not getattr(args, source):
            raise ConfigError(f"{name} pairs need --{source}, or set {name}=0.")
    train(
        config,
        material=_read(args, config, load_detector(config.detector)),
        init=args.init,
        out=args.out,
        resume=args.resume,
    )


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    folders = partial(add, type=Path, action="append", default=[], metavar="FOLDER")
    add(
        "--what",
        choices=("flow", "maps"),
        default="flow",
        help="LightFlow for carried boxes, or the adapter of warped maps (flow)",
    )
    add("--config", type=Path, required=True)
    folders("--videos", required=True, help="of videos or frames, or one of these")
    folders("--held-out", help="videos that are measured on")
    folders("--images", help="photographs for generated pairs")
    folders("--stills", help="pictures with boxes: instances.json, split train")
    folders("--labelled", help="annotated videos with track ids, ImageNet VID's layout")
    add("--split", default=SPLIT, help=f"list of frames in --labelled ({SPLIT})")
    add("--init", type=Path, metavar="FOLDER", help="LightFlow's weights to start from")
    add_run_options(parser)
    return parser


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    args = build_parser().parse_args(argv)
    set_up_process()
    run = _train_maps if args.what == "maps" else _train_flow
    run(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
