"""Train a detector from labels: `python -m detector.fit --config FILE --data SOURCE`.

The detector is any backbone with any head, the config's `network`. A source is a COCO
json, a folder in ImageNet's VID or DET layout, or several of these; any classes.
`SOURCE@SPLIT` names a split or list (`train` where none is named). More is said in
docs/custom_data.md.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from detector.export import export_detector
from detector.fit_config import DetectorFitConfig
from detector.fit_data import PictureBatches, TrainingPictures
from detector.fit_measure import HeldOut, hold_out
from detector.fit_model import (
    FitNetworks,
    LossModel,
    blank_inputs,
    build_networks,
    compile_fit,
    freeze,
)
from detector.fit_start import origin_of, start_from, starting_preprocessing
from detector.head_losses import loss_weights
from detector.saving import save_detector
from vod.command import log_errors
from vod.config import load_config
from vod.dataset.annotated import AnnotatedPictures, read_sources, validation_source
from vod.fitting.command import add_run_options, set_up_process
from vod.fitting.devices import computing
from vod.fitting.exporting import export_trained
from vod.fitting.loop import FitPlan, run_fit
from vod.fitting.resuming import open_run
from vod.preprocess import Preprocessing
from vod.types import ByteArray

logger = logging.getLogger(__name__)

LASTING = (
    "network",
    "classes",
    "init",
    "step.optimizer",
    "step.precision",
    "step.frozen_blocks",
    "step.frozen_normalization",
)
"""Keys that a resumed run must share with the interrupted one: they shape its state."""


@dataclass(frozen=True, eq=False, slots=True)
class FitData:
    """What a run learns from and is measured on.

    Attributes:
        sources: of one class list.
        held_out: measured after every epoch; None measures nothing.
    """

    sources: tuple[AnnotatedPictures, ...]
    held_out: AnnotatedPictures | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in label order."""
        return self.sources[0].classes


def read_data(
    config: DetectorFitConfig, sources: Sequence[str], validate: str | None
) -> FitData:
    """Read annotations; see `vod.dataset.annotated`.

    Raises:
        AnnotationError: something is missing or wrong, or a class is shown nowhere.
    """
    how = config.degenerate
    found = read_sources(sources, config.classes, degenerate=how)
    held = validation_source(validate, found[0].classes, degenerate=how)
    most = config.validation_pictures
    return FitData(found, None if held is None else held.spread(most))


def fit(
    config: DetectorFitConfig,
    data: FitData,
    out: Path,
    *,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        data: pictures.
        out: gets log.csv, config.json, result.json, events, backups and weights.
        resume: go on from the backup in `out`, which an interrupted run has left.

    Returns:
        The weights folder.

    Raises:
        ConfigError: `out` holds an interrupted run, or the config does not fit.
        TrainingError: the loss is no longer a number.
        WeightsError: what is started from is damaged, of another kind or of other
            classes.
    """
    classes = data.classes
    network = replace(config.network, class_count=len(classes))
    config = replace(config, network=network, classes=classes)
    open_run(out, config, lasting=LASTING, resume=resume)
    keras.utils.set_random_seed(config.seed)
    preprocessing = starting_preprocessing(network, config.init)
    origin = f"detector.fit on {described(data.sources)}, seed {config.seed}"
    if config.init:
        origin += f", starting from: {origin_of(config.init)}"
    held = None
    if data.held_out is not None:
        held = hold_out(data.held_out, preprocessing)
    step = config.step
    with computing(
        step.precision,
        step.distribution,
        {f"{config.batch_size} pictures": config.batch_size},
    ):
        networks = build_networks(network, config.loss)
        started: list[str] = []
        if config.init:
            started = start_from(
                networks.learning,
                network,
                config.init,
                classes=classes,
                new_classes=config.new_classes,
            )
        for model in networks.learning:
            freeze(model, config.step, started=started)
        run = _Run(config, networks, preprocessing, held, out / "weights", origin)
        pictures = TrainingPictures(
            data.sources, config.pictures, preprocessing, config.loss.objects
        )
        run.fit(pictures, out, resume=resume)
    if config.export:
        export_trained(out / "weights", export_detector, module="detector.export")
    return out / "weights"


def described(sources: Sequence[AnnotatedPictures]) -> str:
    """Say what was learnt from, for a record."""
    return " and ".join(
        f"{len(one)} pictures ({one.truth.num_objects} objects) of "
        f"{Path(one.source).parent.name}/{Path(one.source).name}"
        for one in sources
    )


class _Run:
    """A run whose networks and data are ready."""

    def __init__(
        self,
        config: DetectorFitConfig,
        networks: FitNetworks,
        preprocessing: Preprocessing,
        held: HeldOut | None,
        folder: Path,
        origin: str,
    ) -> None:
        self._config, self._networks = config, networks
        self._preprocessing, self._held = preprocessing, held
        self._folder, self._origin = folder, origin
        self._detector = networks.detector()
        # `fit` freezes and compiles the learner alone.
        self._detector.compile(jit_compile=keras.backend.backend() == "jax")

    def fit(self, pictures: TrainingPictures, out: Path, *, resume: bool) -> Path:
        config = self._config
        batches = PictureBatches(
            pictures,
            batch_size=config.batch_size,
            steps=config.schedule.steps_per_epoch,
            seed=config.seed,
        )
        network = self._networks.learner()
        model = LossModel(network, loss_weights(config.network, config.loss))
        model(blank_inputs(network))
        compile_fit(model, config.step, rate=config.schedule.peak)
        plan = FitPlan(
            config.schedule,
            self._measure,
            self._write,
            self._draw,
            snapshot_minutes=config.snapshot_minutes,
            tensorboard=config.tensorboard,
        )
        figures = run_fit(model, batches, plan, out, resume=resume)
        logger.info("wrote %s: %s", self._folder, figures)
        return self._folder

    def _measure(self, _model: keras.Model) -> dict[str, float]:
        if self._held is None:
            return {}
        self._networks.refresh()
        return self._held.scores(self._detector).figures()

    def _draw(self, _model: keras.Model) -> Mapping[str, ByteArray]:
        if self._held is None:
            return {}
        self._networks.refresh()
        return self._held.draw(self._detector)

    def _write(self, _model: keras.Model) -> None:
        save_detector(
            self._folder,
            self._config.network,
            self._networks.learning,
            classes=self._config.classes,
            origin=self._origin,
            preprocessing=self._preprocessing,
        )


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m detector.fit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", type=Path, required=True)
    add("--data", action="append", required=True, metavar="SOURCE[@SPLIT]")
    add("--validate", metavar="SOURCE[@SPLIT]", help="measured every epoch (@val)")
    add("--init", help="weights folder to start from, or imagenet (config.init)")
    add_run_options(parser)
    args = parser.parse_args(argv)
    set_up_process()
    config = load_config(DetectorFitConfig, args.config, args.set)
    if args.init is not None:
        config = replace(config, init=args.init)
    data = read_data(config, args.data, args.validate)
    fit(config, data, args.out, resume=args.resume)
    return 0


if __name__ == "__main__":
    sys.exit(main())
