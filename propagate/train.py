"""Train LightFlow for propagation, without labels: `python -m propagate.train ...`.

The detector's own boxes on every frame are the target: what the flow carries from one
frame must lie where the detector finds it in another. A careful classical flow teaches
the rest of real pictures, and generated pairs with exact flow keep what was learned
from them. Key frames then need the detector, the others this network alone.

Source: joint training of flow and detection as in Zhu et al., Towards High Performance
Video Object Detection for Mobiles, section 3.4, with a teacher in place of labels.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
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
from flow.synthetic.pair import NearFramesConfig
from flow.synthetic.textures import TextureBank, read_textures
from flow.train.data import SyntheticBatches, normalise
from flow.train.run import write_weights
from propagate.agreement import agreement, input_side
from propagate.train_data import Clip, PairConfig, RealPairs, find_clips, read_clip
from propagate.train_losses import box_loss, flow_loss
from propagate.transport_config import TransportConfig
from vod.config import load_config, to_mapping
from vod.errors import ConfigError, VodError
from vod.fitting.callbacks import FollowStep, Snapshot, run_callbacks
from vod.fitting.optimizer import averaging_adamw
from vod.fitting.schedule import ScheduleConfig
from vod.training import refuse_interrupted
from vod.weights import read_record

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JointTrainConfig:
    """One training run.

    Attributes:
        detector: registry name of the teacher.
        input_share: side of the flow's input as a share of the detector's.
        pairs: how real pairs are drawn.
        synthetic: statistics of the generated pairs.
        transport: how boxes are carried.
        schedule: length and learning rate.
        real: real pairs in a batch.
        generated: generated pairs in a batch.
        box_weight: of the box loss beside the flow loss.
        seed: of all chance.
        images: most photographs held in memory for generated pairs.
        weight_decay: decoupled.
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept.
        snapshot_minutes: least time between two weights folders during training.
    """

    detector: str = "ssd_mobilenet_v1"
    input_share: float = 0.5
    pairs: PairConfig = field(default_factory=PairConfig)
    synthetic: NearFramesConfig = field(default_factory=NearFramesConfig)
    transport: TransportConfig = field(default_factory=TransportConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    real: int = 10
    generated: int = 6
    box_weight: float = 1.0
    seed: int = 1
    images: int = 800
    weight_decay: float = 4e-5
    clip_norm: float = 1.0
    average: float = 0.998
    snapshot_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.real < 1 or self.generated < 0:
            raise ConfigError("a batch needs at least 1 real pair, and no negative.")
        if not 0 < self.input_share <= 1:
            raise ConfigError(
                f"input_share must lie in (0, 1], received {self.input_share}."
            )
        if not 0 < self.average < 1 or min(self.clip_norm, self.box_weight) <= 0:
            raise ConfigError(
                "average must lie in (0, 1); clip_norm and box_weight be positive."
            )


@keras.saving.register_keras_serializable(package="vod")
class JointModel(keras.Model):
    """LightFlow with the losses of joint training; backend-neutral.

    Trains the folded network (see `unfold_lightflow`). Targets are a mapping: `flow`
    `(B, h, w, 2)` pixels, `trust` `(B, h, w)`, `boxes` `(B, K, 8)` in cells of the
    flow's grid, `box_weight` `(B, K)`.
    """

    def __init__(
        self, network: keras.Model, transport: TransportConfig, box_weight: float
    ) -> None:
        super().__init__()
        self.network = network
        self._transport, self._box_weight = transport, box_weight

    def call(self, inputs: Any) -> Any:
        """Give the flow of `(current, earlier)`."""
        return self.network(list(inputs))

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002 (Keras' names)
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,  # noqa: ARG002
    ) -> Any:
        """Add up the losses; see `propagate.train_losses`."""
        boxes = y["boxes"]
        carried = box_loss(
            boxes[..., :4],
            boxes[..., 4:],
            y["box_weight"],
            y_pred / OUTPUT_STRIDE,
            config=self._transport,
        )
        return flow_loss(y["flow"], y["trust"], y_pred) + self._box_weight * carried


class JointBatches(keras.utils.PyDataset):
    """Endless batches of real and generated pairs, the same for the same seed.

    Attributes:
        first_batch: number of this epoch's first batch.
    """

    def __init__(
        self,
        real: RealPairs,
        generated: SyntheticBatches | None,
        config: JointTrainConfig,
        *,
        cells: int,
    ) -> None:
        super().__init__(workers=1, max_queue_size=6)
        self._real, self._generated = real, generated
        self._config, self._cells = config, cells
        self.first_batch = 0

    def __len__(self) -> int:
        return self._config.schedule.steps_per_epoch

    def __getitem__(self, index: int) -> Any:
        return self.batch(self.first_batch + index)

    def on_epoch_end(self) -> None:
        """Move on, so that no epoch repeats another."""
        self.first_batch += len(self)

    def batch(self, number: int) -> Any:
        """Give `((current, earlier), targets)` of the batch with this number."""
        rng = np.random.default_rng((self._config.seed, number))
        pairs = [self._real.draw(rng) for _ in range(self._config.real)]
        current = normalise(np.stack([p.current for p in pairs]))
        earlier = normalise(np.stack([p.earlier for p in pairs]))
        boxes = np.stack([p.boxes for p in pairs]) * np.float32(self._cells)
        targets = {
            "flow": np.stack([p.flow for p in pairs]),
            "trust": np.stack([p.trust for p in pairs]),
            "boxes": boxes,
            "box_weight": np.stack([p.box_weight for p in pairs]),
        }
        if self._generated is None:
            return (current, earlier), targets
        (more_current, more_earlier), flow = self._generated.batch(number)
        count = len(flow)
        whole = {
            "flow": flow,
            "trust": np.ones(flow.shape[:3], np.float32),
            "boxes": np.repeat(boxes[:1], count, 0),
            "box_weight": np.zeros((count, self._config.pairs.boxes), np.float32),
        }
        joined = {k: np.concatenate([v, whole[k]]) for k, v in targets.items()}
        return (
            np.concatenate([current, more_current]),
            np.concatenate([earlier, more_earlier]),
        ), joined


def train(
    config: JointTrainConfig,
    *,
    clips: Sequence[Clip],
    held_out: Sequence[Clip],
    bank: TextureBank | None,
    init: Path,
    out: Path,
    resume: bool = False,
) -> Path:
    """Train, and write the weights folder `out / "weights"`.

    Args:
        config: the run.
        clips: real pairs are drawn from these.
        held_out: agreement is measured on these after every epoch; may be empty.
        bank: photographs for generated pairs; None where there are none of these.
        init: weights folder of LightFlow to start from.
        out: gets log.csv, config.json, backups and weights.
        resume: go on from the backup in `out`.

    Raises:
        ConfigError: `out` holds an interrupted run, or photographs are missing.
        TrainingError: the loss is no longer a number.
        WeightsError: `init` is not LightFlow.
    """
    if not resume:
        refuse_interrupted(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n")
    keras.utils.set_random_seed(config.seed)
    size = input_side(clips[0], config.input_share)
    cells = -(-size // OUTPUT_STRIDE)
    trained, network = read_lightflow(init)
    model = _compiled(config, trained, network, size)
    real = RealPairs(clips, config.pairs, size=size, cells=cells)
    real.teach()
    generated = _generated(config, bank, size)
    batches = JointBatches(real, generated, config, cells=cells)
    origin = (
        f"propagate.train on {len(clips)} clips, seed {config.seed}, continuing: "
        f"{read_record(init, network='lightflow').origin}"
    )

    def measure(model: keras.Model) -> dict[str, float]:
        return agreement(
            model.network,
            held_out,
            transport=config.transport,
            share=config.input_share,
        )

    def write(model: keras.Model) -> None:
        _write(model, out / "weights", network, origin)

    if held_out:
        logger.info("before training: %s", _shown(measure(model)))
    schedule = config.schedule
    model.fit(
        batches,
        epochs=-(-schedule.steps // schedule.steps_per_epoch),
        callbacks=run_callbacks(
            schedule,
            out,
            FollowStep(batches),
            Snapshot(measure, write, minutes=config.snapshot_minutes),
            resume=resume,
        ),
        verbose=0,
        shuffle=False,  # a resumed run goes on with the batches that come next
    )
    # `fit` has left the averaged weights in place.
    write(model)
    if held_out:
        figures = measure(model) | {"steps": float(model.optimizer.iterations)}
        (out / "result.json").write_text(json.dumps(figures, indent=1) + "\n")
        logger.info("after training: %s", _shown(figures))
    return out / "weights"


def _generated(
    config: JointTrainConfig, bank: TextureBank | None, size: int
) -> SyntheticBatches | None:
    if not config.generated:
        return None
    if bank is None:
        raise ConfigError("generated pairs need photographs, or set generated=0.")
    return SyntheticBatches(
        bank,
        config.synthetic,
        ((size, size, config.generated),),
        steps=1,
        seed=config.seed,
        reuse=4,
    )


def _shown(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())


def _compiled(
    config: JointTrainConfig, trained: keras.Model, network: LightFlowConfig, size: int
) -> JointModel:
    folded = build_lightflow(network, size, size, folded=True)
    folded.set_weights(fold_lightflow(trained, network, size, size).get_weights())
    model = JointModel(folded, config.transport, config.box_weight)
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


def read_clips(
    roots: Sequence[Path], detector: Detector, config: PairConfig
) -> list[Clip]:
    """Read every clip at or below the given paths.

    Raises:
        VideoError: naming what cannot be read.
    """
    clips = []
    for path in find_clips(roots):
        clips.append(read_clip(path, detector, config))
        logger.info("%s: %d frames", path.name, len(clips[-1].pictures))
    return clips


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", type=Path, required=True)
    add("--videos", type=Path, action="append", required=True, metavar="PATH")
    add("--held-out", type=Path, action="append", default=[], metavar="PATH")
    add("--images", type=Path, action="append", default=[], metavar="FOLDER")
    add("--init", type=Path, required=True, help="weights folder to start from")
    add("--out", type=Path, required=True)
    add("--set", action="append", default=[], metavar="KEY=VALUE")
    add("--resume", action="store_true")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(1)  # threads inside small pictures only take time from training
    try:
        config = load_config(JointTrainConfig, args.config, args.set)
        if not args.resume:
            refuse_interrupted(args.out)  # reading clips may take minutes
        if config.generated and not args.images:
            raise ConfigError("generated pairs need --images, or set generated=0.")
        bank = None
        if config.generated:
            bank = read_textures(
                args.images, limit=config.images, longest_side=512, seed=config.seed
            )
        teacher = load_detector(config.detector)
        train(
            config,
            clips=read_clips(args.videos, teacher, config.pairs),
            held_out=read_clips(args.held_out, teacher, config.pairs),
            bank=bank,
            init=args.init,
            out=args.out,
            resume=args.resume,
        )
    except VodError as error:
        logger.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
