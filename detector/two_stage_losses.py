"""What the two-stage detector learns: the losses of the RPN and of the second stage.

Everything runs in the graph, in `keras.ops` of fixed shapes: proposals change with
every step, and so do their targets.

Source: Ren et al., Faster R-CNN, arXiv 1506.01497, sec. 3.1.2 and 3.1.3; Shrivastava et
al., Training Region-based Object Detectors with Online Hard Example Mining, CVPR 2016;
numbers of `TwoStageLossConfig`.
"""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from detector.box_coding import CENTRE_SCALE, SIDE_SCALE
from detector.box_coding_layer import encode_codes
from detector.light_head import light_head
from detector.matching import chance, draw_both, inside, match, usable_objects
from detector.rpn import Proposals, anchor_corners, rpn_predictions
from detector.suppression import take_rows
from detector.two_stage_config import TwoStageConfig, map_specs
from detector.two_stage_loss_config import TwoStageLossConfig
from vod.config import from_mapping, to_mapping

CODE_UNITS = (CENTRE_SCALE, CENTRE_SCALE, SIDE_SCALE, SIDE_SCALE)
"""Codes in one raw offset; the RPN's loss is stated for raw ones."""


def two_stage_losses(
    config: TwoStageConfig,
    loss: TwoStageLossConfig | None = None,
    *,
    batch_size: int | None = None,
) -> keras.Model:
    """Build the head's two maps and a picture's objects to what training minimises.

    Its layers are those of `detector.two_stage.build_head`, under the same names, so
    that weights go from one to the other by their paths.

    Args:
        config: of the detector.
        loss: matching, sampling and sizes; weights of the sum are the caller's.
        batch_size: pictures in a batch; None takes any.

    Returns:
        A model of `[rpn, regions, boxes, labels]`: the maps of `map_specs(config)`,
        `(B, G, 4)` x1, y1, x2, y2 in input pixels and `(B, G)` int32, below 0 for
        padding, of which the first `loss.objects` count. It gives a dict of `(B,)`:
        `rpn_class`, `rpn_box`, `region_class`, `region_box`.
    """
    loss = loss or TwoStageLossConfig()
    rpn, regions = (
        keras.Input(
            (spec.height, spec.width, spec.channels), batch_size, name=spec.name
        )
        for spec in map_specs(config)
    )
    boxes = keras.Input((None, 4), batch_size, "float32", name="boxes")
    labels = keras.Input((None,), batch_size, "int32", name="labels")
    rows = ObjectRows(loss.objects, name="objects", dtype="float32")
    objects = rows([boxes, labels])
    logits, codes = rpn_predictions(rpn, config)
    # Coordinates and losses stay float32, whatever precision the networks run in.
    exact = {"dtype": "float32"}
    rpn_loss = RpnLoss(config, loss, name="rpn_loss", **exact)
    losses = rpn_loss([logits, codes, *objects])
    choose = Proposals(training_config(config, loss), name="proposals", **exact)
    proposals, mask = choose([logits, codes])
    targets = RegionTargets(loss, name="region_targets", **exact)
    found, wanted = targets([proposals, mask, *objects])
    scores, offsets = light_head(regions, found, config)
    second = RegionLoss(loss, name="region_loss", **exact)([scores, offsets, wanted])
    outputs = {**losses, **second}
    return keras.Model([rpn, regions, boxes, labels], outputs, name="head_losses")


def training_config(config: TwoStageConfig, loss: TwoStageLossConfig) -> TwoStageConfig:
    """Give a detector's config with the numbers of proposals that training uses."""
    return replace(
        config,
        candidates=loss.candidates or config.candidates,
        proposals=loss.proposals or config.proposals,
    )


def smooth_l1(error: Any, sigma: float) -> Any:
    """Give s² x² / 2 where |x| < 1 / s², else |x| - 1 / (2 s²).

    Source: Girshick, Fast R-CNN, arXiv 1504.08083, eq. 3; sigma is py-faster-rcnn's.
    """
    size, square = ops.abs(error), sigma**2
    curved = 0.5 * square * ops.square(error)
    return ops.where(size < 1 / square, curved, size - 0.5 / square)


def cross_entropy(logits: Any, classes: Any) -> Any:
    """Give `(...)` losses of logits `(..., C)` and int32 classes `(...)`."""
    chosen = ops.one_hot(classes, logits.shape[-1], dtype=logits.dtype)
    return ops.logsumexp(logits, axis=-1) - ops.sum(logits * chosen, axis=-1)


@keras.saving.register_keras_serializable(package="vod")
class ObjectRows(keras.layers.Layer):
    """Cut or pad `[boxes, labels]`, `(B, G, 4)` and `(B, G)`, to so many rows.

    The second stage looks at the objects beside the proposals, in fixed shapes.

    Args:
        rows: how many there are to be.
    """

    def __init__(self, rows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    def call(self, inputs: list[Any]) -> tuple[Any, Any]:
        """Cut or pad; see the class."""
        boxes, labels = inputs
        rows = self.rows
        boxes = ops.pad(boxes, [[0, 0], [0, rows], [0, 0]])[:, :rows]
        labels = ops.pad(labels, [[0, 0], [0, rows]], constant_values=-1)[:, :rows]
        # Keras sees the number only so.
        return ops.reshape(boxes, (-1, rows, 4)), ops.reshape(labels, (-1, rows))

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "rows": self.rows}


class _WithLoss(keras.layers.Layer):
    """A layer that is told a `TwoStageLossConfig`, and can be stored."""

    def __init__(self, loss: TwoStageLossConfig | dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(loss, dict):
            loss = from_mapping(TwoStageLossConfig, loss, source=self.name)
        self.loss = loss

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "loss": to_mapping(self.loss)}


@keras.saving.register_keras_serializable(package="vod")
class RpnLoss(_WithLoss):
    """The losses of the first stage.

    Call with `[logits, codes, boxes, labels]`: `rpn_predictions`' two and the objects.
    Gives `rpn_class`, the mean over the sampled anchors, and `rpn_box`, the sum over
    its positives by `rpn_samples`, both `(B,)`.

    Args:
        config: of the detector.
        loss: of the losses.
    """

    def __init__(
        self,
        config: TwoStageConfig | dict[str, Any],
        loss: TwoStageLossConfig | dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(loss, **kwargs)
        if isinstance(config, dict):
            config = from_mapping(TwoStageConfig, config, source=self.name)
        self.config = config
        self.anchors = anchor_corners(config)
        self.taught = inside(
            self.anchors, self.loss.rpn_border, config.input_height, config.input_width
        )
        # An object's best anchor is the best of those that may be learnt from.
        self.matched = np.where(self.taught[:, None], self.anchors, np.float32(0))

    def call(self, inputs: list[Any]) -> dict[str, Any]:
        """Compare; see the class."""
        logits, codes, boxes, labels = inputs
        loss = self.loss
        boxes, usable = usable_objects(boxes, labels)
        overlap, owner, is_best = match(self.matched, boxes, usable)
        positive = (overlap >= loss.rpn_positive_iou) | is_best
        negative = (overlap < loss.rpn_negative_iou) & ~is_best & self.taught
        positive, negative = draw_both(
            positive,
            negative,
            chance(logits[..., 1] - logits[..., 0]),
            samples=loss.rpn_samples,
            share=loss.rpn_positive_share,
        )
        is_object = ops.cast(positive, logits.dtype)
        sampled = is_object + ops.cast(negative, logits.dtype)
        wrong = cross_entropy(logits, ops.cast(positive, "int32")) * sampled
        target = encode_codes(take_rows(boxes, owner), self.anchors)
        units = ops.convert_to_tensor(CODE_UNITS, dtype=codes.dtype)
        away = ops.where(positive[..., None], (codes - target) / units, 0.0)
        away = smooth_l1(away, loss.rpn_sigma)
        return {
            "rpn_class": ops.sum(wrong, 1) / ops.maximum(ops.sum(sampled, 1), 1),
            "rpn_box": ops.sum(away, axis=(1, 2)) / loss.rpn_samples,
        }

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "config": to_mapping(self.config)}


@keras.saving.register_keras_serializable(package="vod")
class RegionTargets(_WithLoss):
    """Say of every region what it shows.

    Call with `[proposals, mask, boxes, labels]`. Gives the regions `(B, R, 4)`, the
    proposals and perhaps the objects themselves, and `(B, R, 6)`: 1 for a region that
    counts, class (0 is background) and codes of its object.
    """

    def call(self, inputs: list[Any]) -> tuple[Any, Any]:
        """Look up; see the class."""
        proposals, mask, boxes, labels = inputs
        boxes, usable = usable_objects(boxes, labels)
        regions, counts = proposals, mask > 0.5
        if self.loss.append_truth:
            regions = ops.concatenate([regions, boxes], axis=1)
            counts = ops.concatenate([counts, usable], axis=1)
        regions = ops.stop_gradient(regions)
        overlap, owner, _ = match(regions, boxes, usable)
        is_object = overlap >= self.loss.region_iou
        label = take_rows(ops.cast(labels, boxes.dtype)[..., None], owner)[..., 0]
        classes = ops.where(is_object, label + 1, 0.0)
        codes = encode_codes(take_rows(boxes, owner), regions)
        codes = ops.where(is_object[..., None], codes, 0.0)
        columns = ops.stack([ops.cast(counts, boxes.dtype), classes], axis=-1)
        wanted = ops.concatenate([columns, codes], axis=-1)
        if self.loss.choice == "sample":
            return self._sampled(regions, wanted, counts, is_object)
        return regions, ops.stop_gradient(wanted)

    def _sampled(
        self, regions: Any, wanted: Any, counts: Any, is_object: Any
    ) -> tuple[Any, Any]:
        """Keep random regions, so that the second stage runs on no others."""
        loss = self.loss
        numbers = chance(regions[..., 0])
        positive, negative = draw_both(
            counts & is_object,
            counts & ~is_object,
            numbers,
            samples=loss.region_samples,
            share=loss.region_positive_share,
        )
        chosen = ops.cast(positive | negative, regions.dtype)
        place = ops.top_k(chosen, min(loss.region_samples, regions.shape[1]))[1]
        wanted = ops.concatenate([chosen[..., None], wanted[..., 1:]], axis=-1)
        return take_rows(regions, place), ops.stop_gradient(take_rows(wanted, place))


@keras.saving.register_keras_serializable(package="vod")
class RegionLoss(_WithLoss):
    """The losses of the second stage.

    Call with `[logits, codes, wanted]`: `light_head`'s two and `RegionTargets`' second.
    Gives `region_class`, the mean over the regions that are learnt from, and
    `region_box`, the sum over their objects by `region_samples`, both `(B,)`.
    """

    def call(self, inputs: list[Any]) -> dict[str, Any]:
        """Compare; see the class."""
        logits, codes, wanted = inputs
        loss = self.loss
        counts, classes, target = wanted[..., 0], wanted[..., 1], wanted[..., 2:]
        wrong = cross_entropy(logits, ops.cast(classes, "int32"))
        is_object = ops.cast(classes > 0.5, codes.dtype)
        away = smooth_l1(codes - target, loss.region_sigma)
        away = ops.sum(away, axis=-1) * is_object
        if loss.choice == "ohem":
            counts = hardest(wrong + away, counts, loss.region_samples)
        total = ops.maximum(ops.sum(counts, axis=1), 1)
        return {
            "region_class": ops.sum(wrong * counts, axis=1) / total,
            "region_box": ops.sum(away * counts, axis=1) / loss.region_samples,
        }


def hardest(losses: Any, counts: Any, samples: int) -> Any:
    """Keep of the regions that count those with the greatest losses.

    Args:
        losses: `(B, R)`, not negative.
        counts: `(B, R)`, 1 for a region that counts.
        samples: how many stay at most.

    Returns:
        `(B, R)`, 1 for a region that stays.
    """
    # One is added so that a region without loss comes before one that does not count.
    keys = ops.stop_gradient((losses + 1) * counts)
    place = ops.top_k(keys, min(samples, keys.shape[1]))[1]
    chosen = ops.sum(ops.one_hot(place, keys.shape[1], dtype=keys.dtype), axis=1)
    return chosen * counts
