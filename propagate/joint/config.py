"""What a run of joint training is, in numbers."""

from dataclasses import dataclass, field

from flow.synthetic.config import NearFramesConfig
from propagate.pseudo.config import PseudoConfig
from propagate.train_data import PairConfig
from propagate.transport_config import TransportConfig
from vod.errors import ConfigError
from vod.fitting.schedule import ScheduleConfig


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
        pseudo: pairs in a batch of pictures with boxes set in motion (`--stills`).
        pseudo_video: how these move.
        labelled: pairs in a batch of annotated videos (`--labelled`), whose tracks
            take the place of the detector's boxes.
        interval: most frames between the two pictures of an annotated pair: key frame
            and current frame.
        labelled_clips: most annotated videos that are read.
        box_weight: of the box loss beside the flow loss.
        passes: of the network over a pair, see `propagate.joint.passes`.
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
    pseudo: int = 0
    pseudo_video: PseudoConfig = field(default_factory=PseudoConfig)
    labelled: int = 0
    interval: int = 10
    labelled_clips: int = 300
    box_weight: float = 1.0
    passes: int = 1
    seed: int = 1
    images: int = 800
    weight_decay: float = 4e-5
    clip_norm: float = 1.0
    average: float = 0.998
    snapshot_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.real < 1 or min(self.generated, self.pseudo, self.labelled) < 0:
            raise ConfigError("a batch needs at least 1 real pair, and no negative.")
        if self.passes < 1:
            raise ConfigError(f"passes must be 1 or more, received {self.passes}.")
        if self.interval < 1 or self.labelled_clips < 1:
            raise ConfigError("interval and labelled_clips must be 1 or more.")
        if not 0 < self.input_share <= 1:
            raise ConfigError(
                f"input_share must lie in (0, 1], received {self.input_share}."
            )
        if not 0 < self.average < 1 or min(self.clip_norm, self.box_weight) <= 0:
            raise ConfigError(
                "average must lie in (0, 1); clip_norm and box_weight be positive."
            )
