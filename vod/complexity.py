"""How much arithmetic a network takes, counted from the graph that was built."""

import math
from typing import TYPE_CHECKING, Any

from vod.errors import ShapeError

if TYPE_CHECKING:
    import keras


def count_multiply_adds(model: "keras.Model") -> int:
    """Count the multiply-adds of one input: convolutions and dense layers.

    Papers' FLOPs are twice this. Biases, normalisation, activations and enlarging are
    left out, as is usual.

    Args:
        model: functional, with static spatial sizes; models inside it are counted too.

    Raises:
        ShapeError: a layer's output size is not static.
    """
    import keras

    counted = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.Dense,
    )
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += count_multiply_adds(layer)
        elif isinstance(layer, keras.layers.SeparableConv2D):
            raise ShapeError(
                f"{layer.name}: SeparableConv2D hides its middle map; build it of "
                "DepthwiseConv2D and Conv2D to count it."
            )
        elif isinstance(layer, counted):
            total += _cells(layer) * math.prod(layer.kernel.shape)
    return total


def _cells(layer: Any) -> int:
    """Give the number of places at which a layer's kernel is applied."""
    shape = tuple(layer.output.shape)
    places = shape[1:-1]
    if None in places:
        raise ShapeError(
            f"{layer.name} gives {shape}: build the model with a fixed height and "
            "width to count its multiply-adds."
        )
    return math.prod(places)
