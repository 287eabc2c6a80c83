"""What a run of training the box refiner is, in numbers."""

from dataclasses import dataclass, field
from pathlib import Path

from propagate.pseudo.config import PseudoConfig
from propagate.refine.batches import DrawConfig
from propagate.refine.config import RefinerConfig
from propagate.refine.subjects import FollowConfig
from propagate.train_data import PairConfig
from propagate.transport_config import TransportConfig
from vod.errors import ConfigError
from vod.fitting.schedule import ScheduleConfig


@dataclass(frozen=True, slots=True)
class RefinerTrainConfig:
    """One training run.

    Attributes:
        init: weights folder of a refiner to go on from, of the same `network`; None
            starts from the detector's first blocks.
        detector: registry name of the teacher, whose backbone the trunk starts from.
        network: size of the network.
        clips: how videos are read.
        follow: how the detector's boxes become objects with a past.
        draw: how examples are drawn.
        pseudo_video: how pictures with boxes are set in motion, for `draw.pseudo`.
        snippets: so many are made of them, where `draw.pseudo` is more than 0.
        labelled_clips: most annotated videos that are read.
        transport: how boxes are carried.
        schedule: length and learning rate.
        batch_size: examples a step.
        frozen_blocks: the stem and so many of the trunk's blocks stay as they are.
        seed: of all chance.
        weight_decay: decoupled.
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept.
        every: frames between two corrections where agreement is measured.
        snapshot_minutes: least time between two weights folders during training.
    """

    init: Path | None = None
    detector: str = "ssd_mobilenet_v1"
    network: RefinerConfig = field(default_factory=RefinerConfig)
    clips: PairConfig = field(default_factory=PairConfig)
    follow: FollowConfig = field(default_factory=FollowConfig)
    draw: DrawConfig = field(default_factory=DrawConfig)
    pseudo_video: PseudoConfig = field(default_factory=PseudoConfig)
    snippets: int = 60
    labelled_clips: int = 300
    transport: TransportConfig = field(default_factory=TransportConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    batch_size: int = 64
    frozen_blocks: int = 5
    seed: int = 1
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    average: float = 0.995
    every: int = 5
    snapshot_minutes: float = 5.0

    def __post_init__(self) -> None:
        counts = ("batch_size", "every", "snippets", "labelled_clips")
        if min(getattr(self, name) for name in counts) < 1:
            raise ConfigError(f"{', '.join(counts)} must be 1 or more.")
        if not 0 <= self.frozen_blocks <= self.network.blocks:
            raise ConfigError(
                f"frozen_blocks must lie in 0 to {self.network.blocks}, received "
                f"{self.frozen_blocks}."
            )
        if not 0 < self.average < 1 or self.clip_norm <= 0:
            raise ConfigError("average must lie in (0, 1) and clip_norm be positive.")
