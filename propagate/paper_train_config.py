"""What joint training of the paper's system is told."""

from dataclasses import dataclass, field
from typing import Literal

from detector.fit_config import PicturesConfig, StepConfig
from detector.two_stage_loss_config import TwoStageLossConfig
from propagate.paper_config import PaperConfig
from propagate.snippets import SnippetConfig
from vod.dataset.annotated import Degenerate
from vod.errors import ConfigError
from vod.fitting.schedule import ScheduleConfig


@dataclass(frozen=True, slots=True)
class PaperTrainConfig:
    """One training run.

    Attributes:
        network: the system; its `class_count` follows from `classes`.
        loss: matching, sampling and weights of the losses.
        classes: to be learnt, in label order; empty: all of the first source.
        degenerate: what becomes of boxes without area.
        schedule: length and learning rate.
        step: how a step changes weights.
        pictures: how they are drawn and changed.
        snippets: how samples of several frames are drawn.
        batch_size: samples of a step; the paper's is 1 on each of 4 accelerators.
        aggregation_start: `"random"`, or `"mean"` of state and features, for a head
            that was trained on single frames (`propagate.aggregation_start`).
        train_flow: let the flow network learn too, as the paper does.
        seed: of all chance.
        validation_frames: at most about so many are measured after every epoch, whole
            videos.
        validation_interval: frames from key frame to key frame in that measurement.
        snapshot_minutes: least time between two weights folders during training.
        tensorboard: write event files to `OUT/events`, where tensorboard is installed.
        export: write the graphs that `run_video.py` runs, at the end.
    """

    network: PaperConfig = field(default_factory=PaperConfig)
    loss: TwoStageLossConfig = field(default_factory=TwoStageLossConfig)
    classes: tuple[str, ...] = ()
    degenerate: Degenerate = "refuse"
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    step: StepConfig = field(default_factory=StepConfig)
    pictures: PicturesConfig = field(default_factory=PicturesConfig)
    snippets: SnippetConfig = field(default_factory=SnippetConfig)
    batch_size: int = 4
    aggregation_start: Literal["random", "mean"] = "random"
    train_flow: bool = True
    seed: int = 1
    validation_frames: int = 200
    validation_interval: int = 10
    snapshot_minutes: float = 10.0
    tensorboard: bool = True
    export: bool = True

    def __post_init__(self) -> None:
        names = ("batch_size", "validation_frames", "validation_interval")
        for name in names:
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} must be at least 1, received {getattr(self, name)}."
                )
