"""Parameters and arithmetic of the paper's system, from the networks it is made of."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from detector.feature_network import build_feature_network
from detector.ssd_config import scaled_channels
from detector.two_stage import build_head, build_head_maps
from detector.two_stage_config import (
    MOBILENET_STRIDE_32_CHANNELS,
    TwoStageConfig,
    shared_spec,
)
from flow.lightflow import LightFlowConfig, build_lightflow
from propagate.aggregation import AggregationConfig, build_aggregation
from propagate.paper_config import PaperConfig
from propagate.paper_tables import FLOW_TABLE_SIZE
from vod.complexity import LayerCost, layer_costs

if TYPE_CHECKING:
    import keras

Runs = Literal["key", "between", "every"]

FlowCount = Literal["built", "area"]
"""How the flow network is counted.

`"built"` at the size it runs at, where halving 25 columns or 7 rows rounds up; `"area"`
at Table 2's 384x512, times the ratio of pixels. The paper's figure 4 follows the second
(`docs/paper_complexity.md`).
"""

FLOW: Final = "flow"
IMAGENET_CLASSES: Final = 1000
FLOPS_PER_MULTIPLY_ADD: Final = 2  # paper, sec. 5.1


@dataclass(frozen=True, slots=True)
class Part:
    """One network of the system.

    Attributes:
        name: what it does.
        runs: on which frames: `"key"`, those `"between"`, or `"every"`.
        layers: what each of its layers takes.
    """

    name: str
    runs: Runs
    layers: tuple[LayerCost, ...]

    @property
    def parameters(self) -> int:
        """Stored values, the statistics of normalisation among them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def gflops(self) -> float:
        """Of one run, a multiply-add as two."""
        total = sum(layer.multiply_adds for layer in self.layers)
        return total * FLOPS_PER_MULTIPLY_ADD / 1e9


def build_parts(config: PaperConfig) -> tuple[Part, ...]:
    """Build every network of a config and say when it runs.

    Aggregation works on the shared map of key frames. The RPN's and the
    position-sensitive map are made there as well and warped to the frames between,
    which run only what comes after. The flow runs on every frame; without aggregation
    key frames do not need it.
    """
    detector, flow = config.detector, config.flow
    parts = [
        Part("feature network", "key", _features(detector)),
        Part("head's maps", "key", _head_maps(detector)),
        Part("rest of the head", "every", _head(detector)),
    ]
    if config.aggregation is not None:
        layers = _aggregation(config.aggregation, detector)
        parts.insert(1, Part("aggregation", "key", layers))
    if flow is not None:
        runs: Runs = "between" if config.aggregation is None else "every"
        parts.append(Part(FLOW, runs, flow_layers(flow, *config.flow_size)))
    return tuple(parts)


def gflops_per_frame(
    config: PaperConfig, interval: int, *, flow: FlowCount = "built"
) -> float:
    """Give the mean over an interval, its key frame among it; without flow all are.

    Args:
        config: of the system.
        interval: frames from a key frame to the next.
        flow: see `FlowCount`.
    """
    key, every = shares(config, flow=flow)
    if config.flow is None:
        return key + every
    return key / interval + every


def shares(config: PaperConfig, *, flow: FlowCount = "built") -> tuple[float, float]:
    """Give GFLOPs a frame as a share that falls with the interval and one that stays.

    Returns:
        `(key, every)`: a frame at key-frame interval n takes key / n + every.
    """
    sums: dict[Runs, float] = {"key": 0.0, "between": 0.0, "every": 0.0}
    for part in build_parts(config):
        gflops = part.gflops
        if part.name == FLOW and flow == "area":
            gflops = flow_gflops_by_area(config)
        sums[part.runs] += gflops
    # n - 1 of n frames lie between.
    return sums["key"] - sums["between"], sums["every"] + sums["between"]


def flow_gflops_by_area(config: PaperConfig) -> float:
    """Give the flow network's GFLOPs at Table 2's size times the ratio of pixels."""
    if config.flow is None:
        return 0.0
    part = Part(FLOW, "every", flow_layers(config.flow, *FLOW_TABLE_SIZE))
    return part.gflops * math.prod(config.flow_size) / math.prod(FLOW_TABLE_SIZE)


def parameters(config: PaperConfig) -> int:
    """Give the stored values of all networks."""
    return sum(part.parameters for part in build_parts(config))


def classifier_parameters(config: PaperConfig) -> int:
    """Give those of the backbone's ImageNet classifier, which a detector has not.

    Weights and biases of a dense layer from MobileNet's last map to 1,000 classes.
    """
    channels = scaled_channels(MOBILENET_STRIDE_32_CHANNELS, config.detector.width)
    return (channels + 1) * IMAGENET_CLASSES


def _costs(model: "keras.Model") -> tuple[LayerCost, ...]:
    return tuple(layer_costs(model))


@lru_cache
def _features(config: TwoStageConfig) -> tuple[LayerCost, ...]:
    return _costs(build_feature_network(config))


@lru_cache
def _head_maps(config: TwoStageConfig) -> tuple[LayerCost, ...]:
    return _costs(build_head_maps(config))


@lru_cache
def _head(config: TwoStageConfig) -> tuple[LayerCost, ...]:
    return _costs(build_head(config))


@lru_cache
def _aggregation(
    config: AggregationConfig, detector: TwoStageConfig
) -> tuple[LayerCost, ...]:
    spec = shared_spec(detector)
    return _costs(
        build_aggregation(
            config, height=spec.height, width=spec.width, channels=spec.channels
        )
    )


@lru_cache
def flow_layers(
    config: LightFlowConfig, height: int, width: int
) -> tuple[LayerCost, ...]:
    """Give what LightFlow's layers take at an input size."""
    return _costs(build_lightflow(config, height, width))
