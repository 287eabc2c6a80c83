"""Flow as a picture: hue is the direction, saturation the length."""

import cv2
import numpy as np

from vod.errors import ShapeError
from vod.types import ByteArray, FloatArray


def draw_flow(flow: FloatArray, *, full_length: float | None = None) -> ByteArray:
    """Colour a flow field: zero is white, red points right, hue turns with the angle.

    Args:
        flow: `(H, W, 2)`, any unit; u right, v down.
        full_length: length shown fully saturated; None takes the longest vector's.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ShapeError: not `(H, W, 2)`.
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ShapeError(f"flow must be (H, W, 2), received {flow.shape}.")
    flow = np.nan_to_num(flow.astype(np.float32))
    length = np.hypot(flow[..., 0], flow[..., 1])
    scale = full_length if full_length is not None else float(length.max(initial=0))
    hsv = np.empty((*flow.shape[:2], 3), np.float32)
    hsv[..., 0] = np.rad2deg(np.arctan2(flow[..., 1], flow[..., 0])) % 360
    hsv[..., 1] = np.minimum(length / scale, 1) if scale > 0 else 0
    hsv[..., 2] = 1
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.round(rgb * 255).astype(np.uint8)


def draw_wheel(size: int) -> ByteArray:
    """Draw the legend: `(size, size, 3)`, each point coloured as the vector to it."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    flow = np.stack(np.meshgrid(axis, axis), axis=-1)
    wheel = draw_flow(flow, full_length=1.0)
    wheel[np.hypot(flow[..., 0], flow[..., 1]) > 1] = 255
    return wheel
