"""One `fit` of ours: what runs beside the steps, what is written at the end."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import keras

from vod.fitting.batches import NumberedBatches
from vod.fitting.board import EVENTS, Board, EventFile
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.schedule import ScheduleConfig
from vod.training import steps_done
from vod.types import ByteArray

logger = logging.getLogger(__name__)

RESULT_FILE = "result.json"


@dataclass(frozen=True, eq=False, slots=True)
class FitPlan:
    """What a run does beside its steps.

    Attributes:
        schedule: length and learning rate.
        measure: named figures of the averaged weights, after every epoch.
        write: stores the averaged weights.
        draw: named pictures for TensorBoard.
        snapshot_minutes: least time between two writings.
        tensorboard: write event files, where tensorboard is installed.
        describe: tells which batch a number names, for a run that diverges.
    """

    schedule: ScheduleConfig
    measure: Callable[[keras.Model], dict[str, float]]
    write: Callable[[keras.Model], None]
    draw: Callable[[keras.Model], Mapping[str, ByteArray]]
    snapshot_minutes: float
    tensorboard: bool
    describe: Callable[[int], str] | None = None


def fit_by_number(
    model: keras.Model,
    batches: NumberedBatches,
    schedule: ScheduleConfig,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Run a schedule's steps over numbered batches, in their order.

    Shuffled, batches would no longer be those that their numbers name, and a resumed
    run would not go on with the ones that come next. With `run_callbacks`, the averaged
    weights are in place afterwards.
    """
    model.fit(
        batches,
        epochs=-(-schedule.steps // schedule.steps_per_epoch),
        callbacks=list(callbacks),
        verbose=0,
        shuffle=False,
    )


def run_fit(
    model: keras.Model,
    batches: NumberedBatches,
    plan: FitPlan,
    out: Path,
    *,
    resume: bool,
) -> dict[str, float]:
    """Train a compiled model, write it, measure it, and note the result.

    Args:
        model: with an optimizer of `vod.fitting.optimizer`.
        batches: what it learns from.
        plan: what is done beside.
        out: gets log.csv, result.json, events and the backup of an unfinished run.
        resume: go on from that backup.

    Returns:
        The figures of the averaged weights, and the steps that were made.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    schedule = plan.schedule
    snapshot = Snapshot(plan.measure, plan.write, minutes=plan.snapshot_minutes)
    with ExitStack() as stack:
        more: list[keras.callbacks.Callback] = []
        if plan.tensorboard and EventFile.available():
            more.append(stack.enter_context(Board(out / EVENTS, plan.draw)))
        elif plan.tensorboard:
            logger.info("tensorboard is not installed: log.csv has the figures.")
        callbacks = run_callbacks(
            schedule,
            out,
            FollowStep(batches),
            snapshot,
            resume=resume,
            describe=plan.describe,
            more=more,
        )
        fit_by_number(model, batches, schedule, callbacks)
    # The averaged weights are in place now.
    plan.write(model)
    figures = plan.measure(model) | {"steps": float(steps_done(model))}
    (out / RESULT_FILE).write_text(json.dumps(figures, indent=1) + "\n")
    return figures
