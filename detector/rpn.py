"""The region proposal network: where a second stage should look."""

from typing import Any

import keras
import numpy as np
from keras import ops

from detector.box_coding_layer import decode_codes
from detector.suppression import survivors, take_rows
from detector.two_stage_config import TwoStageConfig, map_specs
from vod.config import from_mapping, to_mapping
from vod.types import FloatArray


def rpn_anchors(config: TwoStageConfig) -> FloatArray:
    """Give `(N, 4)` anchors: centre x, centre y, width, height in input pixels.

    Order: row, column, side, ratio, as the predictors' outputs lie. An anchor of side s
    and ratio r is s sqrt(r) wide and s / sqrt(r) high, so every ratio has area s².

    Source: Ren et al., Faster R-CNN, arXiv 1506.01497, sec. 3.1.1; sides and ratios of
    the mobile paper, sec. 3.3.
    """
    spec = map_specs(config)[0]
    roots = np.sqrt(np.array(config.anchor_ratios))
    sides = np.array(config.anchor_sides)[:, None]
    shape = (spec.height, spec.width, len(sides), len(roots), 4)
    anchors = np.empty(shape, np.float32)
    columns = (np.arange(spec.width) + 0.5) * (config.input_width / spec.width)
    rows = (np.arange(spec.height) + 0.5) * (config.input_height / spec.height)
    anchors[..., 0] = columns[None, :, None, None]
    anchors[..., 1] = rows[:, None, None, None]
    anchors[..., 2] = sides * roots
    anchors[..., 3] = sides / roots
    return anchors.reshape(-1, 4)


def anchor_corners(config: TwoStageConfig) -> FloatArray:
    """Give `rpn_anchors` as `(N, 4)` x1, y1, x2, y2."""
    anchors = rpn_anchors(config)
    half = anchors[:, 2:] / 2
    return np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], axis=1)


def rpn_map(shared: Any, config: TwoStageConfig) -> Any:
    """Wire the RPN's intermediate map onto the shared one; key frames only."""
    convolution = keras.layers.Conv2D(
        map_specs(config)[0].channels, config.rpn_kernel, padding="same", name="rpn"
    )
    return keras.layers.ReLU(name="rpn_relu")(convolution(shared))


def rpn_predictions(rpn: Any, config: TwoStageConfig) -> tuple[Any, Any]:
    """Wire the predictors onto the intermediate map; every frame.

    Returns:
        Logits `(B, N, 2)`, nothing and something, and codes `(B, N, 4)`, both in the
        order of `rpn_anchors`.
    """
    spec = map_specs(config)[0]
    rows = spec.height * spec.width * config.anchors_per_cell
    outputs = []
    for name, values in (("rpn_logits", 2), ("rpn_codes", 4)):
        channels = config.anchors_per_cell * values
        raw = keras.layers.Conv2D(channels, 1, name=name)(rpn)
        outputs.append(keras.layers.Reshape((rows, values), name=f"{name}_rows")(raw))
    return outputs[0], outputs[1]


def clip_boxes(boxes: Any, height: int, width: int) -> Any:
    """Move the corners of `(..., 4)` boxes into a picture of this size."""
    limits = np.array([width, height, width, height], np.float32)
    return ops.minimum(ops.relu(boxes), limits)


@keras.saving.register_keras_serializable(package="vod")
class Proposals(keras.layers.Layer):
    """Choose the regions that the second stage looks at.

    Call with `rpn_predictions`' `[logits, codes]`. Returns boxes
    `(B, proposals, 4)`, x1, y1, x2, y2 in input pixels inside the picture, best first,
    and a mask `(B, proposals)`: 1 for a proposal and 0 for padding, whose box is 0.
    No gradient flows through the choice, as in Faster R-CNN.

    Args:
        config: of the detector.
    """

    def __init__(self, config: TwoStageConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.anchor_boxes = anchor_corners(config)

    def call(self, inputs: list[Any]) -> tuple[Any, Any]:
        """Choose; see the class."""
        config = self.config
        logits, codes = (ops.stop_gradient(values) for values in inputs)
        # The softmax of two logits rises with their difference.
        scores = logits[..., 1] - logits[..., 0]
        count = min(config.candidates, len(self.anchor_boxes))
        scores, index = ops.top_k(scores, count)
        anchors = ops.take(self.anchor_boxes, ops.cast(index, "int32"), axis=0)
        boxes = decode_codes(take_rows(codes, index), anchors)
        boxes = clip_boxes(boxes, config.input_height, config.input_width)
        sides = ops.minimum(
            boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
        )
        valid = ops.cast(sides >= config.least_side, boxes.dtype)
        alive = survivors(
            boxes,
            valid,
            iou_threshold=config.rpn_nms_iou,
            rounds=config.nms_rounds,
        )
        return self._best(boxes, alive, count)

    def _best(self, boxes: Any, alive: Any, count: int) -> tuple[Any, Any]:
        """Give the first `proposals` boxes that are alive, padded."""
        # Candidates lie best first: rank says so without the scores' ties.
        rank = np.arange(count, 0, -1).astype(np.float32)
        kept = min(self.config.proposals, count)
        value, place = ops.top_k(alive * rank, kept)
        mask = ops.cast(value > 0.5, boxes.dtype)
        boxes = take_rows(boxes, place) * mask[..., None]
        missing = self.config.proposals - kept
        if missing:
            boxes = ops.pad(boxes, ((0, 0), (0, missing), (0, 0)))
            mask = ops.pad(mask, ((0, 0), (0, missing)))
        return boxes, mask

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "config": to_mapping(self.config)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Proposals":
        """Build the layer from `get_config`."""
        values = dict(config)
        values["config"] = from_mapping(
            TwoStageConfig, values["config"], source="Proposals"
        )
        return cls(**values)
