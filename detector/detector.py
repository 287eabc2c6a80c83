"""A detector in two halves: propagation goes between `features` and `head`."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detector.features import FeatureSpec
from detector.postprocess import PostprocessConfig, select_detections
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Detections, FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class Detector:
    """A loaded detector: NumPy arrays in and out, whichever engine runs it.

    Attributes:
        name: registry name.
        classes: names in label order.
        preprocessing: from a frame to the input of `features`.
        maps: the maps between the halves, in order.
        features: `(1, H, W, 3)` image, as `preprocessing` gives it, to one
            `(1, h, w, c)` array a map.
        head: those arrays, as separate arguments, to boxes `(1, N, 4)` x1, y1, x2, y2
            in detector-input pixels and scores `(1, N, C)` in [0, 1].
    """

    name: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    maps: tuple[FeatureSpec, ...]
    features: Callable[[FloatArray | ByteArray], tuple[FloatArray, ...]]
    head: Callable[..., tuple[FloatArray, FloatArray]]

    def detect(
        self,
        maps: Sequence[FloatArray],
        *,
        frame_height: int,
        frame_width: int,
        postprocess: PostprocessConfig,
    ) -> Detections:
        """Turn maps, fresh or propagated, into detections in pixels of the frame."""
        boxes, scores = self.head(*maps)
        found = select_detections(boxes[0], scores[0], postprocess)
        in_frame = self.preprocessing.boxes_to_frame(
            found.boxes, frame_height=frame_height, frame_width=frame_width
        )
        return dataclasses.replace(found, boxes=in_frame)
