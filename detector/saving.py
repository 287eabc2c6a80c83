"""Write a detector's weights folder: what training leaves and everything else reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import keras

from detector.backbones.table import find_backbone
from detector.network import build_halves, copy_weights, join
from detector.network_config import DetectorConfig
from detector.recorded import ANY, config_values
from vod.errors import WeightsError
from vod.preprocess import Preprocessing
from vod.weights import WEIGHTS_FILE, WeightsRecord, save_model_weights, write_record

LICENCE: Final = "Apache-2.0"
"""Of weights that are trained here."""


def preprocessing_of(config: DetectorConfig) -> Preprocessing:
    """Give how a detector's backbone wants its picture."""
    backbone = find_backbone(config.backbone)
    return Preprocessing(
        config.input_height, config.input_width, backbone.mean, backbone.scale
    )


def save_detector(
    folder: Path,
    config: DetectorConfig,
    models: Iterable[keras.Model],
    *,
    classes: Sequence[str],
    origin: str,
    preprocessing: Preprocessing | None = None,
) -> WeightsRecord:
    """Write `weights.safetensors` and `record.json`; graphs come by `detector.export`.

    Args:
        folder: made when absent.
        config: of the detector.
        models: together have every variable of both halves, by path: the halves, or
            `features` and `detector.head_losses.head_losses(config)`.
        classes: names in label order.
        origin: where the values come from.
        preprocessing: what the weights were trained with; None is what the backbone
            wants.

    Raises:
        WeightsError: a variable is missing, a value is beyond float16 or no number, or
            the classes are not as many as the config's.
    """
    if len(classes) != config.class_count:
        raise WeightsError(
            f"{len(classes)} classes are named, but the config says class_count "
            f"{config.class_count}."
        )
    whole = join(*build_halves(config))
    copy_weights(models, whole)
    folder.mkdir(parents=True, exist_ok=True)
    save_model_weights(whole, folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network=ANY,
        preprocessing=preprocessing or preprocessing_of(config),
        origin=origin,
        licence=LICENCE,
        config=config_values(config, ANY),
        classes=tuple(classes),
    )
    return write_record(folder, record)
