"""The paper's whole system in one config: detector, aggregation and flow."""

from dataclasses import dataclass, field

from detector.two_stage_config import TwoStageConfig
from flow.lightflow import LightFlowConfig
from propagate.aggregation import AggregationConfig
from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PaperConfig:
    """One row of the paper's tables; defaults are its largest model.

    Attributes:
        detector: the two-stage detector; its `width` is the paper's alpha.
        aggregation: of key frames; null leaves every frame to the detector alone or,
            with a flow, propagates without aggregating.
        flow: the flow network; its `width` is the paper's beta. Null runs the detector
            on every frame.
        flow_shrink: times that the flow network's input is smaller than the detector's.
    """

    detector: TwoStageConfig = field(default_factory=TwoStageConfig)
    aggregation: AggregationConfig | None = field(default_factory=AggregationConfig)
    flow: LightFlowConfig | None = field(default_factory=LightFlowConfig)
    flow_shrink: int = 2

    def __post_init__(self) -> None:
        if self.flow_shrink < 1:
            raise ConfigError(
                f"flow_shrink must be at least 1, received {self.flow_shrink}."
            )
        if self.aggregation is not None and self.flow is None:
            raise ConfigError(
                "aggregation needs a flow, which tells where the state's content went: "
                "give flow, or set aggregation to null."
            )

    @property
    def flow_size(self) -> tuple[int, int]:
        """Rows and columns of the flow network's input."""
        return (
            -(-self.detector.input_height // self.flow_shrink),
            -(-self.detector.input_width // self.flow_shrink),
        )
