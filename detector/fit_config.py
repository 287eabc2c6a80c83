"""What a training of a detector from labels is told."""

from dataclasses import dataclass, field
from typing import Literal

from detector.network_config import DetectorConfig
from detector.train_augment import AugmentConfig
from detector.two_stage_loss_config import TwoStageLossConfig
from vod.dataset.annotated import Degenerate
from vod.errors import ConfigError
from vod.fitting.devices import Precision
from vod.fitting.schedule import ScheduleConfig


@dataclass(frozen=True, slots=True)
class StepConfig:
    """How a step changes weights.

    Attributes:
        optimizer: `"adamw"`, or `"sgd"` with a momentum of .9, the paper's.
        weight_decay: of the kernels only.
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept in the end.
        frozen_blocks: the stem and so many of MobileNet V1's blocks stay as they are.
        frozen_normalization: BatchNorm that starts from other weights keeps its
            statistics, factors and offsets, as in the released configurations; batches
            of a detector are small.
        precision: of the computation; weights stay float32.
        distribution: `data_parallel` splits every batch over all accelerators of the
            machine, of which `batch_size` must be a multiple.
    """

    optimizer: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = 5e-4
    clip_norm: float = 10.0
    average: float = 0.998
    frozen_blocks: int = 0
    frozen_normalization: bool = True
    precision: Precision = "float32"
    distribution: Literal["none", "data_parallel"] = "none"

    def __post_init__(self) -> None:
        if not 0 < self.average < 1 or self.clip_norm <= 0 or self.weight_decay < 0:
            raise ConfigError(
                "average must lie in (0, 1), clip_norm be positive and weight_decay "
                "not negative."
            )
        if not 0 <= self.frozen_blocks <= 13:
            raise ConfigError(
                f"frozen_blocks must lie in 0 to 13, received {self.frozen_blocks}."
            )


@dataclass(frozen=True, slots=True)
class PicturesConfig:
    """How pictures are drawn, kept and changed.

    Attributes:
        shares: of a batch that each source gets, in their order; empty: equal ones.
        augment: how pictures are changed.
        longest_side: pixels that a picture is shrunk to when it is read, before it is
            cut; null leaves it.
        keep: hold pictures in memory once they are read.
        workers: threads that prepare batches ahead of the training.
    """

    shares: tuple[float, ...] = ()
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    longest_side: int | None = None
    keep: bool = False
    workers: int = 1

    def __post_init__(self) -> None:
        if self.shares and min(self.shares) <= 0:
            raise ConfigError(f"shares must be positive, received {list(self.shares)}.")
        if self.workers < 1:
            raise ConfigError(f"workers must be at least 1, received {self.workers}.")
        if self.longest_side is not None and self.longest_side < 32:
            raise ConfigError(
                f"longest_side must be at least 32, received {self.longest_side}."
            )


@dataclass(frozen=True, slots=True)
class DetectorFitConfig:
    """One training run.

    Attributes:
        network: any backbone with any head; its `class_count` follows from `classes`.
        loss: matching, sampling and weights of the two-stage head's losses. Of the
            others count `objects`, `class_weight` and `box_weight`.
        init: `"imagenet"`, or a weights folder, see `detector.fit_start`; empty starts
            from random weights. `--init` goes before it.
        classes: to be learnt, in label order; empty: all of the first source.
        degenerate: what becomes of boxes without area.
        schedule: length and learning rate.
        step: how a step changes weights.
        pictures: how they are drawn and changed.
        batch_size: pictures of a step.
        new_classes: start the layers that tell classes apart anew, where `init` was
            trained for others.
        seed: of all chance.
        validation_pictures: at most so many are measured after every epoch.
        snapshot_minutes: least time between two weights folders during training.
        tensorboard: write event files to `OUT/events`, where tensorboard is installed.
        export: write the graphs that `run_video.py` runs, at the end.
    """

    network: DetectorConfig = field(default_factory=DetectorConfig)
    loss: TwoStageLossConfig = field(default_factory=TwoStageLossConfig)
    init: str = ""
    classes: tuple[str, ...] = ()
    degenerate: Degenerate = "refuse"
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    step: StepConfig = field(default_factory=StepConfig)
    pictures: PicturesConfig = field(default_factory=PicturesConfig)
    batch_size: int = 16
    new_classes: bool = False
    seed: int = 1
    validation_pictures: int = 200
    snapshot_minutes: float = 10.0
    tensorboard: bool = True
    export: bool = True

    def __post_init__(self) -> None:
        backbone = self.network.backbone
        if self.step.frozen_blocks and backbone != "mobilenet_v1":
            raise ConfigError(
                f"step.frozen_blocks counts MobileNet V1's blocks: set it to 0 for "
                f"{backbone}."
            )
        if self.batch_size < 1 or self.validation_pictures < 1:
            raise ConfigError(
                "batch_size and validation_pictures must be at least 1, received "
                f"{self.batch_size} and {self.validation_pictures}."
            )
        if len(set(self.classes)) < len(self.classes):
            raise ConfigError(f"classes names one twice: {', '.join(self.classes)}.")
