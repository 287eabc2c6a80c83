"""Train the box refiner, without labels: `python -m propagate.refine.train ...`.

The detector's boxes on every frame of any videos are the truth; what flow makes of a
key frame's box some frames on is what must be corrected. Pictures with objects (the
detector's own, and annotated ones where there are any) add variety.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import keras

import detector.registry
from detector.detector import Detector
from detector.registry import load_detector
from detector.train_data import Sample, read_stills, read_unlabelled
from propagate.labelled import SPLIT, read_labelled
from propagate.refine.batches import Examples, RefinerBatches
from propagate.refine.config import RefineChoice, RefinerConfig
from propagate.refine.export import export_refiner
from propagate.refine.material import Material
from propagate.refine.model import compiled
from propagate.refine.network import (
    build_refiner,
    freeze_blocks,
    load_refiner,
    start_from_detector,
)
from propagate.refine.refiner import NETWORK, config_of, load_box_refiner
from propagate.refine.stills import read_still_objects
from propagate.refine.train_config import RefinerTrainConfig
from propagate.train_data import Clip, read_clips
from vod.command import log_errors
from vod.config import load_config, to_mapping
from vod.errors import ConfigError
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.command import add_run_options, set_up_process
from vod.fitting.loop import fit_by_number
from vod.fitting.optimizer import averaging_adamw
from vod.preprocess import Preprocessing
from vod.training import refuse_interrupted
from vod.weights import (
    WEIGHTS_FILE,
    WeightsRecord,
    read_record,
    save_model_weights,
    write_record,
)

logger = logging.getLogger(__name__)


def train(
    config: RefinerTrainConfig,
    examples: Examples,
    *,
    held_out: Sequence[Clip],
    out: Path,
    origin: str,
    resume: bool = False,
) -> Path:
    """Train, export, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        examples: what is learnt from.
        held_out: agreement is measured on these at the end; may be empty.
        out: gets log.csv, config.json, backups and weights.
        origin: where the examples come from, for the record.
        resume: go on from the backup in `out`.

    Raises:
        ConfigError: `out` holds an interrupted run, or `init` is of another size.
        TrainingError: the loss is no longer a number.
        WeightsError: the detector's folder is damaged or does not fit.
    """
    if not resume:
        refuse_interrupted(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    network = _network(config)
    freeze_blocks(network, config.frozen_blocks)
    optimizer = averaging_adamw(
        network.trainable_variables,
        rate=config.schedule.peak,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    schedule = config.schedule
    batches = RefinerBatches(
        examples,
        batch_size=config.batch_size,
        steps=schedule.steps_per_epoch,
        seed=config.seed,
    )

    whole = f"{origin}, seed {config.seed}; {_start(config)}"

    def write(model: keras.Model) -> None:
        _write(model, out / "weights", config.network, whole)

    callbacks = run_callbacks(
        schedule,
        out,
        FollowStep(batches),
        Snapshot(lambda _: {}, write, minutes=config.snapshot_minutes),
        resume=resume,
    )
    fit_by_number(compiled(network, optimizer), batches, schedule, callbacks)
    write(network)  # the averaged weights, which are in place now
    export_refiner(out / "weights")
    if held_out:
        _report(config, held_out, out)
    return out / "weights"


def _network(config: RefinerTrainConfig) -> keras.Model:
    """Give what training goes on from."""
    if config.init is not None:
        if config_of(config.init) != config.network:
            raise ConfigError(
                f"{config.init} holds a refiner of another size than `network` says. "
                "State the network as in its record.json."
            )
        return load_refiner(config.init, config.network)
    network = build_refiner(config.network)
    folder = detector.registry.weights_folder(config.detector, None)
    start_from_detector(network, folder)
    return network


def _write(
    network: keras.Model, folder: Path, config: RefinerConfig, origin: str
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_model_weights(network, folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network=NETWORK,
        preprocessing=Preprocessing(config.side, config.side),
        origin=origin,
        licence="Apache-2.0",
        config=to_mapping(config),
    )
    write_record(folder, record)


def _report(config: RefinerTrainConfig, held_out: Sequence[Clip], out: Path) -> None:
    """Measure agreement on clips kept aside, with and without corrections."""
    from propagate.refine.measure import RefinedAgreement

    measure = RefinedAgreement(held_out, config.transport, every=config.every)
    figures = {
        "carried": measure(None),
        "refined": measure(load_box_refiner(RefineChoice(weights=out / "weights"))),
    }
    (out / "result.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, values in figures.items():
        text = ", ".join(f"{key} {value:.4f}" for key, value in values.items())
        logger.info("%s: %s", name, text)


def _start(config: RefinerTrainConfig) -> str:
    """Say what training went on from, for the record."""
    if config.init is None:
        return f"trunk initialised from {config.detector}"
    return f"continuing: {read_record(config.init, network=NETWORK).origin}"


def _samples(
    stills: Sequence[Path], images: Sequence[Path], classes: Sequence[str]
) -> list[Sample]:
    samples: list[Sample] = []
    for folder in stills:
        samples += read_stills(folder, classes, split="train")
    for folder in images:
        samples += read_unlabelled(folder, len(classes))
    return samples


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m propagate.refine.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", type=Path, help="RefinerTrainConfig as YAML")
    add("--videos", type=Path, action="append", required=True, metavar="PATH")
    add("--held-out", type=Path, action="append", default=[], metavar="PATH")
    add(
        "--stills",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="pictures with boxes: instances.json, split train",
    )
    add(
        "--images",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="pictures without boxes",
    )
    add(
        "--labelled",
        type=Path,
        action="append",
        default=[],
        metavar="ROOT",
        help="annotated videos with track ids, in ImageNet VID's layout",
    )
    add("--split", default=SPLIT, help=f"list of frames in --labelled ({SPLIT})")
    add_run_options(parser)
    return parser


def _read(
    args: argparse.Namespace, config: RefinerTrainConfig, teacher: Detector
) -> Material:
    clips = read_clips(args.videos, teacher, config.clips)
    for root in args.labelled:
        clips += read_labelled(
            root, teacher.preprocessing, split=args.split, most=config.labelled_clips
        )
    samples = _samples(args.stills, args.images, teacher.classes)
    return Material(clips, read_still_objects(samples, teacher))


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    args = _parser().parse_args(argv)
    set_up_process()
    config = load_config(RefinerTrainConfig, args.config, args.set)
    if not args.resume:
        refuse_interrupted(args.out)  # reading clips may take minutes
    teacher = load_detector(config.detector)
    material = _read(args, config, teacher)
    train(
        config,
        material.examples(config),
        held_out=read_clips(args.held_out, teacher, config.clips),
        out=args.out,
        origin=f"propagate.refine.train on {material}",
        resume=args.resume,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
