"""Learn from a teacher's raw outputs and, where there is ground truth, from boxes."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from detector.anchors import anchors_per_cell
from detector.ssd import flatten_levels
from detector.ssd_config import BOX_VALUES, LEVELS, SsdConfig, level_grids
from detector.train_data import ABSENT, PRESENT
from vod.errors import ConfigError
from vod.types import IntArray


@dataclass(frozen=True, slots=True)
class LossConfig:
    """What the parts of the loss weigh.

    Attributes:
        teacher_classes: divergence from the teacher's class probabilities.
        teacher_boxes: smooth L1 from the teacher's box codes, weighted by the square of
            its best score at the anchor.
        truth_classes: focal loss of the ground truth's classes.
        truth_boxes: smooth L1 from the ground truth's box codes.
        focus: exponent of the focal loss (Lin et al., arXiv 1708.02002, sec. 3.2).
        teacher_trust: where the teacher scores a class at least this and the ground
            truth has none, it may be an object that nobody marked: nothing is learnt.
    """

    teacher_classes: float = 1.0
    teacher_boxes: float = 1.0
    truth_classes: float = 0.5
    truth_boxes: float = 0.5
    focus: float = 2.0
    teacher_trust: float = 0.3

    def __post_init__(self) -> None:
        parts = ("teacher_classes", "teacher_boxes", "truth_classes", "truth_boxes")
        if min(getattr(self, part) for part in parts) < 0:
            raise ConfigError(f"loss weights {', '.join(parts)} must not be negative.")


def mirror_index(config: SsdConfig) -> IntArray:
    """Give `(N,)` the row that each anchor has in a mirrored picture's predictions."""
    first, parts = 0, []
    for (height, width), anchors in zip(
        level_grids(config), anchors_per_cell(LEVELS), strict=True
    ):
        rows = np.arange(height * width * anchors).reshape(height, width, anchors)
        parts.append(first + rows[:, ::-1].ravel())
        first += rows.size
    return np.concatenate(parts).astype(np.int32)


def raw_model(features: keras.Model, config: SsdConfig) -> keras.Model:
    """Give image to raw predictions `(B, N, 4 + C)` from the halves of seam `head`."""
    rows = flatten_levels(list(features.outputs), config)
    return keras.Model(features.inputs[0], rows, name="raw")


def cross_entropy(target: Any, logits: Any) -> Any:
    """Give the binary cross-entropy of probabilities and logits, elementwise."""
    return ops.softplus(logits) - target * logits


def smooth_l1(difference: Any) -> Any:
    """Give 0.5 d^2 where |d| < 1 and |d| - 0.5 beyond, elementwise."""
    size = ops.abs(difference)
    return ops.where(size < 1, 0.5 * ops.square(size), size - 0.5)


@keras.saving.register_keras_serializable(package="vod")
class Distiller(keras.Model):
    """A student that `fit` trains against a frozen teacher.

    The teacher sees the picture and its mirror image, in clean colours, and the mean of
    both is what the student has to say about the distorted picture: so it can learn
    more than the teacher says at once.
    """

    def __init__(
        self,
        student: keras.Model,
        teacher: keras.Model,
        config: SsdConfig,
        loss_config: LossConfig,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student, self.teacher = student, teacher
        self.teacher.trainable = False
        self._weights_of_parts = loss_config
        self._mirror = mirror_index(config)
        self._means = {
            name: keras.metrics.Mean(name=name)
            for name in (
                "teacher_classes",
                "teacher_boxes",
                "truth_classes",
                "truth_boxes",
            )
        }

    @property
    def metrics(self) -> list[Any]:
        """The parts of the loss, unweighted, beside Keras' own."""
        return [*super().metrics, *self._means.values()]

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Give the student's raw predictions `(B, N, 4 + C)`."""
        return self.student(inputs["picture"], training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,  # noqa: ARG002 (Keras' signature)
        training: bool = True,  # noqa: ARG002 (Keras' signature)
    ) -> Any:
        """Give the weighted sum of the four parts."""
        teacher_codes, teacher_scores = self._ask_teacher(x["clean"])
        codes, logits = y_pred[:, :, :BOX_VALUES], y_pred[:, :, BOX_VALUES:]
        parts = self._teacher_parts(codes, logits, teacher_codes, teacher_scores)
        parts |= self._truth_parts(codes, logits, teacher_scores, y)
        total = 0.0
        for name, value in parts.items():
            self._means[name].update_state(value)
            total += getattr(self._weights_of_parts, name) * value
        return total

    def _ask_teacher(self, clean: Any) -> tuple[Any, Any]:
        """Give codes `(B, N, 4)` and scores `(B, N, C)`, mean over both pictures."""
        both = ops.concatenate([clean, ops.flip(clean, axis=2)], axis=0)
        rows = ops.stop_gradient(self.teacher(both, training=False))
        straight, mirrored = ops.split(rows, 2, axis=0)
        mirrored = ops.take(mirrored, self._mirror, axis=1)
        turn = np.array([-1, 1, 1, 1], np.float32)
        codes = straight[:, :, :BOX_VALUES] + turn * mirrored[:, :, :BOX_VALUES]
        logits = straight[:, :, BOX_VALUES:] + mirrored[:, :, BOX_VALUES:]
        return codes / 2, ops.sigmoid(logits / 2)

    def _teacher_parts(
        self, codes: Any, logits: Any, teacher_codes: Any, teacher_scores: Any
    ) -> dict[str, Any]:
        best = ops.max(teacher_scores, axis=-1)
        entropy = cross_entropy(teacher_scores, _logit(teacher_scores))
        divergence = cross_entropy(teacher_scores, logits) - entropy
        confidence = ops.square(best)
        distance = ops.sum(smooth_l1(codes - teacher_codes), axis=-1)
        return {
            "teacher_classes": ops.sum(divergence) / ops.sum(best),
            "teacher_boxes": ops.sum(distance * confidence) / ops.sum(confidence),
        }

    def _truth_parts(
        self, codes: Any, logits: Any, teacher_scores: Any, y: Any
    ) -> dict[str, Any]:
        config = self._weights_of_parts
        present = ops.cast(ops.equal(y["state"], PRESENT), "float32")
        absent = ops.cast(ops.equal(y["state"], ABSENT), "float32")
        matched = ops.max(present, axis=-1)
        count = ops.maximum(ops.sum(matched), 1.0)
        unmarked = ops.cast(teacher_scores >= config.teacher_trust, "float32")
        absent *= 1 - unmarked * (1 - matched[:, :, None])
        scores = ops.sigmoid(logits)
        found = present * (1 - scores) ** config.focus * ops.softplus(-logits)
        false = absent * scores**config.focus * ops.softplus(logits)
        distance = ops.sum(smooth_l1(codes - y["codes"]), axis=-1)
        return {
            "truth_classes": ops.sum(found + false) / count,
            "truth_boxes": ops.sum(distance * matched) / count,
        }


def _logit(scores: Any) -> Any:
    safe = ops.clip(scores, 1e-6, 1 - 1e-6)
    return ops.log(safe) - ops.log(1 - safe)
