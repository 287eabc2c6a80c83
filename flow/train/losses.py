"""What flow training minimises, for any backend of Keras.

Truth is `(B, h, w, 2)` pixels of the network's input, on its output grid, or
`(B, h, w, 3)` with a weight in the last channel: 0 where the flow is unknown.
"""

from collections.abc import Sequence
from typing import Any, Final

import keras
from keras import ops

from flow.lightflow import FLOW_UNIT_PX, PREDICTORS

FLAT: Final = 1e-6
"""Added under the root, whose slope is infinite at 0, where static scenes are."""

FLOWNET_WEIGHTS: Final = (0.32, 0.08, 0.02, 0.01, 0.005)
"""Of the predictions, coarse to fine (FlowNet; flownet2-tf, flownet_s.py)."""


def split_truth(truth: Any) -> tuple[Any, Any]:
    """Give the `(B, h, w, 2)` flow of a target, and its `(B, h, w, 1)` weight."""
    truth = ops.cast(truth, "float32")
    if truth.shape[-1] == 2:
        return truth, ops.ones_like(truth[..., :1])
    return truth[..., :2], truth[..., 2:]


def end_point_error(truth: Any, flow: Any) -> Any:
    """Give the mean end-point error of `(B, h, w, 2)` flow, in its unit.

    Cells count as much as the weight in their third channel, if there is one.
    """
    known, weight = split_truth(truth)
    return _weighted_error(known, weight, ops.cast(flow, "float32"))


def training_loss(truth: Any, flow: Any) -> Any:
    """Give the mean end-point error in the predictors' unit of 20 pixels."""
    return end_point_error(truth, flow) / FLOW_UNIT_PX


def multi_scale_loss(
    truth: Any, predictions: Sequence[Any], weights: Sequence[float] = FLOWNET_WEIGHTS
) -> Any:
    """Give the weighted mean error of each prediction on its own grid.

    FlowNet's errors are sums over a grid's cells, so its weights count cells: the
    finest grid's small weight falls on most of them. Dividing by the weight of all
    cells together keeps the loss of large and small pictures comparable.

    Args:
        truth: the target, see above.
        predictions: `(B, h, w, 2)` in units of 20 pixels, coarse to fine; the finest
            lies on the truth's grid, each other has half the cells of the next.
        weights: of a cell, in the same order.
    """
    flow, weight = split_truth(truth)
    flow = flow / FLOW_UNIT_PX
    total, mass = 0.0, 0.0
    for prediction, share in zip(
        reversed(predictions), reversed(list(weights)), strict=True
    ):
        cells = share * ops.cast(ops.prod(ops.shape(flow)[1:3]), "float32")
        error = _weighted_error(flow, weight, ops.cast(prediction, "float32"))
        total, mass = total + cells * error, mass + cells
        flow, weight = _halved(flow, weight)
    return total / mass


def _weighted_error(flow: Any, weight: Any, estimate: Any) -> Any:
    squared = ops.sum(ops.square(flow - estimate), axis=-1)
    error = ops.sqrt(squared + FLAT)
    share = weight[..., 0]
    return ops.sum(error * share) / ops.maximum(ops.sum(share), 1.0)


def _halved(flow: Any, weight: Any) -> tuple[Any, Any]:
    """Average flow over two by two cells, by weight; a last odd one stays alone."""

    def pooled(values: Any) -> Any:
        return ops.average_pool(values, 2, 2, padding="same")

    mean = pooled(weight)
    return pooled(flow * weight) / ops.maximum(mean, FLAT), mean


@keras.saving.register_keras_serializable(package="vod")
class MultiScaleLightFlow(keras.Model):
    """LightFlow that trains on each of its predictions; made by `with_predictions`.

    Its outputs are the flow and the predictions; its metrics look at the flow alone.
    """

    level_weights: tuple[float, ...] = FLOWNET_WEIGHTS

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002 (Keras' names)
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,  # noqa: ARG002
    ) -> Any:
        """Give `multi_scale_loss`."""
        return multi_scale_loss(y, y_pred[1:], self.level_weights)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Measure the flow."""
        logs: dict[str, Any] = super().compute_metrics(x, y, y_pred[0], sample_weight)
        return logs


def with_predictions(model: keras.Model, weights: Sequence[float]) -> keras.Model:
    """Give the same network, sharing its weights, for training on five predictions.

    Args:
        model: from `build_lightflow`.
        weights: of the predictions, coarse to fine.
    """
    names = {layer.name for layer in model.layers}
    predictions = []
    for name, _ in PREDICTORS:
        last = f"{name}_pw_relu" if f"{name}_pw_relu" in names else f"{name}_pw"
        predictions.append(model.get_layer(last).output)
    trained = MultiScaleLightFlow(model.inputs, [*model.outputs, *predictions])
    trained.level_weights = tuple(weights)
    return trained


def flow_model(model: keras.Model) -> keras.Model:
    """Give the network whose one output is the flow, sharing all weights.

    Args:
        model: from `build_lightflow` or `with_predictions`.
    """
    if len(model.outputs) == 1:
        return model
    return keras.Model(model.inputs, model.outputs[0], name=model.name)
