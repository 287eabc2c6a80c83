"""What an SSD's raw predictions are to learn from boxes, inside the graph."""

from typing import Any, Final

import keras
import numpy as np
from keras import ops

import detector.ssd
from detector.box_coding_layer import encode_codes
from detector.distillation import cross_entropy, smooth_l1
from detector.loss_geometry import is_object, overlaps
from detector.ssd_config import BOX_VALUES, SsdConfig, ssd_anchors
from detector.suppression import take_rows
from detector.train_data import NEGATIVE_IOU, POSITIVE_IOU
from vod.config import from_mapping, to_mapping

# `hard_example_miner` of the TensorFlow SSD MobileNet configurations.
NEGATIVES_PER_POSITIVE: Final = 3
LEAST_NEGATIVES: Final = 3
"""In a picture without objects."""


def ssd_losses(config: SsdConfig) -> keras.Model:
    """Build the losses of an SSD; see `detector.head_losses.head_losses`.

    Outputs `classes`: binary cross-entropy at the anchors that show an object and at
    the three times as many most wrong of the others; `boxes`: smooth L1 of the codes.
    """
    maps = detector.ssd.head_inputs(config)
    boxes = keras.Input((None, BOX_VALUES), name="boxes")
    labels = keras.Input((None,), dtype="int32", name="labels")
    rows = detector.ssd.raw_rows(maps, config)
    outputs = SsdLosses(config, name="losses", dtype="float32")([rows, boxes, labels])
    return keras.Model([*maps, boxes, labels], outputs, name="head_losses")


def match_anchors(
    anchors: Any, boxes: Any, labels: Any, class_count: int
) -> tuple[Any, Any, Any]:
    """Say what each anchor shows: `detector.train_data.assign` inside a graph.

    Args:
        anchors: `(N, 4)` centre x, centre y, width, height.
        boxes: `(B, G, 4)` x1, y1, x2, y2 in the anchors' pixels.
        labels: `(B, G)`, -1 for padding.
        class_count: C.

    Returns:
        `(B, N, C)` float, 1 for a class that is there; `(B, N)` float, 1 for an anchor
        that is near nothing; `(B, N, 4)` codes of each anchor's object, anything where
        there is none.
    """
    half = anchors[:, 2:] / 2
    corners = np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], axis=1)
    there = is_object(boxes, labels)[:, None, :]
    iou = ops.where(there, overlaps(corners, boxes), -1.0)
    best = ops.one_hot(ops.argmax(iou, axis=1), len(anchors), dtype="bool")
    forced = ops.logical_and(ops.transpose(best, (0, 2, 1)), there)
    positive = ops.logical_or(iou >= POSITIVE_IOU, forced)
    kinds = ops.one_hot(labels, class_count)  # padding is no class
    present = ops.matmul(ops.cast(positive, "float32"), kinds)
    present = ops.cast(present > 0, "float32")
    near = ops.any(ops.logical_or(positive, iou >= NEGATIVE_IOU), axis=-1)
    owner = ops.argmax(ops.where(positive, iou, -2.0), axis=-1)
    codes = encode_codes(take_rows(boxes, owner), corners)
    return present, 1 - ops.cast(near, "float32"), codes


@keras.saving.register_keras_serializable(package="vod")
class SsdLosses(keras.layers.Layer):
    """Turn `[rows, boxes, labels]` into losses, see `ssd_losses`.

    Rows are `(B, N, 4 + C)` as `detector.ssd.flatten_levels` lays them.

    Args:
        config: of the detector.

    Source: Liu et al., SSD, ECCV 2016, sec. 2.2; sigmoids as in the TensorFlow SSD
    configurations.
    """

    def __init__(self, config: SsdConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.anchors = ssd_anchors(config)

    def call(self, inputs: list[Any]) -> dict[str, Any]:
        """Give the losses; see the class."""
        rows, boxes, labels = inputs
        present, empty, codes = map(
            ops.stop_gradient,
            match_anchors(self.anchors, boxes, labels, self.config.class_count),
        )
        matched = ops.max(present, axis=-1)
        count = ops.maximum(ops.mean(ops.sum(matched, axis=-1)), 1.0)
        wrong = ops.sum(cross_entropy(present, rows[..., BOX_VALUES:]), axis=-1)
        distance = ops.sum(smooth_l1(rows[..., :BOX_VALUES] - codes), axis=-1)
        looked_at = matched + hardest(ops.stop_gradient(wrong), matched, empty)
        return {
            "classes": ops.sum(wrong * looked_at, axis=-1) / count,
            "boxes": ops.sum(distance * matched, axis=-1) / count,
        }

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "config": to_mapping(self.config)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SsdLosses":
        """Build the layer from `get_config`."""
        values = dict(config)
        values["config"] = from_mapping(SsdConfig, values["config"], source="SsdLosses")
        return cls(**values)


def hardest(wrong: Any, matched: Any, empty: Any) -> Any:
    """Give `(B, N)` float, 1 for the most wrong of the anchors near nothing.

    Three times as many as show an object, and three in a picture without any.

    Args:
        wrong: `(B, N)` loss of every anchor.
        matched: `(B, N)`, 1 for an anchor that shows an object.
        empty: `(B, N)`, 1 for one near nothing.
    """
    order = ops.argsort(ops.where(empty > 0, -wrong, 1.0), axis=-1)
    rank = ops.cast(ops.argsort(order, axis=-1), "float32")
    wanted = NEGATIVES_PER_POSITIVE * ops.sum(matched, axis=-1, keepdims=True)
    wanted = ops.maximum(wanted, float(LEAST_NEGATIVES))
    return empty * ops.cast(rank < wanted, "float32")
