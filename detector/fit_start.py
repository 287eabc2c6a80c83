"""What a training of a detector starts from: weights of another one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import safetensors.numpy

from detector.two_stage_config import TwoStageConfig
from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing
from vod.weights import WEIGHTS_FILE, WeightsRecord, read_record, verified_file

NETWORK: Final = "two_stage"
"""Name of the detector in a weights record."""

CLASS_LAYERS: Final = ("region_logits/",)
"""Where variables begin whose sizes follow from the number of classes."""

BACKBONE: Final = "Conv2d_"
"""How the layers of MobileNet V1 begin, whichever detector stands on it."""


def starting_preprocessing(config: TwoStageConfig, init: Path | None) -> Preprocessing:
    """Give how pictures are normalised: as the weights that are started from want it.

    Raises:
        WeightsError: there are no weights in `init`.
    """
    size = (config.input_height, config.input_width)
    if init is None:
        return Preprocessing(*size)
    known = read_record(init).preprocessing
    return Preprocessing(*size, mean=known.mean, scale=known.scale)


def start_from(
    models: Sequence[keras.Model],
    config: TwoStageConfig,
    init: Path,
    *,
    classes: Sequence[str],
    new_classes: bool = False,
) -> list[str]:
    """Fill a detector's models from a weights folder.

    A two-stage detector gives all its values; an SSD on MobileNet V1 gives those of its
    backbone.

    Args:
        models: hold the detector's variables; one that a file lacks keeps its value
            where that is allowed, see `new_classes`.
        config: of the detector.
        init: weights folder.
        classes: names in label order.
        new_classes: the folder is of other classes: their layers keep their values.

    Returns:
        Paths of the variables that were filled.

    Raises:
        ConfigError: the folder's network has another shape.
        WeightsError: damaged, of another kind, or of other classes.
    """
    record = read_record(init)
    if record.network == NETWORK:
        if not new_classes:
            check_classes_fit(init, record, classes)
        skipped = CLASS_LAYERS if new_classes else ()
        wanted = [v for v in _variables(models) if not v.path.startswith(skipped)]
    elif record.network == "ssd_mobilenet_v1":
        if config.normalization != "none":
            raise ConfigError(
                f"{init} has its normalisation folded into biases: set "
                "network.normalization=none to start from it."
            )
        wanted = [v for v in _variables(models) if v.path.startswith(BACKBONE)]
    else:
        raise WeightsError(
            f"{init} holds a '{record.network}'; training starts from a '{NETWORK}' or "
            "an 'ssd_mobilenet_v1'."
        )
    tensors = safetensors.numpy.load_file(verified_file(init, WEIGHTS_FILE, record))
    for variable in wanted:
        values = tensors.get(variable.path)
        shape = None if values is None else values.shape
        if values is None or shape != tuple(variable.shape):
            raise ConfigError(
                f"{init} does not fit the config: {variable.path} must have shape "
                f"{tuple(variable.shape)}, received {shape}. Look at network.width."
            )
        variable.assign(values.astype(np.float32))
    return [variable.path for variable in wanted]


def two_stage_config_of(folder: Path, record: WeightsRecord) -> TwoStageConfig:
    """Give the checked config of a weights folder of a two-stage detector.

    Raises:
        WeightsError: it is of another network, or its config is wrong.
    """
    if record.network != NETWORK:
        raise WeightsError(f"{folder} holds a '{record.network}', not a '{NETWORK}'.")
    try:
        config = from_mapping(TwoStageConfig, record.config, source=f"{folder} config")
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
    if len(record.classes) != config.class_count:
        raise WeightsError(
            f"the record of {folder} names {len(record.classes)} classes, but its "
            f"config says class_count {config.class_count}."
        )
    return config


def two_stage_record(
    config: TwoStageConfig,
    classes: Sequence[str],
    preprocessing: Preprocessing,
    origin: str,
) -> WeightsRecord:
    """Describe a trained two-stage detector."""
    return WeightsRecord(
        network=NETWORK,
        preprocessing=preprocessing,
        origin=origin,
        licence="Apache-2.0",
        config=to_mapping(config),
        classes=tuple(classes),
    )


def _variables(models: Sequence[keras.Model]) -> list[keras.Variable]:
    return [variable for model in models for variable in model.weights]


def check_classes_fit(
    folder: Path, record: WeightsRecord, classes: Sequence[str]
) -> None:
    """Make sure that weights were trained for the classes of the data.

    Raises:
        WeightsError: for others, or in another order.
    """
    if record.classes != tuple(classes):
        raise WeightsError(
            f"{folder} was trained for the classes {', '.join(record.classes)}, but "
            f"the data has {', '.join(classes)}. Give the same classes in the same "
            "order, or let detector.fit start their layers anew with --set "
            "new_classes=true."
        )
