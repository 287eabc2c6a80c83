"""A frame as the networks see it: small pictures, made when they are first asked for.

Of most frames nobody looks at the detector's picture: between key frames, a flow needs
brightness alone, and a cut is seen in a picture of 50 pixels a side.
"""

import cv2
import numpy as np

from flow.estimator import FlowEstimator, Prepared
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Frame


class View:
    """One frame's small pictures, each made once.

    Attributes:
        frame: the decoded frame, which stays in memory as long as this does.
    """

    __slots__ = ("_for_flow", "_picture", "_pictures", "frame")

    def __init__(self, frame: Frame, pictures: Preprocessing) -> None:
        """Keep a frame; `pictures` says how large the detector's picture is."""
        self.frame = frame
        self._pictures = pictures
        self._picture: ByteArray | None = None
        self._for_flow: Prepared | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the decoded frame."""
        return self.frame.height, self.frame.width

    @property
    def picture(self) -> ByteArray:
        """The detector's picture, `(H, W, 3)` uint8."""
        found = self._picture
        if found is None:
            found = self._picture = self._pictures.picture_of(self.frame)
        return found

    def glimpse(self, side: int) -> ByteArray:
        """Give a small picture, `(side, side, 3)` uint8, a few pixels of each cell."""
        whole = self.frame.picture
        if isinstance(whole, np.ndarray):
            size = (side, side)
            small: ByteArray = cv2.resize(whole, size, interpolation=cv2.INTER_LINEAR)
            return small
        return whole.resized(side, side)

    def for_flow(self, flow: FlowEstimator) -> Prepared:
        """Give what the estimator, the same at every call, makes of it."""
        found = self._for_flow
        if found is None:
            whole, wanted = self.frame.picture, self._pictures
            if flow.takes_grey and not isinstance(whole, np.ndarray):
                # Always, lest brightness be weighed now as the codec does, now as RGB.
                small = whole.grey(wanted.height, wanted.width)
            else:
                small = self.picture
            found = self._for_flow = flow.prepare(small)
        return found
