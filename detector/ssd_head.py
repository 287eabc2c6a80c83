"""SSD's second half in NumPy, where a graph would hold the anchors of one size."""

import numpy as np

from detector.box_coding import CENTRE_SCALE, SIDE_SCALE
from detector.ssd_config import BOX_VALUES, SsdConfig, ssd_anchors
from vod.types import FloatArray


class SsdHead:
    """Raw predictions to boxes and scores: `detector.ssd.build_head` at seam `head`.

    Call with the six maps of `detector.ssd_config.level_specs`, `(1, h, w, c)` each;
    returns boxes `(1, N, 4)`, x1, y1, x2, y2 in detector-input pixels, and scores
    `(1, N, C)`, each in [0, 1] on its own (sigmoid), float32.
    """

    def __init__(self, config: SsdConfig) -> None:
        anchors = ssd_anchors(config)
        self._values = BOX_VALUES + config.class_count
        # Scales are folded into the constants, as in `BoxDecoder`.
        self._centres = anchors[:, :2]
        self._shifts = anchors[:, 2:] / np.float32(CENTRE_SCALE)
        self._halves = anchors[:, 2:] / np.float32(2)

    def __call__(self, *maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Decode; see the class."""
        rows = [array.reshape(-1, self._values) for array in maps]
        codes = np.concatenate([level[:, :BOX_VALUES] for level in rows])
        scores = np.concatenate([level[:, BOX_VALUES:] for level in rows])
        middle = codes[:, :2] * self._shifts + self._centres
        # What overflows becomes infinite, and 1 / infinity a score of 0: as in a graph.
        with np.errstate(over="ignore"):
            half = np.exp(codes[:, 2:] * np.float32(1 / SIDE_SCALE)) * self._halves
            np.exp(np.negative(scores, out=scores), out=scores)
        scores += 1
        np.reciprocal(scores, out=scores)
        boxes = np.concatenate([middle - half, middle + half], axis=1)
        return boxes[np.newaxis], scores[np.newaxis]
