"""The adapter, and LightFlow before it, with the loss of distillation; any backend."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from detector.distillation import cross_entropy, smooth_l1
from flow.field import resample_matrix
from propagate.adapter.train_config import MapsTrainConfig
from propagate.warp_layer import BilinearWarp

SURE = 1e-6
FLAT = 0.1
"""Variance below which a channel says nothing that is worth its exact value."""


def warp_maps(maps: Sequence[Any], flow: Any, *, border: Any = "edge") -> list[Any]:
    """Warp maps `(B, h, w, c)` along one flow, as `propagate.stages.warp_maps` does.

    Args:
        maps: of the key frame, grids of any size.
        flow: `(B, H, W, 2)` backward flow in shares of the picture.
        border: what lies outside a map.
    """
    _, rows, columns, _ = flow.shape
    warped = []
    for tensor in maps:
        _, height, width, _ = tensor.shape
        down = ops.convert_to_tensor(resample_matrix(height, rows))
        across = ops.convert_to_tensor(resample_matrix(width, columns))
        there = ops.einsum("hr,brcd,wc->bhwd", down, flow, across)
        cells = ops.convert_to_tensor([float(width), float(height)], "float32")
        warped.append(BilinearWarp(border=border)([tensor, there * cells]))
    return warped


def distillation(
    config: MapsTrainConfig,
    teacher: tuple[Sequence[Any], Any, Any],
    student: tuple[Sequence[Any], Any, Any],
) -> dict[str, Any]:
    """Give the weighted parts of the loss.

    Args:
        config: their weights.
        teacher: maps, boxes `(B, N, 4)` and scores `(B, N, C)` of the current frame.
        student: the same from maps that have travelled.

    Returns:
        `scores`: divergence of the class scores, for as much as there is to see.
        `boxes`: smooth L1 of the corners in sides of the teacher's box, weighted by the
        square of its best score. `maps`: mean squared error against the variance of
        each channel, all cells alike: what matters at objects is in the other two.
    """
    maps, boxes, scores = teacher
    own_maps, own_boxes, own_scores = student
    best = ops.max(scores, axis=-1)
    seen = ops.sum(best) + 1
    told = cross_entropy(scores, _logit(own_scores)) - cross_entropy(
        scores, _logit(scores)
    )
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1.0)
    away = (own_boxes - boxes) / ops.concatenate([sides, sides], axis=-1)
    sure = ops.square(best)
    shift = ops.sum(ops.sum(smooth_l1(away / BOX_AT) * BOX_AT, axis=-1) * sure)
    off = [
        ops.mean(
            ops.square(own - one) / (ops.var(one, (0, 1, 2), keepdims=True) + FLAT)
        )
        for own, one in zip(own_maps, maps, strict=True)
    ]
    return {
        "scores": config.scores * ops.sum(told) / seen,
        "boxes": config.boxes * shift / (ops.sum(sure) + 1),
        "maps": config.maps * sum(off) / len(off),
    }


BOX_AT = 0.1
"""Share of a side from which a box's error counts linearly: detections jitter."""


def _logit(scores: Any) -> Any:
    safe = ops.clip(scores, SURE, 1 - SURE)
    return ops.log(safe) - ops.log(1 - safe)


CELLS = (0, 1, 2)
"""Axes of a batch of maps but for the channels."""


@keras.saving.register_keras_serializable(package="vod")
class MapsModel(keras.Model):
    """Key frame's maps to what the detector says of the current frame.

    Inputs are a mapping: `current` and `key` `(B, H, W, 3)`, as the detector takes
    them; and `flow` `(B, h, w, 2)` in shares of the picture, current to key, or where
    the flow is trained as well `small_current` and `small_key` for it.
    """

    def __init__(
        self,
        halves: tuple[keras.Model, keras.Model],
        adapter: keras.Model,
        network: keras.Model | None,
        config: MapsTrainConfig,
    ) -> None:
        super().__init__()
        self.features, self.head = halves
        self.features.trainable = self.head.trainable = False
        self.adapter, self.network, self._config = adapter, network, config
        self._means = {
            name: keras.metrics.Mean(name=name) for name in ("scores", "boxes", "maps")
        }

    @property
    def metrics(self) -> list[Any]:
        """The parts of the loss, beside Keras' own."""
        return [*super().metrics, *self._means.values()]

    def call(self, inputs: Any, training: bool = False) -> list[Any]:
        """Give the adapted maps, then boxes and scores made of them."""
        key = _listed(self.features(inputs["key"], training=False))
        warped = warp_maps([ops.stop_gradient(m) for m in key], self.flow(inputs))
        adapted = _listed(self.adapter(warped, training=training))
        return [*adapted, *self.head(adapted, training=False)]

    def flow(self, inputs: Any) -> Any:
        """Give the flow in shares of the picture: as told, or as the network has it."""
        if self.network is None:
            return inputs["flow"]
        small = [inputs["small_current"], inputs["small_key"]]
        height, width = small[0].shape[1:3]
        sides = ops.convert_to_tensor([float(width), float(height)], "float32")
        return self.network(small) / sides

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,  # noqa: ARG002 (Keras' names)
        y_pred: Any = None,
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,  # noqa: ARG002
    ) -> Any:
        """Add up the parts; see `distillation`."""
        maps = _listed(self.features(x["current"], training=False))
        boxes, scores = self.head(maps, training=False)
        teacher = [ops.stop_gradient(one) for one in (*maps, boxes, scores)]
        parts = distillation(self._config, _parted(teacher), _parted(y_pred))
        for name, value in parts.items():
            self._means[name].update_state(value)
        return sum(parts.values())


def _listed(maps: Any) -> list[Any]:
    return list(maps) if isinstance(maps, list | tuple) else [maps]


def _parted(values: Sequence[Any]) -> tuple[list[Any], Any, Any]:
    return list(values[:-2]), values[-2], values[-1]
