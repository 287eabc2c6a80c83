"""Classical optical flow from OpenCV: no weights, no training."""

from typing import Final, Literal

import cv2
import numpy as np

from flow.estimator import Prepared, averaged, shrink
from flow.field import FlowField
from vod.errors import FlowError
from vod.types import ByteArray

Preset = Literal["ultrafast", "fast", "medium"]

PRESETS: Final[dict[Preset, int]] = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

SMALLEST_SIDE: Final = 16
"""DIS compares patches of 8x8 pixels; smaller pictures leave its pyramid empty."""


LEAST_SHRUNK: Final = 32
"""Pixels a side from which OpenCV's choice of scales does not depend on the finest."""


class _GreyFlow:
    """What OpenCV's methods share: they compare grey pictures of one size."""

    takes_grey = True

    def __init__(self, *, height: int, width: int) -> None:
        if min(height, width) < SMALLEST_SIDE:
            raise FlowError(
                f"OpenCV's flow needs pictures of at least {SMALLEST_SIDE} pixels a "
                f"side, received {height} x {width}."
            )
        self.height, self.width = height, width

    def prepare(self, resized: ByteArray) -> Prepared:
        """Shrink a frame and drop its colour: `(height, width)` uint8."""
        if resized.ndim == 2:
            return averaged(resized, self.height, self.width)
        small = shrink(resized, self.height, self.width)
        grey: ByteArray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        return grey


class DisFlow(_GreyFlow):
    """Dense inverse search.

    Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016.
    """

    def __init__(self, preset: Preset, *, height: int, width: int) -> None:
        super().__init__(height=height, width=width)
        self._method = cv2.DISOpticalFlow.create(PRESETS[preset])
        # OpenCV shrinks both pictures to its finest scale, and enlarges the flow found
        # there. Handing it the shrunk pictures gives the very same flow before that.
        factor = 2 ** self._method.getFinestScale()
        whole = height % factor == 0 and width % factor == 0
        self._factor = 1
        if whole and min(height, width) >= factor * LEAST_SHRUNK:
            self._factor = factor
            self._method.setFinestScale(0)

    def prepare(self, resized: ByteArray) -> Prepared:
        """Shrink a frame and drop its colour: uint8, as small as flow is estimated."""
        grey = super().prepare(resized)
        return averaged(grey, self.height // self._factor, self.width // self._factor)

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:
        """Give flow on a grid of the finest scale, or else of all pixels.

        OpenCV's first picture is our current one.
        """
        flow = self._method.calc(current, key, None)
        return FlowField(flow, grain=1 / self._factor)


class FarnebackFlow(_GreyFlow):
    """Polynomial expansion, with the settings of OpenCV's own sample.

    Source: Farneback, Two-Frame Motion Estimation Based on Polynomial Expansion,
    SCIA 2003.
    """

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:
        """Give flow on the pixel grid; OpenCV's first picture is our current one."""
        flow = cv2.calcOpticalFlowFarneback(
            current,
            key,
            None,
            pyr_scale=0.5,
            levels=4,
            winsize=15,
            iterations=3,
            poly_n=5,
            poly_sigma=1.2,
            flags=0,
        )
        return FlowField(flow.astype(np.float32, copy=False))
