"""The adapter: a small residual network on each warped map, the identity at first."""

from pathlib import Path
from typing import Any

import keras
from keras import layers

from propagate.adapter.adapted import NETWORK
from propagate.adapter.config import AdapterConfig
from vod.weights import WEIGHTS_FILE, load_model_weights, read_record, verified_file


def build_adapter(
    config: AdapterConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build warped maps to maps of the same shapes, `map_0`, `map_1`, ...

    Each is corrected on its own: 1x1 to few channels, 3x3 in each of them, 1x1 back,
    added. The last starts at zero, so that an untrained adapter changes nothing.
    """
    inputs, outputs = [], []
    for index, shape in enumerate(config.maps):
        warped = keras.Input(shape, batch_size, name=f"map_{index}")
        inputs.append(warped)
        outputs.append(_corrected(warped, f"map_{index}", config.channels))
    # Keras tells a list of one from the tensor itself.
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs, name=NETWORK)


def _corrected(warped: Any, name: str, channels: int) -> Any:
    x = layers.Conv2D(channels, 1, activation="relu", name=f"{name}_narrow")(warped)
    x = layers.DepthwiseConv2D(
        3, padding="same", activation="relu", name=f"{name}_spread"
    )(x)
    change = layers.Conv2D(
        warped.shape[-1], 1, kernel_initializer="zeros", name=f"{name}_change"
    )(x)
    return layers.Add(name=f"{name}_adapted")([warped, change])


def load_adapter_model(
    folder: Path, config: AdapterConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build the network and fill it from a weights folder.

    Raises:
        WeightsError: a file is missing or altered, or does not fit the config.
    """
    model = build_adapter(config, batch_size=batch_size)
    record = read_record(folder, network=NETWORK)
    load_model_weights(model, verified_file(folder, WEIGHTS_FILE, record))
    return model
