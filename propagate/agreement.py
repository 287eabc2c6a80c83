"""How well carried boxes agree with the detector's own, frame by frame; no labels."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from keras import ops

from flow.estimator import shrink
from flow.field import FlowField
from flow.train.data import normalise
from propagate.joint.passes import flows_of_passes
from propagate.train_data import Clip
from propagate.transport import transport_boxes
from propagate.transport_config import TransportConfig
from vod.boxes import pairwise_iou
from vod.types import Detections, FloatArray

AGES: Final = (5, 10)
"""Frames from the key frame at which agreement is measured."""

CONFIDENT: Final = 0.4
BATCH: Final = 32
STARTS: Final = 3
"""Every so many frames serve as a key frame."""


def agreement(
    network: Any,
    clips: Sequence[Clip],
    *,
    transport: TransportConfig,
    share: float = 0.5,
    passes: int = 1,
) -> dict[str, float]:
    """Give the mean share of the detector's boxes that carried boxes still hit.

    A carried box hits one of the same class at IoU 0.5 or more.

    Args:
        network: a LightFlow, batch of any size.
        clips: videos with the detector's boxes.
        transport: how boxes are carried.
        share: side of the network's input as a share of the pictures'.
        passes: of the network over a pair.

    Returns:
        By age, `carried_5`, `held_5`, ...: with the flow, and with boxes left in place.
    """
    shares: dict[str, list[float]] = {
        f"{kind}_{age}": [] for age in AGES for kind in ("carried", "held")
    }
    for clip in clips:
        flows = _consecutive(network, clip, share, passes)
        for start in range(0, len(clip.pictures) - min(AGES), STARTS):
            first = clip.detections[start]
            first = first.select(first.scores >= CONFIDENT)
            if not len(first):
                continue
            boxes = first.boxes
            for age in range(1, max(AGES) + 1):
                frame = start + age
                if frame >= len(clip.pictures):
                    break
                height, width = clip.pictures.shape[1:3]
                boxes = transport_boxes(
                    boxes,
                    flows[frame - 1],
                    frame_size=(height, width),
                    config=transport,
                ).boxes
                if age in AGES:
                    truth = clip.detections[frame]
                    shares[f"carried_{age}"] += hits(boxes, first, truth)
                    shares[f"held_{age}"] += hits(first.boxes, first, truth)
    return {name: float(np.mean(found or [0.0])) for name, found in shares.items()}


def hits(boxes: FloatArray, found: Detections, truth: Detections) -> list[float]:
    """Say of each confident box of a frame whether a carried one hits it, 1 or 0.

    Args:
        boxes: `(N, 4)` carried to that frame.
        found: what they were on their key frame, in the same order.
        truth: the detector's boxes on that frame.
    """
    truth = truth.select(truth.scores >= CONFIDENT)
    overlap = pairwise_iou(truth.boxes, boxes)
    overlap[truth.labels[:, None] != found.labels[None]] = 0
    return [float(row.max(initial=0) >= 0.5) for row in overlap]


def input_side(clip: Clip, share: float) -> int:
    """Give the side of a flow network's input, rounded upwards."""
    return math.ceil(clip.pictures.shape[1] * share)


def _consecutive(
    network: Any, clip: Clip, share: float, passes: int
) -> list[FlowField]:
    """Give the flow of every frame but the first to the one before it."""
    size = input_side(clip, share)
    small = np.stack([shrink(p, size, size) for p in clip.pictures])
    judged = partial(network, training=False)
    flows: list[FlowField] = []
    for first in range(1, len(small), BATCH):
        last = min(first + BATCH, len(small))
        pair = [normalise(small[first:last]), normalise(small[first - 1 : last - 1])]
        tensors = map(ops.convert_to_tensor, pair)
        found = flows_of_passes(judged, *tensors, passes=passes)[-1]
        flows += [
            FlowField.from_pixels(flow, image_height=size, image_width=size)
            for flow in np.asarray(found)
        ]
    return flows
