"""What propagation asks of an optical flow, and the two simplest answers to it."""

from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from flow.field import FlowField
from vod.engine import Graph
from vod.errors import ShapeError
from vod.types import ByteArray, FloatArray

Prepared = npt.NDArray[Any]
"""A frame as one estimator wants it; only that estimator reads it."""


class FlowEstimator(Protocol):
    """Gives the motion between two frames."""

    @property
    def takes_grey(self) -> bool:
        """Say whether a picture without colour gives the same."""
        ...

    def prepare(self, resized: ByteArray) -> Prepared:
        """Make this estimator's input of a frame; called once a frame.

        Args:
            resized: `(H, W, 3)` uint8 RGB of the size of the detector's picture, or
                `(H, W)` grey where `takes_grey`.
        """
        ...

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:
        """Give backward flow, current to key, in cells of its own grid."""
        ...


def shrink(rgb: ByteArray, height: int, width: int) -> ByteArray:
    """Average a `(H, W, 3)` uint8 picture down to `(height, width, 3)`.

    Raises:
        ShapeError: it is not such a picture.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ShapeError(
            f"flow expects (H, W, 3) uint8, received {rgb.shape} {rgb.dtype}."
        )
    return averaged(rgb, height, width)


def averaged(picture: ByteArray, height: int, width: int) -> ByteArray:
    """Average a picture with or without colour down to `height` rows."""
    if picture.shape[:2] == (height, width):
        return picture
    size = (width, height)
    small: ByteArray = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return small


class ZeroFlow:
    """No motion: every map stays where it was on the key frame."""

    takes_grey = True

    def prepare(self, resized: ByteArray) -> Prepared:  # noqa: ARG002 (protocol)
        """Give an empty array: nothing is looked at."""
        return np.zeros(0, np.uint8)

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:  # noqa: ARG002
        """Give one cell of zero flow, which any grid can be resized from."""
        return FlowField(np.zeros((1, 1, 2), np.float32))


class NetworkFlow:
    """A flow network as a function of two pictures.

    Attributes:
        height: rows of its input.
        width: columns of its input.
    """

    takes_grey = False

    def __init__(
        self, graph: Graph, *, height: int, width: int, as_pixels: bool = False
    ) -> None:
        """Take the network.

        Args:
            graph: from current and key, both `(1, height, width, 3)` float32 in
                [-1, 1], to `(1, h, w, 2)` flow in pixels of that input.
            height: rows of its input.
            width: columns of its input.
            as_pixels: the graph takes uint8 pixels instead.
        """
        self._graph = graph
        self._as_pixels = as_pixels
        self.height, self.width = height, width

    def prepare(self, resized: ByteArray) -> Prepared:
        """Shrink a frame: `(1, height, width, 3)` uint8, whatever the graph takes."""
        return shrink(resized, self.height, self.width)[None]

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:
        """Run the network."""
        if not self._as_pixels:
            current, key = _normalised(current), _normalised(key)
        flow: FloatArray = self._graph(current, key)[0]
        return FlowField.from_pixels(
            flow[0], image_height=self.height, image_width=self.width
        )


def _normalised(pixels: Prepared) -> FloatArray:
    image: FloatArray = pixels.astype(np.float32)
    image -= np.float32(127.5)
    image *= np.float32(1 / 127.5)
    return image
