"""The configuration of the whole frame path, and the parts that it builds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from detector.postprocess import PostprocessConfig
from detector.registry import load_detector
from flow.registry import load_flow
from propagate.keyframes import FixedInterval
from propagate.pipeline import Parts
from propagate.warp import Border
from vod.config import load_config
from vod.errors import ConfigError

HOLD = "none"
"""Name of the flow that is no flow: key boxes stay where they are."""


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """Which detector, by registry name, and its weights folder (None: as shipped)."""

    name: str = "ssd_mobilenet_v1"
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """Which flow, by registry name or `none`, and its weights folder (None: shipped).

    The flow runs at half the detector's input side (paper, section 4.1).
    """

    name: str = "lightflow"
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class PropagateConfig:
    """How results travel between key frames.

    Attributes:
        keyframe_interval: the whole detector runs on every n-th frame (paper: 10).
        border: what the warp finds outside a map.
    """

    keyframe_interval: int = 10
    border: Border = "edge"

    def __post_init__(self) -> None:
        FixedInterval(self.keyframe_interval)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What runs the networks.

    Attributes:
        name: `litert` runs exported graphs, `tensorflow` the Keras models.
        threads: threads a network call; 2 suits the machines this is made for.
    """

    name: Literal["litert", "tensorflow"] = "litert"
    threads: int = 2

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f"threads must be 1 or more, received {self.threads}.")


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Everything that decides which boxes come out; written beside every result."""

    detector: DetectorChoice = field(default_factory=DetectorChoice)
    flow: FlowChoice = field(default_factory=FlowChoice)
    propagate: PropagateConfig = field(default_factory=PropagateConfig)
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)


def load_pipeline_config(
    path: Path | None = None, overrides: Sequence[str] = ()
) -> PipelineConfig:
    """Read a pipeline config; see `vod.config.load_config` for rules and errors."""
    return load_config(PipelineConfig, path, overrides)


def build_parts(config: PipelineConfig) -> Parts:
    """Load the networks that a config names.

    Raises:
        ConfigError: unknown detector or flow.
        WeightsError: weights or graphs missing, altered or of another network.
    """
    detector = load_detector(
        config.detector.name,
        weights=config.detector.weights,
        engine=config.engine.name,
        threads=config.engine.threads,
    )
    flow = None
    if config.flow.name != HOLD:
        flow = load_flow(
            config.flow.name,
            input_height=(detector.preprocessing.height + 1) // 2,
            input_width=(detector.preprocessing.width + 1) // 2,
            weights=config.flow.weights,
            engine=config.engine.name,
            threads=config.engine.threads,
        )
    return Parts(
        detector=detector,
        flow=flow,
        keyframes=FixedInterval(config.propagate.keyframe_interval),
        postprocess=config.postprocess,
        border=config.propagate.border,
    )


def with_interval(config: PipelineConfig, interval: int) -> PipelineConfig:
    """Give the same config at another key-frame interval."""
    return replace(
        config, propagate=replace(config.propagate, keyframe_interval=interval)
    )
