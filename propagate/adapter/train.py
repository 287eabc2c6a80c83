"""Train the adapter of warped maps, and LightFlow before it, by distillation.

What the detector says of the current frame is the target of what its second half makes
of the key frame's maps, warped and adapted. `python -m propagate.train --what maps`.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from detector.detector import Detector
from detector.registry import ssd_config_of, weights_folder
from detector.ssd import load_ssd
from flow.lightflow import (
    LightFlowConfig,
    build_lightflow,
    fold_lightflow,
    read_lightflow,
    unfold_lightflow,
)
from flow.registry import NETWORKS, load_flow
from flow.train.run import write_weights
from propagate.adapter.adapted import NETWORK, load_adapted
from propagate.adapter.batches import MapsBatches
from propagate.adapter.config import AdapterConfig
from propagate.adapter.export import export_adapter
from propagate.adapter.measure import maps_agreement
from propagate.adapter.model import MapsModel
from propagate.adapter.network import build_adapter
from propagate.adapter.train_config import MapsTrainConfig
from propagate.agreement import input_side
from propagate.train_data import Clip
from vod.config import to_mapping
from vod.errors import ConfigError
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.loop import fit_by_number
from vod.fitting.optimizer import averaging_adamw
from vod.training import refuse_interrupted
from vod.weights import (
    WEIGHTS_FILE,
    WeightsRecord,
    read_record,
    save_model_weights,
    verified_file,
    write_record,
)

logger = logging.getLogger(__name__)

JUDGED = 16
"""Most batches of clips kept aside on which the loss is compared."""


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """A flow network to be trained through the warp.

    Attributes:
        init: weights folder that it starts from.
        config: its size.
        model: folded, for pictures of the run's size.
    """

    init: Path
    config: LightFlowConfig
    model: keras.Model


def train_maps(
    config: MapsTrainConfig,
    detector: Detector,
    *,
    clips: tuple[Sequence[Clip], Sequence[Clip]],
    init: Path | None,
    out: Path,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`, ready for `travels=maps`.

    Args:
        config: the run.
        detector: the teacher, as it runs.
        clips: to train on; and those on which agreement is measured, maybe none.
        init: LightFlow to start from, where that is trained too; its weights then go to
            `out / "flow"`.
        out: gets log.csv, config.json, backups and weights.
        resume: go on from the backup in `out`.

    Raises:
        ConfigError: `out` holds an interrupted run; a flow that has weights needs
            `init`; the detector's pictures are not square.
        TrainingError: the loss is no longer a number.
        WeightsError: a weights folder is damaged.
    """
    if not resume:
        refuse_interrupted(out)
    seen, held_out = clips
    start = _start(config, detector, seen[0], init)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    adapted = AdapterConfig(
        tuple((spec.height, spec.width, spec.channels) for spec in detector.maps),
        config.channels,
    )
    side = input_side(seen[0], config.input_share)
    flow = None
    if start is None:
        flow = load_flow(config.flow, input_height=side, input_width=side)
    batches = MapsBatches(
        seen, config, detector.preprocessing, flow=flow, flow_side=side
    )
    model = _compiled(config, adapted, start, batches)
    record = WeightsRecord(
        network=NETWORK,
        preprocessing=detector.preprocessing,
        origin=f"propagate.train --what maps on {len(seen)} clips, seed {config.seed}",
        licence="Apache-2.0",
        config=to_mapping(adapted),
    )

    def write(model: MapsModel) -> None:
        _write(model, out, record, start)

    judge = None
    if held_out:
        judge = MapsBatches(
            held_out, config, detector.preprocessing, flow=flow, flow_side=side
        )
    before = _judged(model, judge)
    schedule = config.schedule
    callbacks = run_callbacks(
        schedule,
        out,
        FollowStep(batches),
        Snapshot(lambda _: {}, write, minutes=config.snapshot_minutes),
        resume=resume,
    )
    fit_by_number(model, batches, schedule, callbacks)
    write(model)  # the averaged weights, which are in place now
    export_adapter(out / "weights")
    if judge is not None:
        losses = before, _judged(model, judge)
        _report(config, detector, held_out, losses, start, out)
    return out / "weights"


def _start(
    config: MapsTrainConfig, detector: Detector, clip: Clip, init: Path | None
) -> Start | None:
    pictures = detector.preprocessing
    if pictures.height != pictures.width:
        raise ConfigError("maps are trained on square pictures; leave the size out.")
    if config.flow not in NETWORKS:
        return None
    if init is None:
        raise ConfigError(f"--init must name weights of {config.flow} to start from.")
    trained, network = read_lightflow(init)
    side = input_side(clip, config.input_share)
    folded = build_lightflow(network, side, side, folded=True)
    folded.set_weights(fold_lightflow(trained, network, side, side).get_weights())
    return Start(init, network, folded)


def _compiled(
    config: MapsTrainConfig,
    adapted: AdapterConfig,
    start: Start | None,
    batches: MapsBatches,
) -> MapsModel:
    folder = weights_folder(config.detector, None)
    record = read_record(folder, network=config.detector)
    halves = load_ssd(
        ssd_config_of(folder, record), verified_file(folder, WEIGHTS_FILE, record)
    )
    network = start.model if start else None
    model = MapsModel(halves, build_adapter(adapted), network, config)
    inputs, _ = batches.batch(0)
    model({name: value[:1] for name, value in inputs.items()})  # builds it
    optimizer = averaging_adamw(
        model.trainable_variables,
        rate=config.schedule.peak,
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    return model


def _write(
    model: MapsModel, out: Path, record: WeightsRecord, start: Start | None
) -> None:
    folder = out / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    save_model_weights(model.adapter, folder / WEIGHTS_FILE)
    write_record(folder, record)
    if start is not None:
        before = read_record(start.init, network="lightflow").origin
        flow = unfold_lightflow(model.network, start.config)
        origin = f"{record.origin}, continuing: {before}"
        write_weights(flow, out / "flow", start.config, origin)


def _judged(model: MapsModel, batches: MapsBatches | None) -> dict[str, float]:
    """Give the loss and its parts on the same batches of clips kept aside."""
    if batches is None:
        return {}
    batches.first_batch = 0
    steps = min(JUDGED, len(batches))
    found = model.evaluate(batches, steps=steps, verbose=0, return_dict=True)
    return {name: float(value) for name, value in found.items()}


def _report(
    config: MapsTrainConfig,
    detector: Detector,
    held_out: Sequence[Clip],
    losses: tuple[dict[str, float], dict[str, float]],
    start: Start | None,
    out: Path,
) -> None:
    """Tell loss and agreement on clips kept aside, without and with the adapter."""
    side = input_side(held_out[0], config.input_share)

    def agreement(detector: Detector, folder: Path | None) -> dict[str, float]:
        flow = load_flow(
            config.flow,
            input_height=side,
            input_width=side,
            engine="tensorflow" if start else "litert",
            weights=folder,
        )
        return maps_agreement(detector, flow, held_out)

    after = load_adapted(detector, out / "weights", engine="litert")
    figures = {
        "warped": losses[0] | agreement(detector, start.init if start else None),
        "adapted": losses[1] | agreement(after, out / "flow" if start else None),
    }
    (out / "result.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, values in figures.items():
        text = ", ".join(f"{key} {value:.4f}" for key, value in values.items())
        logger.info("%s: %s", name, text)
