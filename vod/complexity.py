"""How much arithmetic a network takes, counted from the graph that was built."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vod.errors import ShapeError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one layer takes for one input.

    Attributes:
        name: the layer's; models inside models put theirs before it, with a slash.
        kind: the layer's class.
        output: its output's shape without the batch, for example `14x25x128`; the first
            one of a layer that is applied to several maps.
        parameters: that are stored, the statistics of normalisation among them.
        multiply_adds: of all its applications; papers' FLOPs are twice this.
    """

    name: str
    kind: str
    output: str
    parameters: int
    multiply_adds: int


def count_multiply_adds(model: "keras.Model") -> int:
    """Count the multiply-adds of one input: convolutions and dense layers.

    Papers' FLOPs are twice this. Biases, normalisation, activations and enlarging are
    left out, as is usual.

    Args:
        model: functional, with static spatial sizes; models inside it are counted too.

    Raises:
        ShapeError: a layer's output size is not static, or it holds weights of a kind
            that is not counted.
    """
    return sum(cost.multiply_adds for cost in layer_costs(model))


def layer_costs(model: "keras.Model") -> list[LayerCost]:
    """List the layers that hold weights, in the graph's order; see above for the rest.

    A layer that is applied to several maps is one entry, with the work of all of them.
    """
    import keras

    normalising = (
        keras.layers.BatchNormalization,
        keras.layers.LayerNormalization,
        keras.layers.Normalization,
    )
    counted = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.Dense,
    )
    costs = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            for cost in layer_costs(layer):
                costs.append(
                    LayerCost(
                        f"{layer.name}/{cost.name}",
                        cost.kind,
                        cost.output,
                        cost.parameters,
                        cost.multiply_adds,
                    )
                )
        elif isinstance(layer, keras.layers.SeparableConv2D):
            raise ShapeError(
                f"{layer.name}: SeparableConv2D hides its middle map; build it of "
                "DepthwiseConv2D and Conv2D to count it."
            )
        elif isinstance(layer, counted):
            kernel = math.prod(layer.kernel.shape)
            outputs = _outputs(layer, model)
            cells = sum(_cells(layer, output) for output in outputs)
            costs.append(_cost(layer, outputs[0], cells * kernel))
        elif isinstance(layer, normalising):
            costs.append(_cost(layer, _outputs(layer, model)[0], 0))
        elif layer.weights:
            raise ShapeError(
                f"{layer.name}: the multiply-adds of a {type(layer).__name__} are not "
                "known; build it of Conv2D, DepthwiseConv2D and Dense to count it."
            )
    return costs


def _outputs(layer: Any, model: "keras.Model") -> list[Any]:
    """Give what a layer puts out in a model, once for each time that it is applied.

    There is no public way to ask a shared layer for all of its outputs.
    """
    if len(layer._inbound_nodes) == 1:
        return [layer.output]
    own = {id(node) for depth in model._nodes_by_depth.values() for node in depth}
    return [node.output_tensors[0] for node in layer._inbound_nodes if id(node) in own]


def _cost(layer: Any, output: Any, multiply_adds: int) -> LayerCost:
    return LayerCost(
        name=layer.name,
        kind=type(layer).__name__,
        output="x".join(map(str, output.shape[1:])),
        parameters=sum(math.prod(weight.shape) for weight in layer.weights),
        multiply_adds=multiply_adds,
    )


def _cells(layer: Any, output: Any) -> int:
    """Give the number of places at which a layer's kernel is applied for an output."""
    shape = tuple(output.shape)
    places = shape[1:-1]
    if None in places:
        raise ShapeError(
            f"{layer.name} gives {shape}: build the model with a fixed height and "
            "width to count its multiply-adds."
        )
    return math.prod(places)
