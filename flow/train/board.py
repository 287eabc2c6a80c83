"""What TensorBoard shows of flow training."""

from typing import Final

import cv2
import keras
import numpy as np

from flow.draw import draw_flow
from flow.train.losses import flow_model
from vod.types import ByteArray, FloatArray

SHOWN_PAIRS: Final = 4


def draw_pairs(
    model: keras.Model,
    current: FloatArray,
    key: FloatArray,
    truth: FloatArray,
    *,
    limit: int = SHOWN_PAIRS,
) -> dict[str, ByteArray]:
    """Draw current and key picture, true and predicted flow, side by side.

    Args:
        model: LightFlow, or what trains it.
        current: `(B, H, W, 3)` in [-1, 1].
        key: the same.
        truth: `(B, h, w, 2)` pixels, or with a weight as third channel.
        limit: most pairs.

    Returns:
        A picture a pair, `(H, 4 W, 3)` uint8; both flows have the truth's scale.
    """
    current, key, truth = current[:limit], key[:limit], truth[:limit]
    flow = keras.ops.convert_to_numpy(
        flow_model(model)([current, key], training=False)
    ).astype(np.float32)
    size = (current.shape[2], current.shape[1])
    drawn = {}
    for index, known in enumerate(truth):
        vectors = known[..., :2]
        longest = float(np.linalg.norm(vectors, axis=-1).max(initial=0)) or 1.0
        row = [_bytes(current[index]), _bytes(key[index])]
        for field in (vectors, flow[index]):
            colours = draw_flow(field, full_length=longest)
            row.append(cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST))
        drawn[f"pair_{index}/current_key_true_predicted"] = np.hstack(row)
    return drawn


def _bytes(picture: FloatArray) -> ByteArray:
    return np.clip(np.round(picture * 127.5 + 127.5), 0, 255).astype(np.uint8)
