"""Non-maximum suppression in `keras.ops`, with shapes that never change.

`vod.boxes` does the same on NumPy arrays of any length; this one exports and compiles.
"""

from typing import Any

import keras
from keras import ops


def take_rows(values: Any, index: Any) -> Any:
    """Give `(B, ..., D)`: of each batch entry of `(B, N, D)`, the rows of `(B, ...)`.

    One flat look-up, which LiteRT runs as a plain GATHER.
    """
    batch, rows, width = ops.shape(values)
    flat = ops.reshape(values, (-1, width))
    start = ops.cast(ops.arange(batch), "int32") * rows
    start = ops.reshape(start, (-1,) + (1,) * (len(index.shape) - 1))
    return ops.take(flat, ops.cast(index, "int32") + start, axis=0)


def pairwise_iou(boxes: Any, others: Any = None) -> Any:
    """Give the `(..., N, M)` IoU of `(..., N, 4)` boxes and `(..., M, 4)` others.

    Without others, of the boxes among themselves. Two boxes without area have IoU 0.
    """
    others = boxes if others is None else others
    left, top, right, bottom = (boxes[..., :, None, i] for i in range(4))
    west, north, east, south = (others[..., None, :, i] for i in range(4))
    wide = ops.relu(ops.minimum(right, east) - ops.maximum(left, west))
    tall = ops.relu(ops.minimum(bottom, south) - ops.maximum(top, north))
    overlap = wide * tall
    areas = ops.relu(right - left) * ops.relu(bottom - top)
    union = areas + ops.relu(east - west) * ops.relu(south - north) - overlap
    return overlap / ops.maximum(union, keras.config.epsilon())


def survivors(boxes: Any, valid: Any, *, iou_threshold: float, rounds: int) -> Any:
    """Say which boxes stay when the best of those that overlap is kept.

    All boxes are judged at once, `rounds` times: a box stays if no better one that was
    still there after the last round overlaps it. Round n judges for good every box
    whose longest chain of better, overlapping boxes has n links, so the result is that
    of box-by-box suppression once `rounds` reaches the longest chain; before that, an
    even number of rounds errs on keeping.

    Args:
        boxes: `(..., K, 4)`, best score first.
        valid: `(..., K)`, 1 for a box that takes part, else 0.
        iou_threshold: a greater IoU overlaps.
        rounds: how often.

    Returns:
        `(..., K)` float, 1 for a box that stays and else 0.
    """
    count = boxes.shape[-2]
    better = ops.triu(ops.ones((count, count), dtype=boxes.dtype), k=1)
    drops = ops.cast(pairwise_iou(boxes) > iou_threshold, boxes.dtype) * better
    alive = valid
    for _ in range(rounds):
        dropped = ops.matmul(alive[..., None, :], drops)[..., 0, :]
        # A sum of zeros and ones below 1/2 is none at all.
        alive = valid * ops.cast(dropped < 0.5, boxes.dtype)
    return alive


@keras.saving.register_keras_serializable(package="vod")
class ClasswiseSuppression(keras.layers.Layer):
    """Turn a head's boxes and scores into the best detections of a picture.

    Call with `[boxes, scores]`, `(B, N, 4)` and `(B, N, C)`. Returns boxes
    `(B, D, 4)`, scores `(B, D)` and labels `(B, D)` int32, best first, D =
    `detections`. Rows beyond the last detection have score 0.

    Args:
        candidates: boxes of a class that are looked at, best first.
        detections: boxes of a picture that are given back.
        score_threshold: a box of at most this score is none.
        iou_threshold: of two boxes of a class that overlap by more, the worse goes.
        rounds: see `survivors`.
    """

    def __init__(
        self,
        *,
        candidates: int = 100,
        detections: int = 100,
        score_threshold: float = 0.0,
        iou_threshold: float = 0.3,
        rounds: int = 32,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.candidates = candidates
        self.detections = detections
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.rounds = rounds

    def call(self, inputs: list[Any]) -> tuple[Any, Any, Any]:
        """Suppress; see the class."""
        boxes, scores = inputs
        classes = scores.shape[-1]
        count = min(self.candidates, scores.shape[1])
        scores, index = ops.top_k(ops.transpose(scores, (0, 2, 1)), count)
        boxes = take_rows(boxes, index)
        valid = ops.cast(scores > self.score_threshold, boxes.dtype)
        alive = survivors(
            boxes, valid, iou_threshold=self.iou_threshold, rounds=self.rounds
        )
        scores = ops.reshape(scores * alive, (-1, classes * count))
        scores, place = ops.top_k(scores, min(self.detections, classes * count))
        boxes = take_rows(ops.reshape(boxes, (-1, classes * count, 4)), place)
        return boxes, scores, ops.cast(place, "int32") // count

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        names = (
            "candidates",
            "detections",
            "score_threshold",
            "iou_threshold",
            "rounds",
        )
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own}
