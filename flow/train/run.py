"""Train LightFlow: `python -m flow.train --config FILE --images DIR --out DIR`.

`--images` names photographs that pairs are generated from; `--data` names a data set
of measured pairs instead, where the config's `data.source` is one. More is said in
docs/flow_training.md.
"""

import argparse
import json
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import keras
from keras.layers import BatchNormalization

from flow.datasets.reading import read_pairs
from flow.lightflow import LightFlowConfig, read_lightflow, unfold_lightflow
from flow.train.config import FlowTrainConfig
from flow.train.devices import computing
from flow.train.measure import measure_pairs
from flow.train.model import compiled_network, starting_weights
from flow.train.sources import Source, open_source
from vod.command import log_errors
from vod.config import load_config, to_mapping
from vod.errors import ConfigError
from vod.fitting.board import EVENTS, Board, EventFile
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.command import add_run_options, set_up_process
from vod.fitting.loop import fit_by_number
from vod.preprocess import Preprocessing
from vod.training import refuse_interrupted, steps_done
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

CONFIG_FILE: Final = "config.json"

LASTING: Final = ("network", "folded", "precision")
"""Keys that a resumed run must share with the interrupted one: they shape its state."""


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
    data: Path | None = None,
    init: Path | None = None,
    validate: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        images: folders of photographs, where pairs are generated.
        out: gets log.csv, config.json, events, backups and weights.
        data: folder of a data set, where pairs are measured ones.
        init: weights folder to start from, of the same or a wider network; None starts
            from random weights.
        validate: folder of measured pairs in any layout that `flow.datasets` knows,
            measured after every epoch.
        resume: go on from the backup in `out`, which an interrupted run has left.

    Returns:
        The weights folder.

    Raises:
        ConfigError: `out` holds an interrupted run, or the folders do not suit the
            config, or batches cannot be split among the devices.
        FlowError: unusable images or pairs.
        TrainingError: the loss is no longer a number.
        WeightsError: `init` does not fit the network.
    """
    if not resume:
        refuse_interrupted(out)
    elif (out / CONFIG_FILE).exists():
        _check_resumed(config, out / CONFIG_FILE)
    out.mkdir(parents=True, exist_ok=True)
    (out / CONFIG_FILE).write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    source = open_source(config, images, data)
    pairs = read_pairs(validate) if validate else []

    def measure(model: keras.Model) -> dict[str, float]:
        return source.measure(model) | (measure_pairs(model, pairs) if pairs else {})

    origin = source.origin
    if init is not None:
        origin += f", continuing: {read_record(init, network='lightflow').origin}"
    folder = out / "weights"

    def write(model: keras.Model) -> None:
        write_weights(model, folder, config.network, origin)

    snapshot = Snapshot(measure, write, minutes=config.snapshot_minutes)
    steps = _fit(config, source, snapshot, out, init=init, resume=resume)
    written, _ = read_lightflow(folder)
    figures = measure(written) | {"steps": steps}
    (out / "result.json").write_text(json.dumps(figures, indent=1) + "\n")
    logger.info("wrote %s: %s", folder, figures)
    return folder


def _fit(
    config: FlowTrainConfig,
    source: Source,
    snapshot: Snapshot,
    out: Path,
    *,
    init: Path | None,
    resume: bool,
) -> float:
    """Run all steps, write the averaged weights, and give how many steps were made."""
    schedule = config.schedule
    values = starting_weights(config, init, source.batches)
    with ExitStack() as stack:
        stack.enter_context(
            computing(config.precision, config.distribution, config.shapes)
        )
        model = compiled_network(config, values)
        more: list[keras.callbacks.Callback] = []
        if config.tensorboard and EventFile.available():
            more.append(stack.enter_context(Board(out / EVENTS, source.draw)))
        elif config.tensorboard:
            logger.info("tensorboard is not installed: log.csv has the figures.")
        callbacks = run_callbacks(
            schedule,
            out,
            FollowStep(source.batches),
            snapshot,
            resume=resume,
            describe=source.describe,
            more=more,
        )
        fit_by_number(model, source.batches, schedule, callbacks)
        # The averaged weights are in place now.
        snapshot.write(model)
        return float(steps_done(model))


def _check_resumed(config: FlowTrainConfig, path: Path) -> None:
    """Make sure that a resumed run's state fits that of the interrupted one.

    Other keys may change: a run may go on with other pairs, rates or shapes.
    """
    before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    now = to_mapping(config)
    for key in LASTING:
        # Runs older than a key had its default.
        old = before.get(key, to_mapping(FlowTrainConfig())[key])
        if old != now[key]:
            raise ConfigError(
                f"--resume cannot change {key}: the interrupted run in {path.parent} "
                f"has {old}, the config {now[key]}. Start from its weights with --init "
                "and another --out."
            )


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m flow.train", description=(__doc__ or "").split(":")[0] + "."
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--images", type=Path, action="append", default=[], help="photographs"
    )
    parser.add_argument("--data", type=Path, help="data set of measured pairs")
    parser.add_argument(
        "--init",
        type=Path,
        help="weights folder to start from, also of a wider network",
    )
    parser.add_argument(
        "--validate", type=Path, help="measured pairs to be scored after every epoch"
    )
    add_run_options(parser)
    arguments = parser.parse_args(argv)
    set_up_process()
    train(
        load_config(FlowTrainConfig, arguments.config, arguments.set),
        arguments.images,
        arguments.out,
        data=arguments.data,
        init=arguments.init,
        validate=arguments.validate,
        resume=arguments.resume,
    )
    return 0
