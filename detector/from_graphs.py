"""A detector out of two runnable graphs, wherever these come from."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detector.detector import Detector
from detector.features import FeatureSpec
from vod.errors import WeightsError
from vod.graph import LoadedGraph, Shape
from vod.preprocess import Preprocessing
from vod.types import FloatArray

Head = Callable[..., tuple[FloatArray, FloatArray]]
"""A second half, see `detector.detector.Detector`."""


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

    def map_shapes(self) -> list[Shape]:
        """Give `(1, h, w, c)` of every map."""
        return [(1, m.height, m.width, m.channels) for m in self.maps]


def detector_of_graphs(
    description: DetectorDescription,
    features: LoadedGraph,
    head: LoadedGraph,
    *,
    remedy: str,
) -> Detector:
    """Join two graphs into a detector, after checking that they fit.

    Args:
        description: see `detector_of_features`.
        features: the first half.
        head: the second half.
        remedy: what to do where they do not fit, a sentence.

    Raises:
        WeightsError: a graph takes or gives other sizes than described.
    """

    def boxes_and_scores(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = head(*maps)
        return boxes, scores

    detector = detector_of_features(
        description, features, boxes_and_scores, remedy=remedy
    )
    _check(head, "takes", head.input_shapes, description.map_shapes(), remedy)
    return detector


def detector_of_features(
    description: DetectorDescription,
    features: LoadedGraph,
    head: Head,
    *,
    remedy: str,
) -> Detector:
    """Join a graph and a second half that fits into a detector, after checking it.

    Args:
        description: of the detector; whether pictures go in as pixels is read off the
            graph.
        features: the first half.
        head: the second half.
        remedy: what to do where the graph does not fit, a sentence.

    Raises:
        WeightsError: it takes or gives other sizes than described.
    """
    preprocessing = description.preprocessing
    picture = (1, preprocessing.height, preprocessing.width, 3)
    shapes = description.map_shapes()
    _check(features, "takes", features.input_shapes, [picture], remedy)
    _check(features, "gives", features.output_shapes, shapes, remedy)
    as_pixels = features.inputs.dtypes[0] == np.uint8
    return Detector(
        name=description.name,
        classes=description.classes,
        preprocessing=dataclasses.replace(preprocessing, as_pixels=as_pixels),
        maps=description.maps,
        features=features,
        head=head,
    )


def _check(
    graph: LoadedGraph,
    side: str,
    shapes: Sequence[Shape],
    expected: Sequence[Shape],
    remedy: str,
) -> None:
    if shapes != expected:
        raise WeightsError(
            f"{graph.path} {side} {shapes}, but {expected} was expected. {remedy}"
        )
