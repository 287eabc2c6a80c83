"""From a decoded frame to a network's input, and boxes back."""

from dataclasses import dataclass

import cv2
import numpy as np

from vod.errors import ConfigError
from vod.types import ByteArray, FloatArray, Frame


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a network wants its picture; stored with its weights.

    The frame is stretched to `(height, width)` (aspect ratio is not kept, as in the
    TensorFlow object-detection models), then `(pixel - mean) / scale`, RGB order.

    Attributes:
        height: rows of the network's input.
        width: columns of the network's input.
        mean: pixel value that becomes 0.
        scale: divisor, in pixel values.
        as_pixels: the network takes the stretched picture as it is, uint8; mean and
            scale are inside it.
    """

    height: int
    width: int
    mean: float = 127.5
    scale: float = 127.5
    as_pixels: bool = False

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or self.scale <= 0:
            raise ConfigError(
                "preprocessing needs a positive height, width and scale, received "
                f"{self.height}, {self.width}, {self.scale}."
            )

    def resize(self, rgb: ByteArray) -> ByteArray:
        """Stretch `(H, W, 3)` uint8 RGB to `(height, width, 3)` uint8."""
        size = (self.width, self.height)
        resized: ByteArray = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)
        return resized

    def picture_of(self, frame: Frame) -> ByteArray:
        """Stretch a frame to `(height, width, 3)` uint8 RGB.

        A video's picture is stretched without making all of it RGB, see `VideoPicture`.
        """
        picture = frame.picture
        if isinstance(picture, np.ndarray):
            return self.resize(picture)
        return picture.resized(self.height, self.width)

    def input_of(self, resized: ByteArray) -> FloatArray | ByteArray:
        """Turn `(height, width, 3)` uint8 into the network's input, batch 1.

        That is normalised float32, or uint8 where the network takes pixels.
        """
        return resized[None] if self.as_pixels else self.normalise(resized)

    def normalise(self, resized: ByteArray) -> FloatArray:
        """Turn `(height, width, 3)` uint8 into normalised float32, batch 1."""
        image = resized.astype(np.float32)
        image -= np.float32(self.mean)
        image *= np.float32(1 / self.scale)
        return image[None]

    def __call__(self, rgb: ByteArray) -> FloatArray | ByteArray:
        """Turn `(H, W, 3)` uint8 RGB into the input `(1, height, width, 3)`."""
        return self.input_of(self.resize(rgb))

    def boxes_to_frame(
        self, boxes: FloatArray, *, frame_height: int, frame_width: int
    ) -> FloatArray:
        """Scale `(N, 4)` boxes in network-input pixels to the frame's, and clip."""
        x_scale, y_scale = frame_width / self.width, frame_height / self.height
        scaled = boxes * np.array([x_scale, y_scale, x_scale, y_scale], np.float32)
        limit = [frame_width, frame_height, frame_width, frame_height]
        return np.clip(scaled, 0, np.array(limit, np.float32))
