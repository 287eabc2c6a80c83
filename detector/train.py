"""Train a detector from a teacher's weights: `python -m detector.train --config ...`.

The student starts as a copy of the teacher, keeps all its classes, and learns from its
raw outputs on every picture and from boxes where there are any.
"""

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import safetensors.numpy
from keras import ops

from detector.distillation import Distiller, raw_model
from detector.export import export_detector
from detector.registry import ssd_config_of
from detector.ssd import load_ssd
from detector.ssd_config import ssd_anchors
from detector.train_config import DetectorTrainConfig, FollowEpoch
from detector.train_data import DetectorBatches, Sample, read_stills, read_unlabelled
from vod.command import log_errors
from vod.config import load_config, to_mapping
from vod.errors import ConfigError
from vod.fitting.command import add_run_options, set_up_process
from vod.training import BACKUP, StopOnDivergence, refuse_interrupted
from vod.weights import (
    WEIGHTS_FILE,
    WeightsRecord,
    read_record,
    save_model_weights,
    verified_file,
    write_record,
)

logger = logging.getLogger(__name__)


def train(
    config: DetectorTrainConfig,
    teacher: Path,
    *,
    stills: Path,
    unlabelled: Sequence[Path],
    out: Path,
    resume: bool = False,
) -> Path:
    """Train, export, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        teacher: a weights folder of `ssd_mobilenet_v1`.
        stills: folder with `instances.json`; its `train` split is used.
        unlabelled: folders of more pictures.
        out: gets log.csv, config.json, the backup of an unfinished run, and weights.
        resume: go on from that backup.

    Returns:
        The weights folder.

    Raises:
        ConfigError: unusable input, or `out` holds an interrupted run.
        TrainingError: the loss is no longer a number.
        WeightsError: the teacher's folder is damaged.
    """
    backup = out / BACKUP
    if not resume:
        refuse_interrupted(out)
    record = read_record(teacher, network="ssd_mobilenet_v1")
    samples = read_stills(stills, record.classes, split="train")
    for folder in unlabelled:
        samples += read_unlabelled(folder, len(record.classes))
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    batches = _batches(config, samples, record)
    logger.info("%d pictures, %d steps an epoch", len(samples), len(batches))
    distiller, student = _distiller(config, teacher, record, len(batches))
    distiller.fit(
        batches,
        epochs=config.epochs,
        callbacks=[
            keras.callbacks.BackupAndRestore(str(backup)),
            FollowEpoch(batches),
            StopOnDivergence(backup, rate="learning_rate"),
            keras.callbacks.CSVLogger(str(out / "log.csv"), append=resume),
        ],
        verbose=2,
        # The batches shuffle themselves, by seed and epoch; shuffled again by Keras, a
        # resumed run would not go on with the ones that come next.
        shuffle=False,
    )
    # `fit` has left the averaged weights in place.
    blend_into(student, verified_file(teacher, WEIGHTS_FILE, record), config.blend)
    return _write(student, out / "weights", record, config, batches.samples)


def _batches(
    config: DetectorTrainConfig, samples: Sequence[Sample], record: WeightsRecord
) -> DetectorBatches:
    anchors = ssd_anchors(ssd_config_of(Path("the teacher"), record))
    order = np.random.default_rng(config.seed).permutation(len(samples))
    samples = [samples[i] for i in order[: config.limit]]
    if len(samples) < config.batch_size:
        raise ConfigError(
            f"batch_size is {config.batch_size}, but there are only {len(samples)} "
            "pictures. Lower batch_size."
        )
    return DetectorBatches(
        samples,
        anchors,
        record.preprocessing,
        augment=config.augment,
        batch_size=config.batch_size,
        seed=config.seed,
    )


def _distiller(
    config: DetectorTrainConfig, teacher: Path, record: WeightsRecord, steps: int
) -> tuple[Distiller, keras.Model]:
    """Give the compiled distiller, and the student's first half, which has its weights.

    Teacher and student are cut at the raw outputs, whatever the record's seam says.
    """
    network = dataclasses.replace(ssd_config_of(teacher, record), seam="head")
    weights = verified_file(teacher, WEIGHTS_FILE, record)
    (frozen, _), (features, _) = load_ssd(network, weights), load_ssd(network, weights)
    for layer in features.layers:
        if layer.name.startswith(_frozen_prefixes(config.frozen_blocks)):
            layer.trainable = False
    distiller = Distiller(
        raw_model(features, network), raw_model(frozen, network), network, config.loss
    )
    blank = keras.ops.zeros((1, network.input_height, network.input_width, 3))
    distiller({"clean": blank, "picture": blank})  # the backup wants a built model
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(config.epochs * steps - config.warmup_steps, 1),
        warmup_target=config.learning_rate,
        warmup_steps=config.warmup_steps,
    )
    optimizer = keras.optimizers.Adam(
        rate,
        global_clipnorm=config.clip_norm,
        use_ema=True,
        ema_momentum=config.average,
    )
    optimizer.build(distiller.trainable_variables)
    # XLA's convolutions are several times slower than TensorFlow's own on a CPU.
    compiler = keras.backend.backend() == "jax"
    distiller.compile(optimizer, jit_compile=compiler)
    return distiller, features


def _frozen_prefixes(blocks: int) -> tuple[str, ...]:
    return ("Conv2d_0", *(f"Conv2d_{block}_" for block in range(1, blocks + 1)))


def blend_into(student: keras.Model, teacher: Path, share: float) -> None:
    """Put the student's weights back to a share of the way that they came.

    Args:
        student: a model whose every variable is in the teacher's file.
        teacher: the file that training started from.
        share: 1 leaves the student, 0 gives the teacher.

    Source: Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022.
    """
    start = safetensors.numpy.load_file(teacher)
    for variable in student.weights:
        first = start[variable.path].astype(np.float32)
        variable.assign(first + share * (ops.convert_to_numpy(variable) - first))


def _write(
    features: keras.Model,
    folder: Path,
    record: WeightsRecord,
    config: DetectorTrainConfig,
    samples: Sequence[Sample],
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_model_weights(features, folder / WEIGHTS_FILE)
    labelled = sum(bool(sample.annotated.any()) for sample in samples)
    written = WeightsRecord(
        network=record.network,
        preprocessing=record.preprocessing,
        origin=(
            f"detector.train, {config.epochs} epochs over {len(samples)} pictures "
            f"({labelled} with boxes), seed {config.seed}, blend {config.blend:g}; "
            f"initialised from and taught by: {record.origin}"
        ),
        licence=record.licence,
        config=record.config,
        classes=record.classes,
    )
    write_record(folder, written)
    export_detector(folder)
    logger.info("wrote %s", folder)
    return folder


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m detector.train", description=__doc__
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help="weights folder")
    parser.add_argument("--stills", type=Path, required=True)
    parser.add_argument("--unlabelled", type=Path, action="append", default=[])
    add_run_options(parser)
    arguments = parser.parse_args(argv)
    set_up_process()
    train(
        load_config(DetectorTrainConfig, arguments.config, arguments.set),
        arguments.teacher,
        stills=arguments.stills,
        unlabelled=arguments.unlabelled,
        out=arguments.out,
        resume=arguments.resume,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
