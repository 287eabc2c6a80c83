"""Train the paper's system: `python -m propagate.train_paper --config FILE ...`.

Feature network, aggregation, head and flow learn together from samples of several
frames, as inference runs them, and from the objects of the last frame alone. Sources
are videos, stills or both, as `detector.fit` takes them; docs/paper_detector.md says
more.

Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles, sec.
3.4.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from detector.fit import described
from detector.fit_data import TrainingPictures
from detector.fit_model import LossModel, compile_fit, freeze
from detector.fit_start import (
    IMAGENET,
    check_classes_fit,
    origin_of,
    start_from,
    starting_preprocessing,
)
from detector.network import copy_weights
from detector.network_config import whole_config
from flow.lightflow import fold_into, read_lightflow
from flow.train.devices import widen_predictions
from propagate.aggregation_start import begin_as_mean
from propagate.export_paper import export_paper
from propagate.paper_detector import NETWORK
from propagate.paper_learner import INPUTS, PaperLearner, blank_sample
from propagate.paper_models import paper_detector
from propagate.paper_networks import (
    PaperNetworks,
    build_paper_networks,
    flow_config,
    load_paper,
    with_classes,
    write_paper,
)
from propagate.paper_train_config import PaperTrainConfig
from propagate.paper_video import (
    detect_videos,
    draw_found,
    whole_videos,
)
from propagate.snippets import SnippetBatches
from vod.command import log_errors
from vod.config import load_config
from vod.dataset.annotated import AnnotatedPictures, read_sources, validation_source
from vod.errors import ConfigError
from vod.evaluation import evaluate
from vod.fitting.command import add_run_options, set_up_process
from vod.fitting.devices import computing
from vod.fitting.exporting import export_trained
from vod.fitting.loop import FitPlan, run_fit
from vod.fitting.resuming import open_run
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Detections
from vod.weights import read_record

logger = logging.getLogger(__name__)

LASTING = ("network", "classes", "step.optimizer", "step.precision")


@dataclass(frozen=True, slots=True)
class Starts:
    """What training starts from; without, at random.

    Attributes:
        detector: what `detector.fit_start` takes, or a weights folder of the whole
            system, which then gives the flow too.
        flow: weights folder of LightFlow.
    """

    detector: str = ""
    flow: Path | None = None


def train(
    config: PaperTrainConfig,
    sources: Sequence[AnnotatedPictures],
    out: Path,
    *,
    starts: Starts,
    held_out: AnnotatedPictures | None = None,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        sources: of one class list.
        out: gets log.csv, config.json, result.json, events, backups and weights.
        starts: what is started from.
        held_out: measured after every epoch; None measures nothing.
        resume: go on from the backup in `out`, which an interrupted run has left.

    Raises:
        ConfigError: `out` holds an interrupted run, or the config does not fit.
        TrainingError: the loss is no longer a number.
        WeightsError: a folder is damaged, of another kind or of other classes.
    """
    classes = sources[0].classes
    network = with_classes(config.network, len(classes))
    config = replace(config, network=network, classes=classes)
    open_run(out, config, lasting=LASTING, resume=resume)
    keras.utils.set_random_seed(config.seed)
    preprocessing = starting_preprocessing(
        whole_config(network.detector), starts.detector
    )
    step = config.step
    with computing(
        step.precision,
        step.distribution,
        {f"{config.batch_size} samples": config.batch_size},
    ):
        networks = build_paper_networks(network, config.loss)
        origin = f"propagate.train_paper on {described(sources)}, seed {config.seed}"
        if step.precision != "float32":
            widen_predictions(networks.flow)
        if config.aggregation_start == "mean":
            _begin_as_mean(networks)
        origin += start_networks(networks, starts, classes)
        run = _Run(config, networks, preprocessing, out / "weights", origin)
        if held_out is not None:
            run.held_out = whole_videos(held_out, config.validation_frames)
        pictures = TrainingPictures(
            sources, config.pictures, preprocessing, config.loss.objects
        )
        folder = run.fit(pictures, out, resume=resume)
    if config.export:
        export_trained(folder, export_paper, module="propagate.export_paper")
    return folder


def start_networks(
    networks: PaperNetworks, starts: Starts, classes: Sequence[str]
) -> str:
    """Fill the networks, and say from what.

    Raises:
        ConfigError: a folder's network has another shape.
        WeightsError: a folder is damaged, of another kind or of other classes.
    """
    origin = ""
    if starts.detector:
        origin += f", detector from: {origin_of(starts.detector)}"
        _start_detector(networks, starts.detector, classes)
    if starts.flow is not None:
        model, config = read_lightflow(starts.flow)
        wanted = flow_config(networks.config)
        if config != wanted:
            raise ConfigError(
                f"{starts.flow} has a flow of width {config.width:g}, the config "
                f"{wanted.width:g}: set network.flow.width={config.width:g}."
            )
        fold_into(model, networks.flow)
        origin += f", flow from: {read_record(starts.flow).origin}"
    return origin


def _begin_as_mean(networks: PaperNetworks) -> None:
    how = networks.config.aggregation
    if networks.aggregation is None or how is None:
        raise ConfigError("aggregation_start is mean, but aggregation is null.")
    begin_as_mean(networks.aggregation, how)


def _start_detector(networks: PaperNetworks, init: str, classes: Sequence[str]) -> None:
    learning = networks.losses or networks.head
    folder = Path(init)
    if init == IMAGENET or read_record(folder).network != NETWORK:
        models = [networks.features, networks.head_maps, learning]
        config = whole_config(networks.config.detector)
        start_from(models, config, init, classes=classes)
        return
    whole, record = load_paper(folder)
    check_classes_fit(folder, record, classes)
    pairs = [
        (whole.features, networks.features),
        (whole.head_maps, networks.head_maps),
        (whole.aggregation, networks.aggregation),
        (whole.flow, networks.flow),
        (whole.head, learning),
    ]
    for source, target in pairs:
        if source is not None and target is not None:
            copy_weights([source], target)


class _Run:
    """A run whose networks are ready."""

    def __init__(
        self,
        config: PaperTrainConfig,
        networks: PaperNetworks,
        preprocessing: Preprocessing,
        folder: Path,
        origin: str,
    ) -> None:
        self._config, self._networks = config, networks
        self._preprocessing = preprocessing
        self._folder, self._origin = folder, origin
        self._detector = paper_detector(networks, preprocessing)
        self.held_out: AnnotatedPictures | None = None
        self._found: dict[int, Detections] = {}

    def fit(self, pictures: TrainingPictures, out: Path, *, resume: bool) -> Path:
        config = self._config
        batches = SnippetBatches(
            pictures,
            config.snippets,
            batch_size=config.batch_size,
            steps=config.schedule.steps_per_epoch,
            seed=config.seed,
        )
        learner = PaperLearner(self._networks, self._preprocessing)
        self._networks.flow.trainable = config.train_flow
        freeze(learner, config.step)
        model = LossModel(learner, config.loss.weights, INPUTS)
        sample = blank_sample(
            self._networks, keys=config.snippets.keys, objects=config.loss.objects
        )
        model(sample)
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
        if self.held_out is None:
            return {}
        self._networks.refresh()
        interval = self._config.validation_interval
        self._found = detect_videos(self._detector, self.held_out, interval)
        return evaluate(self.held_out.truth, self._found).figures()

    def _draw(self, _model: keras.Model) -> Mapping[str, ByteArray]:
        # What the epoch's measurement has just found.
        if self.held_out is None:
            return {}
        return draw_found(self.held_out, self._found)

    def _write(self, _model: keras.Model) -> None:
        write_paper(
            self._networks,
            self._folder,
            classes=self._config.classes,
            preprocessing=self._preprocessing,
            origin=self._origin,
        )


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.train_paper",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", type=Path, required=True)
    add("--data", action="append", required=True, metavar="SOURCE[@SPLIT]")
    add("--validate", metavar="SOURCE[@SPLIT]", help="measured every epoch (@val)")
    add("--init", default="", help="imagenet, or weights folder of detector or system")
    add("--flow", type=Path, help="weights folder of LightFlow")
    add_run_options(parser)
    args = parser.parse_args(argv)
    set_up_process()
    config = load_config(PaperTrainConfig, args.config, args.set)
    how = config.degenerate
    sources = read_sources(args.data, config.classes, degenerate=how)
    held = validation_source(args.validate, sources[0].classes, degenerate=how)
    train(
        config,
        sources,
        args.out,
        starts=Starts(args.init, args.flow),
        held_out=held,
        resume=args.resume,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
