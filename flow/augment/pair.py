"""Augment a pair of pictures and its flow, as flownet2-tf does.

A crop is moved, turned, zoomed and squeezed; the key picture a little differently, so
that motion which no camera filmed joins the pair's own; the key picture's light is
changed, and noise is added to both. Flow follows exactly.

Source: flownet2-tf, dataset_configs.py and its preprocessing operations, after Ilg et
al., FlowNet 2.0, CVPR 2017. Its sampling of places, its rules and its figures are kept;
`draw_maps` says what is mended.
"""

import numpy as np

from flow.augment.config import AugmentConfig
from flow.augment.geometry import Mask, Size, draw_maps, take_flow, take_picture
from flow.augment.light import add_noise, change_light, draw_light, to_bytes
from flow.flo import known
from vod.errors import ShapeError
from vod.types import ByteArray, FloatArray

AugmentedPair = tuple[ByteArray, ByteArray, FloatArray, Mask]
"""`(current, key, flow, valid)`: `(h, w, 3)` twice, `(h, w, 2)` and `(h, w)`."""


def augment_pair(
    current: ByteArray,
    key: ByteArray,
    flow: FloatArray,
    valid: Mask | None,
    rng: np.random.Generator,
    config: AugmentConfig,
    strength: float = 1.0,
    out_size: Size | None = None,
) -> AugmentedPair:
    """Draw one augmented crop of a pair; the same `rng` state gives the same crop.

    Args:
        current: `(H, W, 3)` uint8 RGB.
        key: the same shape.
        flow: `(H, W, 2)` current to key, in pixels; beyond 1e9 means unknown.
        valid: `(H, W)` mask of pixels with known flow; None trusts the values.
        rng: its state decides everything.
        config: the spreads.
        strength: factor on every spread, from `StrengthConfig.at`.
        out_size: height and width of the crop; None takes the pictures'.

    Returns:
        The crop's pictures, its flow in its own pixels, 0 where unknown, and where it
        is known. Flow may lead out of the key crop, as it may in a film.

    Raises:
        ShapeError: pictures and flow differ in size, or a side is shorter than 2.
    """
    valid = _checked(current, key, flow, valid)
    source = (flow.shape[0], flow.shape[1])
    out = out_size or source
    if min(*source, *out) < 2:
        raise ShapeError(
            f"a pair and its crop must be at least 2 x 2, received {source} and {out}."
        )
    current_map, key_map = draw_maps(rng, config, strength, source, out)
    light = draw_light(rng, config, strength)
    deviation = config.noise.draw(rng, strength)
    pictures = []
    for index, (picture, matrix) in enumerate(((current, current_map), (key, key_map))):
        taken = take_picture(picture, matrix, out).astype(np.float32) / np.float32(255)
        if index == 1:
            taken = change_light(taken, light)
        pictures.append(to_bytes(add_noise(taken, deviation, rng)))
    moved, mask = take_flow(flow, valid, current_map, key_map, out)
    return pictures[0], pictures[1], moved, mask


def _checked(
    current: ByteArray, key: ByteArray, flow: FloatArray, valid: Mask | None
) -> Mask:
    height, width = flow.shape[:2]
    wanted = ((height, width, 3), (height, width, 3), (height, width, 2))
    received = (current.shape, key.shape, flow.shape)
    if received != wanted or (valid is not None and valid.shape != (height, width)):
        masked = None if valid is None else valid.shape
        raise ShapeError(
            "current and key must be (H, W, 3), flow (H, W, 2) and valid (H, W) of one "
            f"size, received {current.shape}, {key.shape}, {flow.shape} and {masked}."
        )
    return known(flow) if valid is None else known(flow) & valid
