"""Flow as a picture: colours, arrows and the wheel that explains the colours."""

from typing import Final

import cv2
import numpy as np

from vod.errors import ShapeError
from vod.types import ByteArray, FloatArray

_ARROWS_A_SIDE: Final = 11.0  # shorter side of the picture / distance between arrows
_LEAST_SPACING: Final = 10  # pixels; nearer arrows run into each other
_TIP: Final = 0.3  # length of an arrow's tip / length of the arrow
_SHIFT: Final = 4  # OpenCV draws at 1/16 pixel, so that arrows do not jump
_FAR: Final = 1e9  # pixels; stands for infinity, which has no direction
_INK: Final = (255, 255, 255)
_OUTLINE: Final = (0, 0, 0)
_LABEL_MARGIN: Final = 4  # pixels
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


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
    check_flow(flow)
    flow = np.clip(flow.astype(np.float32), -_FAR, _FAR)
    cv2.patchNaNs(flow, 0)
    # OpenCV's arc tangent errs by .3 degrees at most, a level of a colour, and takes a
    # seventh of NumPy's time.
    u, v = cv2.split(flow)
    length, angle = cv2.cartToPolar(u, v, angleInDegrees=True)
    scale = full_length if full_length is not None else float(length.max())
    saturation = np.minimum(length * (1 / scale if scale > 0 else 0), 1)
    hsv = cv2.merge([angle, saturation, np.ones_like(length)])
    rgb: ByteArray = cv2.convertScaleAbs(
        cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), alpha=255
    )
    return rgb


def draw_wheel(size: int) -> ByteArray:
    """Draw the legend: `(size, size, 3)`, each point coloured as the vector to it."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    flow = np.stack(np.meshgrid(axis, axis), axis=-1)
    wheel = draw_flow(flow, full_length=1.0)
    wheel[np.hypot(flow[..., 0], flow[..., 1]) > 1] = 255
    return wheel


def draw_arrows(
    rgb: ByteArray, flow: FloatArray, *, enlarged: float = 1.0
) -> ByteArray:
    """Draw flow as arrows on a regular grid over a picture.

    Args:
        rgb: `(H, W, 3)` uint8; stays as it is.
        flow: `(H, W, 2)` in its pixels; what is not finite has no arrow.
        enlarged: length of an arrow / length of its vector. At 1 an arrow leads from
            where something is to where it is on the other picture.

    Returns:
        A new `(H, W, 3)` uint8 picture.

    Raises:
        ShapeError: the sizes differ.
    """
    check_flow(flow)
    if rgb.shape != (*flow.shape[:2], 3):
        raise ShapeError(
            f"flow and picture must share a size, received {flow.shape[:2]} and "
            f"{rgb.shape}."
        )
    height, width = flow.shape[:2]
    spacing = arrow_spacing(height, width)
    picture = np.ascontiguousarray(rgb).copy()
    rows = np.arange(spacing // 2, height, spacing)
    columns = np.arange(spacing // 2, width, spacing)
    lines = [
        (x, y, *(enlarged * flow[y, x]))
        for y in rows
        for x in columns
        if np.isfinite(flow[y, x]).all()
    ]
    thin = max(1, round(spacing / 14))
    # All outlines first: no outline crosses a neighbour's arrow.
    for colour, line_width in ((_OUTLINE, thin + 2), (_INK, thin)):
        for x, y, u, v in lines:
            _draw_arrow(picture, (x, y), (x + u, y + v), colour, line_width)
    return picture


def arrow_spacing(height: int, width: int) -> int:
    """Give the distance between arrows on a picture of this size, in pixels."""
    return max(_LEAST_SPACING, round(min(height, width) / _ARROWS_A_SIDE))


def _draw_arrow(
    picture: ByteArray,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: tuple[int, int, int],
    line_width: int,
) -> None:
    # Lines far outside the picture overflow OpenCV's fixed point.
    far = 4.0 * max(picture.shape)
    tail, head = (
        tuple(round(float(np.clip(part, -far, far)) * 2**_SHIFT) for part in point)
        for point in (start, end)
    )
    if max(abs(end[0] - start[0]), abs(end[1] - start[1])) < 1:
        radius = line_width * 2**_SHIFT // 2
        cv2.circle(picture, tail, radius, colour, -1, cv2.LINE_AA, _SHIFT)
        return
    cv2.arrowedLine(
        picture, tail, head, colour, line_width, cv2.LINE_AA, _SHIFT, tipLength=_TIP
    )


def stamp_wheel(picture: ByteArray, full_length: float) -> None:
    """Put the wheel, and the length at its rim, into a picture's lower right corner.

    Args:
        picture: `(H, W, 3)` uint8, changed in place; left alone where it is too small.
        full_length: shown fully saturated, in pixels.
    """
    height, width = picture.shape[:2]
    size = max(24, min(height, width) // 6) | 1
    text = f"{full_length:.3g} px"
    scale = size / 110
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, 1)
    box_height = size + text_height + 3 * _LABEL_MARGIN
    box_width = max(size, text_width) + 2 * _LABEL_MARGIN
    if box_height > height or box_width > width:
        return
    box = picture[height - box_height :, width - box_width :]
    box[:] = 255
    left = (box_width - size) // 2
    box[_LABEL_MARGIN : _LABEL_MARGIN + size, left : left + size] = draw_wheel(size)
    origin = ((box_width - text_width) // 2, box_height - _LABEL_MARGIN)
    label = np.ascontiguousarray(box)
    cv2.putText(label, text, origin, _FONT, scale, _OUTLINE, 1, cv2.LINE_AA)
    box[:] = label


def check_flow(flow: FloatArray) -> None:
    """Refuse what is not a flow field.

    Raises:
        ShapeError: not `(H, W, 2)`.
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ShapeError(f"flow must be (H, W, 2), received {flow.shape}.")
