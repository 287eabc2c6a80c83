"""The paper's networks together: built, started, stored and loaded as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from detector.feature_network import build_feature_network
from detector.network import copy_weights
from detector.two_stage import build_head, build_head_maps
from detector.two_stage_config import shared_spec
from detector.two_stage_loss_config import TwoStageLossConfig
from detector.two_stage_losses import two_stage_losses
from flow.lightflow import (
    LightFlowConfig,
    build_lightflow,
    fold_into,
    unfold_lightflow,
)
from propagate.aggregation import build_aggregation
from propagate.paper_config import PaperConfig
from propagate.paper_detector import NETWORK
from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing
from vod.weights import (
    WEIGHTS_FILE,
    WeightsRecord,
    load_model_weights,
    read_record,
    save_model_weights,
    verified_file,
    write_record,
)


@dataclass(frozen=True, eq=False, slots=True)
class PaperNetworks:
    """Every network of the system.

    Attributes:
        config: of the system; it has a flow.
        features: image to shared map.
        aggregation: see `build_aggregation`; None where nothing is aggregated.
        head_maps: shared map to the head's maps.
        head: those maps to boxes and scores.
        flow: LightFlow without normalisations, at the size it runs at.
        losses: the head's maps and objects to losses; None where nothing is trained.
    """

    config: PaperConfig
    features: keras.Model
    aggregation: keras.Model | None
    head_maps: keras.Model
    head: keras.Model
    flow: keras.Model
    losses: keras.Model | None = None

    def refresh(self) -> None:
        """Copy what the losses learnt to the head that detects."""
        if self.losses is not None:
            copy_weights([self.losses], self.head)


def build_paper_networks(
    config: PaperConfig, loss: TwoStageLossConfig | None = None
) -> PaperNetworks:
    """Build the system with values at random.

    Args:
        config: of the system.
        loss: builds the losses too.

    Raises:
        ConfigError: the config has no flow.
    """
    aggregation = None
    if config.aggregation is not None:
        spec = shared_spec(config.detector)
        size = {"height": spec.height, "width": spec.width}
        aggregation = build_aggregation(
            config.aggregation, **size, channels=spec.channels
        )
    return PaperNetworks(
        config,
        build_feature_network(config.detector),
        aggregation,
        build_head_maps(config.detector),
        build_head(config.detector),
        build_lightflow(flow_config(config), *config.flow_size, folded=True),
        None if loss is None else two_stage_losses(config.detector, loss),
    )


def flow_config(config: PaperConfig) -> LightFlowConfig:
    """Give the config of the flow.

    Raises:
        ConfigError: there is none.
    """
    if config.flow is None:
        raise ConfigError(
            "flow is null: a detector without flow trains by python -m detector.fit."
        )
    return config.flow


def write_paper(
    networks: PaperNetworks,
    folder: Path,
    *,
    classes: Sequence[str],
    preprocessing: Preprocessing,
    origin: str,
) -> None:
    """Write the weights folder of a system; values are rounded to float16, on disk.

    The flow is stored with normalisations, as in all weights folders.
    """
    networks.refresh()
    folder.mkdir(parents=True, exist_ok=True)
    flow = unfold_lightflow(networks.flow, flow_config(networks.config))
    save_model_weights(_Owner(networks, flow), folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network=NETWORK,
        preprocessing=preprocessing,
        origin=origin,
        licence="Apache-2.0",
        config=to_mapping(networks.config),
        classes=tuple(classes),
    )
    write_record(folder, record)


def load_paper(folder: Path) -> tuple[PaperNetworks, WeightsRecord]:
    """Build the system of a weights folder and fill it.

    Raises:
        WeightsError: a file is missing or altered, or the record is of another network.
    """
    record = read_record(folder, network=NETWORK)
    try:
        config = from_mapping(PaperConfig, record.config, source=f"{folder} config")
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
    if len(record.classes) != config.detector.class_count:
        raise WeightsError(
            f"the record of {folder} names {len(record.classes)} classes, but its "
            f"config says class_count {config.detector.class_count}."
        )
    networks = build_paper_networks(config)
    flow = build_lightflow(flow_config(config))
    owner = _Owner(networks, flow)
    load_model_weights(owner, verified_file(folder, WEIGHTS_FILE, record))
    fold_into(flow, networks.flow)
    return networks, record


def with_classes(config: PaperConfig, count: int) -> PaperConfig:
    """Give the same system for another number of classes."""
    return replace(config, detector=replace(config.detector, class_count=count))


class _Owner(keras.Model):
    """Holds the variables of a weights folder; is never called."""

    def __init__(self, networks: PaperNetworks, flow: keras.Model) -> None:
        super().__init__(name=NETWORK)
        parts: list[Any] = [networks.features, networks.head_maps, networks.head, flow]
        if networks.aggregation is not None:
            parts.append(networks.aggregation)
        self.parts = parts
