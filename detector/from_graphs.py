"""A detector out of two runnable graphs, wherever these come from."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from detector.detector import Detector
from detector.features import FeatureSpec
from vod.errors import WeightsError
from vod.graph import LoadedGraph
from vod.preprocess import Preprocessing
from vod.types import FloatArray


@dataclass(frozen=True, slots=True)
class DetectorDescription:
    """What a detector is, apart from its graphs.

    Attributes:
        name: registry name.
        classes: names in label order.
        preprocessing: from a frame to the input of the first half.
        maps: the maps between the halves, in order.
    """

    name: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    maps: tuple[FeatureSpec, ...]


def detector_of_graphs(
    description: DetectorDescription,
    features: LoadedGraph,
    head: LoadedGraph,
    *,
    remedy: str,
) -> Detector:
    """Join two graphs into a detector, after checking that they fit.

    Args:
        description: of the detector; whether pictures go in as pixels is read off the
            first graph.
        features: the first half.
        head: the second half.
        remedy: what to do where they do not fit, a sentence.

    Raises:
        WeightsError: a graph takes or gives other sizes than described.
    """
    preprocessing = description.preprocessing
    picture = [(1, preprocessing.height, preprocessing.width, 3)]
    maps = [(1, m.height, m.width, m.channels) for m in description.maps]
    for graph, side, shapes, expected in (
        (features, "takes", features.input_shapes, picture),
        (features, "gives", features.output_shapes, maps),
        (head, "takes", head.input_shapes, maps),
    ):
        if list(shapes) != expected:
            raise WeightsError(
                f"{graph.path} {side} {list(shapes)}, but {expected} was expected. "
                f"{remedy}"
            )

    def boxes_and_scores(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = head(*maps)
        return boxes, scores

    as_pixels = features.inputs.dtypes[0] == np.uint8
    return Detector(
        name=description.name,
        classes=description.classes,
        preprocessing=dataclasses.replace(preprocessing, as_pixels=as_pixels),
        maps=description.maps,
        features=features,
        head=boxes_and_scores,
    )
