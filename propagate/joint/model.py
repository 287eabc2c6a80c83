"""LightFlow with the losses of joint training, for any backend of Keras."""

from typing import Any

import keras

from flow.lightflow import OUTPUT_STRIDE
from propagate.joint.passes import flows_of_passes
from propagate.train_losses import box_loss, flow_loss
from propagate.transport_config import TransportConfig


@keras.saving.register_keras_serializable(package="vod")
class JointModel(keras.Model):
    """LightFlow with the losses of joint training; backend-neutral.

    Trains the folded network (see `unfold_lightflow`). Targets are a mapping: `flow`
    `(B, h, w, 2)` pixels, `trust` `(B, h, w)`, `boxes` `(B, K, 8)` in cells of the
    flow's grid, `box_weight` `(B, K)`.
    """

    def __init__(
        self,
        network: keras.Model,
        transport: TransportConfig,
        box_weight: float,
        passes: int = 1,
    ) -> None:
        super().__init__()
        self.network = network
        self._transport, self._box_weight = transport, box_weight
        self._passes = passes

    def call(self, inputs: Any) -> Any:
        """Give the flows of `(current, earlier)`, one a pass, the last the best."""
        return flows_of_passes(self.network, *inputs, passes=self._passes)

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002 (Keras' names)
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,  # noqa: ARG002
    ) -> Any:
        """Give the mean loss of all passes; see `propagate.train_losses`."""
        return sum(self._loss(y, flow) for flow in y_pred) / len(y_pred)

    def _loss(self, y: Any, flow: Any) -> Any:
        boxes = y["boxes"]
        carried = box_loss(
            boxes[..., :4],
            boxes[..., 4:],
            y["box_weight"],
            flow / OUTPUT_STRIDE,
            config=self._transport,
        )
        return flow_loss(y["flow"], y["trust"], flow) + self._box_weight * carried
