"""A detector and a flow small enough to follow by hand."""

import numpy as np

from detector.detector import Detector
from detector.features import FeatureSpec
from detector.postprocess import PostprocessConfig
from flow.field import FlowField
from propagate.keyframes import FixedInterval
from propagate.parts import Parts
from vod.preprocess import Preprocessing
from vod.types import Frame

SIDE = 8  # of the detector's input and of its one map: one cell a pixel


def head(score_map):
    """One box of 2 x 2 pixels on every cell, scored by the cell."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    corners = [columns - 0.5, rows - 0.5, columns + 1.5, rows + 1.5]
    boxes = np.stack(corners, -1).reshape(1, -1, 4)
    return boxes, score_map.reshape(1, -1, 1)


class CountingFeatures:
    """The red channel of the picture is the map; counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        return (image[..., :1],)


class BrightestPixelFlow:
    """Everything moved as the brightest pixel did."""

    takes_grey = False

    def prepare(self, resized):
        return resized[..., 0]

    def __call__(self, current, key):
        now, then = (
            np.array(np.unravel_index(np.argmax(a), a.shape)) for a in (current, key)
        )
        v, u = then - now
        data = np.broadcast_to(np.array([u, v], np.float32), (SIDE, SIDE, 2))
        return FlowField(data.copy())


def make_parts(interval=10, flow=None):
    detector = Detector(
        name="toy",
        classes=("dot",),
        preprocessing=Preprocessing(SIDE, SIDE, mean=0, scale=255),
        maps=(FeatureSpec("dots", SIDE, SIDE, 1, 1.0),),
        features=CountingFeatures(),
        head=head,
    )
    policy = PostprocessConfig(score_threshold=0.5)
    return Parts(detector, flow, FixedInterval(interval), policy)


def dot_frame(index, x, y, brightness=255):
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    rgb[y, x] = brightness
    return Frame(index, index / 25, rgb)
