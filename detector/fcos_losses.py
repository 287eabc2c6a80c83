"""What the anchor-free head is to learn from boxes, inside the graph."""

from typing import Any, Final

import keras
import numpy as np
from keras import ops

from detector.distillation import cross_entropy
from detector.fcos import cells, decode_sides, fcos_predictions, pyramid_inputs
from detector.fcos_config import level_strides, reaches
from detector.loss_geometry import box_areas, generalised_iou, is_object
from detector.network_config import DetectorConfig
from detector.suppression import take_rows
from vod.config import from_mapping, to_mapping

# Lin et al., Focal loss, arXiv 1708.02002, sec. 4.1.
FOCUS: Final = 2.0
SHARE_OF_OBJECTS: Final = 0.25


def fcos_losses(config: DetectorConfig) -> keras.Model:
    """Build the losses of the FCOS head; see `detector.head_losses.head_losses`.

    Outputs `classes`: focal loss of every cell; `boxes`: 1 - GIoU where an object is,
    weighted by centre-ness; `centreness`: binary cross-entropy there.
    """
    maps = pyramid_inputs(config)
    boxes = keras.Input((None, 4), name="boxes")
    labels = keras.Input((None,), dtype="int32", name="labels")
    predictions = fcos_predictions(maps, config)
    outputs = FcosLosses(config, name="losses", dtype="float32")(
        [*predictions, boxes, labels]
    )
    return keras.Model([*maps, boxes, labels], outputs, name="head_losses")


def focal_loss(target: Any, logits: Any) -> Any:
    """Give the focal loss of targets 0 or 1 and logits, elementwise.

    Source: Lin et al., Focal loss, arXiv 1708.02002, eq. 5.
    """
    scores = ops.sigmoid(logits)
    miss = target * (1 - scores) + (1 - target) * scores
    weight = target * SHARE_OF_OBJECTS + (1 - target) * (1 - SHARE_OF_OBJECTS)
    return weight * miss**FOCUS * cross_entropy(target, logits)


def sides_to(boxes: Any, centres: Any) -> Any:
    """Give distances left, top, right, bottom from points `(..., 2)` to boxes' sides.

    Shapes broadcast; a point outside has a distance below 0.
    """
    return ops.concatenate([centres - boxes[..., :2], boxes[..., 2:] - centres], -1)


def centreness_of(sides: Any) -> Any:
    """Give `(...)`: 1 in the middle of a box, 0 at its rim, for distances `(..., 4)`.

    Source: Tian et al., FCOS, arXiv 1904.01355, eq. 3.
    """
    sides = ops.relu(sides)
    pairs = ops.stack([sides[..., :2], sides[..., 2:]], axis=-1)
    ratio = ops.min(pairs, -1) / ops.maximum(ops.max(pairs, -1), keras.config.epsilon())
    return ops.sqrt(ratio[..., 0] * ratio[..., 1])


@keras.saving.register_keras_serializable(package="vod")
class FcosLosses(keras.layers.Layer):
    """Turn `[logits, centreness, sides, boxes, labels]` into losses, see `fcos_losses`.

    The first three are `detector.fcos.fcos_predictions`.

    Args:
        config: of the detector.
    """

    def __init__(self, config: DetectorConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.centres, self.strides = cells(config)
        order = [level_strides(config.fcos).index(int(s)) for s in self.strides[:, 0]]
        self.reaches = np.array(reaches(config.fcos), np.float32)[order]

    def call(self, inputs: list[Any]) -> dict[str, Any]:
        """Give the losses; see the class."""
        logits, centreness, sides, boxes, labels = inputs
        present, matched, own = map(ops.stop_gradient, self.assign(boxes, labels))
        central = centreness_of(sides_to(own, self.centres)) * matched
        count = ops.maximum(ops.mean(ops.sum(matched, axis=-1)), 1.0)
        weight = ops.maximum(
            ops.mean(ops.sum(central, axis=-1)), keras.config.epsilon()
        )
        found = decode_sides(sides, self.centres, self.strides)
        distance = (1 - generalised_iou(found, own)) * central
        rims = cross_entropy(central, centreness[..., 0]) * matched
        return {
            "classes": ops.sum(focal_loss(present, logits), axis=(1, 2)) / count,
            "boxes": ops.sum(distance, axis=-1) / weight,
            "centreness": ops.sum(rims, axis=-1) / count,
        }

    def assign(self, boxes: Any, labels: Any) -> tuple[Any, Any, Any]:
        """Say which object each cell answers for: the smallest that claims it.

        An object claims the cells inside it that lie near its centre (within `radius`
        strides in x and y) on the level whose reach its longest distance has.

        Args:
            boxes: `(B, G, 4)` x1, y1, x2, y2 in input pixels.
            labels: `(B, G)`, -1 for padding.

        Returns:
            `(B, N, C)` float, 1 for the object's class; `(B, N)` float, 1 for a cell
            with an object; `(B, N, 4)` that object's box, anything where there is none.
        """
        sides = sides_to(boxes[:, None], self.centres[:, None])
        longest = ops.max(sides, axis=-1)
        middle = (boxes[..., :2] + boxes[..., 2:]) / 2
        away = ops.max(ops.abs(middle[:, None] - self.centres[:, None]), axis=-1)
        claims = ops.cast(is_object(boxes, labels)[:, None], "float32")
        for holds in (
            ops.min(sides, axis=-1) > 0,
            away < self.config.fcos.radius * self.strides,
            longest > self.reaches[:, :1],
            longest <= self.reaches[:, 1:],
        ):
            claims = claims * ops.cast(holds, "float32")
        size = ops.where(claims > 0, box_areas(boxes)[:, None], float("inf"))
        owner = ops.argmin(size, axis=-1)
        matched = ops.max(claims, axis=-1)
        kinds = ops.one_hot(labels, self.config.class_count)
        return (
            take_rows(kinds, owner) * matched[..., None],
            matched,
            take_rows(boxes, owner),
        )

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "config": to_mapping(self.config)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FcosLosses":
        """Build the layer from `get_config`."""
        values = dict(config)
        values["config"] = from_mapping(
            DetectorConfig, values["config"], source="FcosLosses"
        )
        return cls(**values)
