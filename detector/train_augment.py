"""Change a training picture and its boxes: crop, zoom, mirror; then colour and blur."""

from dataclasses import dataclass

import cv2
import numpy as np

from vod.errors import ConfigError
from vod.types import ByteArray, FloatArray

FILL = (128, 128, 128)  # what lies outside the picture: the network's zero


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How far a picture is changed.

    Attributes:
        zoom: least and greatest side of the window that is cut out, in shares of the
            picture's; beyond 1 the picture shrinks and grey surrounds it.
        stretch: greatest change of the aspect ratio, as a factor.
        flip: share of mirrored pictures.
        brightness: greatest shift, in pixel values.
        contrast: greatest relative change of contrast and of saturation.
        hue: greatest turn of the hue, in degrees.
        blur: share of pictures blurred along a line, as by motion.
        blur_px: greatest length of that line, in network-input pixels.
        noise: greatest standard deviation of noise, in pixel values.
        min_visible: of a box less visible than this share, nothing is learnt.
    """

    zoom: tuple[float, float] = (0.5, 1.3)
    stretch: float = 1.25
    flip: float = 0.5
    brightness: float = 30.0
    contrast: float = 0.3
    hue: float = 12.0
    blur: float = 0.25
    blur_px: int = 9
    noise: float = 6.0
    min_visible: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise ConfigError(f"zoom must rise from above 0, received {self.zoom}.")
        if self.stretch < 1:
            raise ConfigError(f"stretch must be at least 1, received {self.stretch}.")


def random_window(
    random: np.random.Generator, config: AugmentConfig, *, height: int, width: int
) -> FloatArray:
    """Give x1, y1, x2, y2 of the part of a picture to show, in its pixels.

    A window smaller than the picture lies inside it, a larger one contains it. When
    mirrored, x1 > x2.
    """
    zoom = random.uniform(*config.zoom)
    stretch = np.exp(random.uniform(-1, 1) * np.log(config.stretch))
    sides = np.array([width, height]) * zoom * np.array([stretch, 1 / stretch]) ** 0.5
    room = np.array([width, height]) - sides
    start = random.uniform(0, 1, 2) * room
    x1, y1, x2, y2 = *start, *(start + sides)
    if random.random() < config.flip:
        x1, x2 = x2, x1
    return np.array([x1, y1, x2, y2], np.float32)


def cut_window(
    rgb: ByteArray, window: FloatArray, *, height: int, width: int
) -> ByteArray:
    """Show a window of a picture at `(height, width, 3)`."""
    x1, y1, x2, y2 = map(float, window)
    scale = np.array([(x2 - x1) / width, (y2 - y1) / height])
    # warpAffine counts in index coordinates, half a pixel less than ours.
    shift = np.array([x1, y1]) + 0.5 * scale - 0.5
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    if np.abs(scale).max() > 1.5:  # shrinking without averaging would alias
        sigma = 0.4 * (np.abs(scale) - 1).clip(0.01)
        rgb = cv2.GaussianBlur(rgb, (0, 0), float(sigma[0]), sigmaY=float(sigma[1]))
    shown: ByteArray = cv2.warpAffine(
        rgb,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=FILL,
    )
    return shown


def move_boxes(
    boxes: FloatArray, window: FloatArray, *, height: int, width: int
) -> tuple[FloatArray, FloatArray]:
    """Give `(G, 4)` clipped boxes in the shown picture, and `(G,)` visible shares."""
    start, end = window[:2], window[2:]
    unit = np.array([width, height], np.float32) / (end - start)
    corners = (boxes.reshape(-1, 2, 2) - start) * unit
    moved = np.concatenate([corners.min(1), corners.max(1)], axis=1)
    limit = np.array([width, height, width, height], np.float32)
    clipped = np.clip(moved, 0, limit)
    area = np.prod(moved[:, 2:] - moved[:, :2], axis=1)
    visible = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1) / np.maximum(area, 1e-6)
    return clipped.astype(np.float32), visible.astype(np.float32)


def distort(
    random: np.random.Generator, rgb: ByteArray, config: AugmentConfig
) -> ByteArray:
    """Change colours, and sometimes blur and add noise; nothing moves."""
    turn = random.uniform(-1, 1) * config.hue / 2  # OpenCV's hue unit is two degrees
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + turn) % 180
    hsv[..., 1] *= 1 + random.uniform(-1, 1) * config.contrast
    turned = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    picture = turned.astype(np.float32)
    picture = (picture - 128) * (1 + random.uniform(-1, 1) * config.contrast)
    picture += 128 + random.uniform(-1, 1) * config.brightness
    if random.random() < config.blur:
        picture = cv2.filter2D(picture, -1, _line_kernel(random, config.blur_px))
    noise = random.uniform(0, config.noise)
    picture += random.standard_normal(picture.shape, np.float32) * np.float32(noise)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _line_kernel(random: np.random.Generator, longest: int) -> FloatArray:
    """Give the kernel of a straight motion of random length and direction."""
    size = longest | 1
    reach = random.uniform(0.5, size / 2)
    angle = random.uniform(0, np.pi)
    centre = size // 2
    kernel = np.zeros((size, size), np.float32)
    for along in np.linspace(-reach, reach, 4 * size):
        x = round(centre + along * np.cos(angle))
        y = round(centre + along * np.sin(angle))
        if 0 <= x < size and 0 <= y < size:
            kernel[y, x] = 1
    blurred: FloatArray = kernel / kernel.sum()
    return blurred
