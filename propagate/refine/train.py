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
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import keras

import detector.registry
from detector.registry import load_detector
from detector.train_data import Sample, read_stills, read_unlabelled
from propagate.refine.batches import DrawConfig, Examples, RefinerBatches
from propagate.refine.config import RefineChoice, RefinerConfig
from propagate.refine.export import export_refiner
from propagate.refine.model import compiled
from propagate.refine.network import build_refiner, freeze_blocks, start_from_detector
from propagate.refine.refiner import NETWORK, load_box_refiner
from propagate.refine.stills import read_still_objects
from propagate.refine.subjects import FollowConfig, Subject, subjects_of
from propagate.train import read_clips
from propagate.train_data import Clip, PairConfig
from propagate.transport_config import TransportConfig
from vod.config import load_config, to_mapping
from vod.errors import ConfigError, VodError
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.optimizer import averaging_adamw
from vod.fitting.schedule import ScheduleConfig
from vod.preprocess import Preprocessing
from vod.training import refuse_interrupted
from vod.weights import WEIGHTS_FILE, WeightsRecord, save_model_weights, write_record

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefinerTrainConfig:
    """One training run.

    Attributes:
        detector: registry name of the teacher, whose backbone the trunk starts from.
        network: size of the network.
        clips: how videos are read.
        follow: how the detector's boxes become objects with a past.
        draw: how examples are drawn.
        transport: how boxes are carried.
        schedule: length and learning rate.
        batch_size: examples a step.
        frozen_blocks: the stem and so many of the trunk's blocks stay as they are.
        seed: of all chance.
        weight_decay: decoupled.
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept.
        every: frames between two corrections where agreement is measured.
        snapshot_minutes: least time between two weights folders during training.
    """

    detector: str = "ssd_mobilenet_v1"
    network: RefinerConfig = field(default_factory=RefinerConfig)
    clips: PairConfig = field(default_factory=PairConfig)
    follow: FollowConfig = field(default_factory=FollowConfig)
    draw: DrawConfig = field(default_factory=DrawConfig)
    transport: TransportConfig = field(default_factory=TransportConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    batch_size: int = 64
    frozen_blocks: int = 5
    seed: int = 1
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    average: float = 0.995
    every: int = 5
    snapshot_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.every < 1:
            raise ConfigError("batch_size and every must be 1 or more.")
        if not 0 <= self.frozen_blocks <= self.network.blocks:
            raise ConfigError(
                f"frozen_blocks must lie in 0 to {self.network.blocks}, received "
                f"{self.frozen_blocks}."
            )
        if not 0 < self.average < 1 or self.clip_norm <= 0:
            raise ConfigError("average must lie in (0, 1) and clip_norm be positive.")


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
        ConfigError: `out` holds an interrupted run.
        TrainingError: the loss is no longer a number.
        WeightsError: the detector's folder is damaged or does not fit.
    """
    if not resume:
        refuse_interrupted(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    network = build_refiner(config.network)
    start_from_detector(
        network, detector.registry.weights_folder(config.detector, None)
    )
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

    def write(model: keras.Model) -> None:
        _write(model, out / "weights", config.network, origin)

    compiled(network, optimizer).fit(
        batches,
        epochs=-(-schedule.steps // schedule.steps_per_epoch),
        callbacks=run_callbacks(
            schedule,
            out,
            FollowStep(batches),
            Snapshot(lambda _: {}, write, minutes=config.snapshot_minutes),
            resume=resume,
        ),
        verbose=0,
        shuffle=False,  # a resumed run goes on with the batches that come next
    )
    write(network)  # `fit` has left the averaged weights in place
    export_refiner(out / "weights")
    if held_out:
        _report(config, held_out, out)
    return out / "weights"


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
    add("--out", type=Path, required=True)
    add("--set", action="append", default=[], metavar="KEY=VALUE")
    add("--resume", action="store_true")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(1)  # threads inside small pictures only take time from training
    try:
        config = load_config(RefinerTrainConfig, args.config, args.set)
        if not args.resume:
            refuse_interrupted(args.out)  # reading clips may take minutes
        teacher = load_detector(config.detector)
        clips = read_clips(args.videos, teacher, config.clips)
        subjects = [_followed(clip, config) for clip in clips]
        samples = _samples(args.stills, args.images, teacher.classes)
        stills = read_still_objects(samples, teacher)
        logger.info(
            "%d objects in %d clips, %d pictures with objects",
            sum(map(len, subjects)),
            len(clips),
            len(stills),
        )
        train(
            config,
            Examples(subjects, stills, config.network, config.draw),
            held_out=read_clips(args.held_out, teacher, config.clips),
            out=args.out,
            origin=f"propagate.refine.train on {len(clips)} clips and {len(stills)} "
            f"pictures, seed {config.seed}; trunk initialised from {config.detector}",
            resume=args.resume,
        )
    except VodError as error:
        logger.error("%s", error)
        return 1
    return 0


def _followed(clip: Clip, config: RefinerTrainConfig) -> list[Subject]:
    found = subjects_of(clip, config.follow, config.transport)
    logger.info("%s: %d objects followed", clip.name, len(found))
    return found


if __name__ == "__main__":
    sys.exit(main())
