"""Train LightFlow on synthetic pairs: `python -m flow.train --config FILE ...`."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import keras
from keras.layers import BatchNormalization

from flow.lightflow import (
    LightFlowConfig,
    build_lightflow,
    fold_into,
    read_lightflow,
    unfold_lightflow,
)
from flow.narrowing import narrow_lightflow, take_statistics
from flow.synthetic import SyntheticConfig
from flow.textures import TextureBank, read_textures
from flow.train_callbacks import (
    FollowStep,
    ScheduleConfig,
    Snapshot,
    averaging_adamw,
    run_callbacks,
)
from flow.train_data import SyntheticBatches
from flow.train_measure import (
    end_point_error,
    measure_pairs,
    measure_synthetic,
    training_loss,
)
from vod.config import load_config, to_mapping
from vod.errors import ConfigError, VodError
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

RECORDED_SIZE: Final = 150
"""Flow input stated in the record: half the side of the 300 x 300 detector."""

VALIDATION_SEED_OFFSET: Final = 1_000_003
"""Added to the seed for held-out scenes: none is both trained on and measured."""


@dataclass(frozen=True, slots=True)
class FlowTrainConfig:
    """One training run.

    Attributes:
        network: size of the network.
        synthetic: statistics of the pairs.
        schedule: length and learning rate.
        shapes: height, width and pairs of a batch, taken in turn; the first two must
            differ in every side, or all be equal.
        seed: of all chance.
        images: most photographs held in memory.
        longest_side: photographs are shrunk to this.
        reuse: uses of a scene, each mirrored otherwise, 1 to 4.
        weight_decay: decoupled, of the convolutions' weights only (paper: 4e-5).
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept in the end.
        folded: train without normalisations, which takes half the time on a CPU. They
            are folded into the convolutions of the starting weights first; a random
            start takes their statistics from the first batch.
        validation_pairs: held-out synthetic pairs.
        snapshot_minutes: least time between two weights folders during training.
    """

    network: LightFlowConfig = field(default_factory=LightFlowConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    shapes: tuple[tuple[int, int, int], ...] = ((128, 192, 16), (150, 150, 16))
    seed: int = 1
    images: int = 1200
    longest_side: int = 512
    reuse: int = 4
    weight_decay: float = 4e-5
    clip_norm: float = 1.0
    average: float = 0.999
    folded: bool = False
    validation_pairs: int = 64
    snapshot_minutes: float = 10.0

    def __post_init__(self) -> None:
        if not self.shapes or any(min(shape) < 1 for shape in self.shapes):
            raise ConfigError(
                "shapes must be a list of positive [height, width, pairs]."
            )
        if not 1 <= self.reuse <= 4:
            raise ConfigError(f"reuse must be 1 to 4, received {self.reuse}.")
        if not 0 < self.average < 1 or self.clip_norm <= 0:
            raise ConfigError("average must lie in (0, 1) and clip_norm be positive.")


def write_weights(
    model: keras.Model, folder: Path, network: LightFlowConfig, origin: str
) -> None:
    """Write a weights folder; the values are rounded to float16, on disk only.

    A folded model is given its normalised form, which all weights folders hold.
    """
    if not any(isinstance(part, BatchNormalization) for part in model.layers):
        model = unfold_lightflow(model, network)
    folder.mkdir(parents=True, exist_ok=True)
    save_model_weights(model, folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network="lightflow",
        preprocessing=Preprocessing(RECORDED_SIZE, RECORDED_SIZE),
        origin=origin,
        licence="Apache-2.0",
        config=to_mapping(network),
    )
    write_record(folder, record)


def train(
    config: FlowTrainConfig,
    images: Sequence[Path],
    out: Path,
    *,
    init: Path | None = None,
    validate: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        images: folders of photographs.
        out: gets log.csv, config.json, backups and weights.
        init: weights folder to start from, of the same or a wider network; None starts
            from random weights.
        validate: folder of Flying Chairs pairs, measured after every epoch.
        resume: go on from the backup in `out`, which an interrupted run has left.

    Returns:
        The weights folder.

    Raises:
        ConfigError: `out` holds an interrupted run.
        FlowError: unusable images or pairs.
        TrainingError: the loss is no longer a number.
        WeightsError: `init` does not fit the network.
    """
    if not resume:
        refuse_interrupted(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    bank = read_textures(
        images, limit=config.images, longest_side=config.longest_side, seed=config.seed
    )
    train_batches, held_out = _batches(config, bank)
    model = _compiled(config, init, train_batches)

    def measure(model: keras.Model) -> dict[str, float]:
        figures = measure_synthetic(model, held_out, config.validation_pairs)
        return figures | (measure_pairs(model, validate) if validate else {})

    names = ", ".join(sorted({folder.name for folder in images}))
    origin = f"flow.train on synthetic pairs from {names}, seed {config.seed}"
    if init is not None:
        origin += f", continuing: {read_record(init, network='lightflow').origin}"
    folder = out / "weights"

    def write(model: keras.Model) -> None:
        write_weights(model, folder, config.network, origin)

    schedule = config.schedule
    model.fit(
        train_batches,
        epochs=-(-schedule.steps // schedule.steps_per_epoch),
        callbacks=run_callbacks(
            schedule,
            out,
            FollowStep(train_batches),
            Snapshot(measure, write, minutes=config.snapshot_minutes),
            resume=resume,
        ),
        verbose=0,
    )
    # `fit` has left the averaged weights in place.
    write(model)
    written, _ = read_lightflow(folder)
    figures = measure(written) | {"steps": float(model.optimizer.iterations)}
    (out / "result.json").write_text(json.dumps(figures, indent=1) + "\n")
    logger.info("wrote %s: %s", folder, figures)
    return folder


def _batches(
    config: FlowTrainConfig, bank: TextureBank
) -> tuple[SyntheticBatches, SyntheticBatches]:
    shared = (bank, config.synthetic, config.shapes)
    steps = config.schedule.steps_per_epoch
    training = SyntheticBatches(
        *shared, steps=steps, seed=config.seed, reuse=config.reuse
    )
    held_out_seed = config.seed + VALIDATION_SEED_OFFSET
    return training, SyntheticBatches(*shared, steps=steps, seed=held_out_seed)


def _compiled(
    config: FlowTrainConfig, init: Path | None, batches: SyntheticBatches
) -> keras.Model:
    model = build_lightflow(config.network)
    if init is not None:
        wide, network = read_lightflow(init)
        if network == config.network:
            model = wide
        else:
            (current, key), _ = batches.batch(0)
            model = narrow_lightflow(wide, network, config.network, current, key)
    elif config.folded:
        (current, key), _ = batches.batch(0)
        take_statistics(model, current, key)
    if config.folded:
        folded = build_lightflow(config.network, folded=True)
        fold_into(model, folded)
        model = folded
    optimizer = averaging_adamw(
        model.trainable_variables,
        rate=config.schedule.peak,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    # XLA's convolutions are several times slower than TensorFlow's own on a CPU.
    compiler = keras.backend.backend() == "jax"
    model.compile(
        optimizer, loss=training_loss, metrics=[end_point_error], jit_compile=compiler
    )
    return model


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(prog="python -m flow.train", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--images", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--init",
        type=Path,
        help="weights folder to start from, also of a wider network",
    )
    parser.add_argument("--validate", type=Path, help="folder of Flying Chairs pairs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # Threads inside OpenCV's small pictures would only take time from training.
    cv2.setNumThreads(1)
    try:
        config = load_config(FlowTrainConfig, arguments.config, arguments.set)
        train(
            config,
            arguments.images,
            arguments.out,
            init=arguments.init,
            validate=arguments.validate,
            resume=arguments.resume,
        )
    except VodError as error:
        logger.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
