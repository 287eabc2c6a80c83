"""Where the GRU begins when what is around it has learnt already."""

import keras
import numpy as np

from propagate.aggregation import AggregationConfig

REST = 0.1
"""Of Keras' random values, so that the channels do not stay alike."""


def begin_as_mean(model: keras.Model, config: AggregationConfig) -> None:
    """Let each layer give about the mean of its state and what it sees.

    With z = 1/2, Wh the identity and Uh = 0 in equation 6, and features that no ReLU
    changes, new = (S + F) / 2: a head trained on single frames finds its way at once,
    where a random GRU would show it nothing that it knows. The other values are a tenth
    of Keras' beginning.

    Args:
        model: of `build_aggregation(config, ...)`; is changed.
        config: of that model.
    """
    for index in range(1, config.layers + 1):
        for part in ("w", "u", "uh"):
            kernel = model.get_layer(f"gru_{index}_{part}").kernel
            values = REST * np.asarray(kernel)
            if part == "w":
                channels = values.shape[2]
                middle = values.shape[0] // 2
                values[middle, middle, :, 2 * channels :] += np.eye(channels)
            kernel.assign(values)
