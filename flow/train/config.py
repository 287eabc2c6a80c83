"""What a training run is told; `configs/flow/*.yaml` state what differs from here."""

from dataclasses import dataclass, field
from typing import Final, Literal

from flow.augment.config import AugmentConfig, StrengthConfig
from flow.datasets.reading import AUTO, LAYOUTS
from flow.lightflow import PREDICTORS, LightFlowConfig
from flow.synthetic.config import SyntheticConfig
from flow.train.losses import FLOWNET_WEIGHTS
from vod.config import nearest
from vod.errors import ConfigError
from vod.fitting.devices import Precision
from vod.fitting.schedule import ScheduleConfig

GENERATED: Final = ("synthetic", "ops")
"""Sources that make pairs from photographs: on the processor, on the accelerator."""


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Where pairs come from.

    Attributes:
        source: `synthetic` (generated from photographs), `ops` (the same on the
            accelerator), `auto` or the layout of a data set that `--data` names, as
            `flow.datasets` lists them: chairs, sintel, kitti2015, records, ...
        split: of the data set; None for the whole.
        validation_split: of the data set, measured and never trained on; None holds
            pairs out of `split`, evenly spread.
        augment: changes of pairs of a data set; a crop has the batch's shape.
        strength: how strong they are at which step.
        workers: threads that prepare batches ahead of the training.
        things: how many shapes and cut-outs `ops` keeps on the accelerator.
        things_side: rows and columns that it draws each with.
    """

    source: str = "synthetic"
    split: str | None = None
    validation_split: str | None = None
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    strength: StrengthConfig = field(default_factory=StrengthConfig)
    workers: int = 1
    things: int = 600
    things_side: int = 224

    def __post_init__(self) -> None:
        known = (*GENERATED, AUTO, *LAYOUTS)
        if self.source not in known:
            hint = nearest(self.source, known)
            raise ConfigError(f"source cannot be '{self.source}'.{hint}")
        split = self.split or self.validation_split
        if split is not None and self.source in GENERATED:
            raise ConfigError(f"{self.source} pairs have no split '{split}'.")
        if min(self.workers, self.things, self.things_side) < 1:
            raise ConfigError(
                "workers, things and things_side must be positive, received "
                f"{self.workers}, {self.things}, {self.things_side}."
            )


@dataclass(frozen=True, slots=True)
class LossConfig:
    """What is minimised.

    Attributes:
        kind: `average` is the end-point error of the averaged prediction, the paper's;
            `multiscale` that of each of the five predictions, FlowNet's.
        weights: of a cell of each prediction, coarse to fine, for `multiscale`.
    """

    kind: Literal["average", "multiscale"] = "average"
    weights: tuple[float, ...] = FLOWNET_WEIGHTS

    def __post_init__(self) -> None:
        if len(self.weights) != len(PREDICTORS) or min(self.weights) < 0:
            raise ConfigError(
                f"weights must be {len(PREDICTORS)} numbers, none negative, received "
                f"{list(self.weights)}."
            )
        if not any(self.weights):
            raise ConfigError("weights must not all be 0.")


@dataclass(frozen=True, slots=True)
class FlowTrainConfig:
    """One training run.

    Attributes:
        network: size of the network.
        data: where pairs come from.
        synthetic: statistics of generated pairs.
        loss: what is minimised.
        schedule: length and learning rate.
        shapes: height, width and pairs of a batch, taken in turn; the first two must
            differ in every side, or all be equal.
        seed: of all chance.
        images: most photographs held in memory.
        longest_side: photographs are shrunk to this.
        reuse: uses of a generated scene, each mirrored otherwise, 1 to 4.
        weight_decay: decoupled, of the convolutions' weights only (paper: 4e-5).
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept in the end.
        folded: train without normalisations, which takes half the time on a CPU. They
            are folded into the convolutions of the starting weights first; a random
            start takes their statistics from the first batch.
        precision: of the computation; weights stay float32. `mixed_bfloat16` and
            `mixed_float16` are faster on accelerators made for them.
        distribution: `data_parallel` splits every batch over all accelerators of the
            machine, of which each shape's number of pairs must be a multiple.
        validation_pairs: held-out pairs of the same source, at most.
        snapshot_minutes: least time between two weights folders during training.
        tensorboard: write event files to `out / "events"`, where tensorboard is there.
    """

    network: LightFlowConfig = field(default_factory=LightFlowConfig)
    data: DataConfig = field(default_factory=DataConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    loss: LossConfig = field(default_factory=LossConfig)
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
    precision: Precision = "float32"
    distribution: Literal["none", "data_parallel"] = "none"
    validation_pairs: int = 64
    snapshot_minutes: float = 10.0
    tensorboard: bool = True

    def __post_init__(self) -> None:
        if not self.shapes or any(min(shape) < 1 for shape in self.shapes):
            raise ConfigError(
                "shapes must be a list of positive [height, width, pairs]."
            )
        if not 1 <= self.reuse <= 4:
            raise ConfigError(f"reuse must be 1 to 4, received {self.reuse}.")
        if not 0 < self.average < 1 or self.clip_norm <= 0:
            raise ConfigError("average must lie in (0, 1) and clip_norm be positive.")
        if self.validation_pairs < 1 or self.snapshot_minutes < 0:
            raise ConfigError(
                "validation_pairs must be positive and snapshot_minutes not negative."
            )
