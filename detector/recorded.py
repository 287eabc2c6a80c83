"""What a weights folder's record says of its detector; needs no network library."""

from pathlib import Path
from typing import Any, Final

from detector.network_config import (
    DetectorConfig,
    ssd_config,
    two_stage_config,
    whole_config,
)
from detector.ssd_config import SsdConfig
from detector.two_stage_config import TwoStageConfig
from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.weights import WeightsRecord, read_record

ANY: Final = "detector"
"""Network name of a record whose config is a `DetectorConfig`."""

SSD_MOBILENET_V1: Final = "ssd_mobilenet_v1"
"""Network name of a record whose config is an `SsdConfig`, as the shipped one's."""

TWO_STAGE: Final = "two_stage"
"""Network name of a record whose config is a `TwoStageConfig`; written no more."""

NETWORKS: Final = (SSD_MOBILENET_V1, TWO_STAGE, ANY)


def read_detector_record(folder: Path) -> WeightsRecord:
    """Read the record of a detector's weights folder.

    Raises:
        WeightsError: it is missing, no record, or of something that is no detector.
    """
    record = read_record(folder)
    if record.network not in NETWORKS:
        raise WeightsError(
            f"{folder} holds weights of '{record.network}', not of a detector "
            f"({', '.join(NETWORKS)})."
        )
    return record


def config_of(folder: Path, record: WeightsRecord) -> DetectorConfig:
    """Give the checked config of a detector's weights folder.

    Raises:
        WeightsError: the record's config is wrong, or does not fit its classes or its
            preprocessing.
    """
    source = f"{folder} config"
    try:
        if record.network == SSD_MOBILENET_V1:
            config = whole_config(from_mapping(SsdConfig, record.config, source=source))
        elif record.network == TWO_STAGE:
            paper = from_mapping(TwoStageConfig, record.config, source=source)
            config = whole_config(paper)
        else:
            config = from_mapping(DetectorConfig, record.config, source=source)
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
    if len(record.classes) != config.class_count:
        raise WeightsError(
            f"the record of {folder} names {len(record.classes)} classes, but its "
            f"config says class_count {config.class_count}."
        )
    wanted = (record.preprocessing.height, record.preprocessing.width)
    if wanted != (config.input_height, config.input_width):
        raise WeightsError(
            f"the record of {folder} prepares pictures of {wanted}, but its config "
            f"takes {(config.input_height, config.input_width)}."
        )
    return config


def config_values(config: DetectorConfig, network: str) -> dict[str, Any]:
    """Give a config as the plain values that a record of this network holds."""
    if network == SSD_MOBILENET_V1:
        return to_mapping(ssd_config(config))
    if network == TWO_STAGE:
        return to_mapping(two_stage_config(config))
    return to_mapping(config)
