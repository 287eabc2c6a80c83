"""A flow network that looks again at what its first flow left over."""

from typing import Final

import cv2
import numpy as np

from flow.estimator import FlowEstimator, Prepared
from flow.field import FlowField
from vod.types import ByteArray


class RepeatedFlow:
    """Several passes of one network over a pair of frames.

    From the second pass on it gets the earlier frame warped along the flow so far, and
    what it finds is added: what is left is small, and small motion is what a network
    tells best. Weights trained for it (`passes` of `propagate.train`) gain most. Once a
    pass finds next to nothing, the next would see the same pair again: that ends it.

    Source: Hur and Roth, Iterative Residual Refinement for Joint Optical Flow and
    Occlusion Estimation, CVPR 2019. In training: `propagate.joint.passes`.
    """

    def __init__(self, network: FlowEstimator, passes: int) -> None:
        """Take the network, and how often it looks at a pair at most: 1 or more."""
        self._network, self._passes = network, passes

    @property
    def takes_grey(self) -> bool:
        """Say whether a picture without colour gives the same."""
        return self._network.takes_grey

    def prepare(self, resized: ByteArray) -> Prepared:
        """Make the network's input of a frame."""
        return self._network.prepare(resized)

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:
        """Give backward flow, current to key, in cells of the network's grid."""
        field = found = self._network(current, key)
        for _ in range(self._passes - 1):
            if is_settled(found):
                break
            warped = _warped(key[0], field)[None]
            found = self._network(current, warped)
            field = FlowField(field.data + found.data)
        return field


SETTLED: Final = 0.1
"""Cells: less than this, on nearly the whole picture, is next to nothing."""

NEARLY: Final = 0.99


def is_settled(found: FlowField) -> bool:
    """Say whether what a pass found is too little for another to see a difference."""
    return bool(np.mean(np.abs(found.data) < SETTLED) >= NEARLY)


def _warped(picture: Prepared, field: FlowField) -> Prepared:
    """Sample `(H, W, 3)` where the current frame's content was; edges extend."""
    height, width = picture.shape[:2]
    pixels = field.in_pixels(image_height=height, image_width=width)
    places = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    places[..., 0] += np.arange(width, dtype=np.float32)
    places[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    warped: Prepared = cv2.remap(
        picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped
