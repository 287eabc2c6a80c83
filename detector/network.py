"""Any backbone with any head as two Keras models, so that propagation fits between."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras

import detector.fcos
import detector.ssd
import detector.two_stage
from detector.network_config import DetectorConfig, ssd_config, two_stage_config
from detector.ssd import join as join
from vod.errors import WeightsError
from vod.weights import load_model_weights

HalfBuilder = Callable[[DetectorConfig, int | None], keras.Model]


@dataclass(frozen=True, slots=True)
class Head:
    """How a head's two halves are built; both take a config and a batch size."""

    features: HalfBuilder
    head: HalfBuilder


HEADS: Final[Mapping[str, Head]] = {
    "ssd": Head(
        lambda config, size: detector.ssd.build_features(
            ssd_config(config), batch_size=size
        ),
        lambda config, size: detector.ssd.build_head(
            ssd_config(config), batch_size=size
        ),
    ),
    "two_stage": Head(
        lambda config, size: detector.two_stage.build_features(
            two_stage_config(config), batch_size=size
        ),
        lambda config, size: detector.two_stage.build_head(
            two_stage_config(config), batch_size=size
        ),
    ),
    "fcos": Head(
        lambda config, size: detector.fcos.build_features(config, batch_size=size),
        lambda config, size: detector.fcos.build_head(config, batch_size=size),
    ),
}
"""By the names that `DetectorConfig.head` takes."""


def build_halves(
    config: DetectorConfig, *, batch_size: int | None = None
) -> tuple[keras.Model, keras.Model]:
    """Build a detector with values at random.

    Args:
        config: of the detector.
        batch_size: pictures in a batch; None takes any. Exporting needs it.

    Returns:
        `features`: `image` `(B, input_height, input_width, 3)`, normalised, to the maps
        that `detector.network_config.map_specs(config)` describes, in that order.

        `head`: those maps to `boxes` `(B, N, 4)`, x1, y1, x2, y2 in detector-input
        pixels, and `scores` `(B, N, class_count)` in [0, 1].
    """
    head = HEADS[config.head]
    return head.features(config, batch_size), head.head(config, batch_size)


def load_halves(
    config: DetectorConfig, weights: Path, *, batch_size: int | None = None
) -> tuple[keras.Model, keras.Model]:
    """Build both halves and fill them from a weights file.

    Raises:
        WeightsError: the file does not fit the config.
    """
    features, head = build_halves(config, batch_size=batch_size)
    load_model_weights(join(features, head), weights)
    return features, head


def copy_weights(sources: Iterable[keras.Model], target: keras.Model) -> None:
    """Give every variable of a model the value of the one with the same path.

    Args:
        sources: together have all of the target's paths; more do not matter.
        target: is filled.

    Raises:
        WeightsError: a variable is in no source, or has another shape there.
    """
    found = {variable.path: variable for model in sources for variable in model.weights}
    for variable in target.weights:
        source = found.get(variable.path)
        if source is None or tuple(source.shape) != tuple(variable.shape):
            received = None if source is None else tuple(source.shape)
            raise WeightsError(
                f"the weights do not fit the config: {variable.path} must have shape "
                f"{tuple(variable.shape)}, received {received}."
            )
    for variable in target.weights:
        variable.assign(found[variable.path].value)
