"""What a weights folder's record says of its detector; needs no network library."""

import dataclasses
from pathlib import Path
from typing import Any, Final

from detector.network_config import DetectorConfig, ssd_config
from detector.ssd_config import SsdConfig, SsdOptions
from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.weights import WeightsRecord, read_record

ANY: Final = "detector"
"""Network name of a record whose config is a `DetectorConfig`."""

SSD_MOBILENET_V1: Final = "ssd_mobilenet_v1"
"""Network name of a record whose config is an `SsdConfig`, as the shipped one's."""

NETWORKS: Final = (SSD_MOBILENET_V1, ANY)


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
            config = _whole(from_mapping(SsdConfig, record.config, source=source))
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
    return to_mapping(config)


def _whole(ssd: SsdConfig) -> DetectorConfig:
    own = {field.name for field in dataclasses.fields(SsdOptions)}
    values = {field.name: getattr(ssd, field.name) for field in dataclasses.fields(ssd)}
    common = {name: value for name, value in values.items() if name not in own}
    options = SsdOptions(**{name: values[name] for name in own})
    return DetectorConfig(head="ssd", ssd=options, **common)
