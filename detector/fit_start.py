"""What a training of a detector starts from: weights of another one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import keras

from detector.backbones.initial import IMAGENET as IMAGENET
from detector.backbones.initial import initialise_backbone, stored
from detector.network_config import DetectorConfig
from detector.recorded import NETWORKS, config_of
from detector.saving import preprocessing_of
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing
from vod.weights import WeightsRecord, read_record

CLASS_LAYERS: Final[Mapping[str, str]] = {
    "ssd": "predictor_",  # boxes and classes of a level are one layer
    "two_stage": "region_logits/",
    "fcos": "class_logits/",
}
"""By head, how variables begin whose sizes follow from the number of classes."""

SAME: Final = ("head", "backbone", "width", "normalization")
"""What two detectors share of which one starts from all values of the other."""


def starting_preprocessing(config: DetectorConfig, init: str) -> Preprocessing:
    """Give how pictures are normalised: as the weights that are started from want it.

    Raises:
        WeightsError: there are no weights in `init`.
    """
    if init in ("", IMAGENET):
        return preprocessing_of(config)
    known = read_record(Path(init)).preprocessing
    return Preprocessing(
        config.input_height, config.input_width, mean=known.mean, scale=known.scale
    )


def origin_of(init: str) -> str:
    """Say what is started from, for a record.

    Raises:
        WeightsError: there are no weights in `init`.
    """
    if init == IMAGENET:
        return "the backbone's ImageNet weights of keras.applications"
    return read_record(Path(init)).origin


def start_from(
    models: Sequence[keras.Model],
    config: DetectorConfig,
    init: str,
    *,
    classes: Sequence[str],
    new_classes: bool = False,
) -> list[str]:
    """Fill a detector's models from weights.

    A detector of the same head and backbone gives all its values; any other gives those
    of its backbone, as ImageNet does.

    Args:
        models: hold the detector's variables, the first one its backbone; a variable
            that is not given a value keeps its own.
        config: of the detector.
        init: `"imagenet"`, or a weights folder: of a detector, or of a backbone as
            `detector.convert mobilenet_v1_slim` writes it.
        classes: names in label order.
        new_classes: the folder is of other classes: their layers keep their values.

    Returns:
        Paths of the variables that were filled.

    Raises:
        ConfigError: the network in the folder has another shape.
        WeightsError: damaged, of another kind, or of other classes.
    """
    if init != IMAGENET:
        folder = Path(init)
        record = read_record(folder)
        if record.network in NETWORKS:
            theirs = config_of(folder, record)
            if all(getattr(theirs, key) == getattr(config, key) for key in SAME):
                if not new_classes:
                    check_classes_fit(folder, record, classes)
                skipped = CLASS_LAYERS[config.head] if new_classes else None
                return _fill(models, folder, skipped=skipped)
            _check_folding(folder, theirs, config)
    return initialise_backbone(models[0], config, init)


def _fill(
    models: Sequence[keras.Model], folder: Path, *, skipped: str | None
) -> list[str]:
    tensors = stored(folder)
    variables = [variable for model in models for variable in model.weights]
    wanted = [v for v in variables if not (skipped and v.path.startswith(skipped))]
    for variable in wanted:
        values = tensors.get(variable.path)
        shape = None if values is None else values.shape
        if values is None or shape != tuple(variable.shape):
            raise ConfigError(
                f"{folder} does not fit the config: {variable.path} must have shape "
                f"{tuple(variable.shape)}, received {shape}. Look at the head's own "
                "numbers in network."
            )
    for variable in wanted:
        variable.assign(tensors[variable.path])
    return [variable.path for variable in wanted]


def _check_folding(
    folder: Path, theirs: DetectorConfig, config: DetectorConfig
) -> None:
    if theirs.normalization == "none" and config.normalization != "none":
        raise ConfigError(
            f"{folder} has its normalisation folded into biases: set "
            "network.normalization=none to start from it."
        )


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
