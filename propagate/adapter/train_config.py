"""How the adapter of warped maps is trained, in numbers."""

from dataclasses import dataclass, field

from propagate.train_data import PairConfig
from vod.errors import ConfigError
from vod.fitting.schedule import ScheduleConfig


def _up_to_an_interval() -> PairConfig:
    return PairConfig(distances=tuple(range(1, 11)))


@dataclass(frozen=True, slots=True)
class MapsTrainConfig:
    """One training run.

    Attributes:
        detector: registry name of the teacher, which stays as it is.
        flow: registry name of what maps are warped along. A classical one stays as it
            is, `lightflow` is trained through the warp.
        input_share: side of the flow's input as a share of the detector's.
        channels: see `AdapterConfig`.
        pairs: frames between key frame and current frame, and how pictures are changed.
        schedule: length and learning rate.
        batch_size: pairs a step.
        scores: weight of the class scores in the loss.
        boxes: of the boxes with their sizes.
        maps: of the maps themselves.
        seed: of all chance.
        weight_decay: decoupled.
        clip_norm: greatest norm of a step's gradient.
        average: momentum of the moving average of the weights that is kept.
        snapshot_minutes: least time between two weights folders during training.
    """

    detector: str = "ssd_mobilenet_v1"
    flow: str = "dis-ultrafast"
    input_share: float = 1.0
    channels: int = 64
    pairs: PairConfig = field(default_factory=_up_to_an_interval)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    batch_size: int = 8
    scores: float = 1.0
    boxes: float = 1.0
    maps: float = 0.2
    seed: int = 1
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    average: float = 0.98
    snapshot_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.batch_size < 1 or not 0 < self.input_share <= 1:
            raise ConfigError("batch_size must be 1 or more, input_share in (0, 1].")
        if min(self.scores, self.boxes, self.maps) < 0:
            raise ConfigError("weights of scores, boxes, maps must not be negative.")
        if not 0 < self.average < 1 or self.clip_norm <= 0:
            raise ConfigError("average must lie in (0, 1) and clip_norm be positive.")
