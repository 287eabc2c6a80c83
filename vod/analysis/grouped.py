"""AP of many groups of detections and objects at once.

Precision peaks where a true positive stands, and recall rises nowhere else; so the area
under the monotone envelope needs only, for each true positive, its place in the
ranking. That is what makes ten million detections cheap: they are counted, not visited.
"""

import numpy as np
import numpy.typing as npt

from vod.analysis.ranking import Ranking
from vod.ground_truth import DoubleArray
from vod.types import IntArray


def area_under_envelope(precision: DoubleArray, num_objects: float) -> float:
    """Give the AP of one class.

    Args:
        precision: `(T,)` at every true positive, best score first.
        num_objects: objects to be found, more than 0.
    """
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope.sum() / num_objects)


def area_of_places(places: npt.NDArray[np.integer], num_objects: int) -> float:
    """Give the AP of one class from the 1-based places `(T,)` of its true positives.

    NaN where there is no object.
    """
    if not num_objects:
        return float("nan")
    return area_under_envelope(np.arange(1, len(places) + 1) / places, num_objects)


def class_ap(ranking: Ranking) -> DoubleArray:
    """Give the `(C,)` AP of every class, NaN without objects."""
    counts = np.bincount(ranking.ground_truth.labels, minlength=ranking.num_classes)
    values = [
        area_of_places(np.flatnonzero(ranking.objects[part] >= 0) + 1, int(count))
        for part, count in zip(ranking.parts(), counts, strict=True)
    ]
    return np.array(values, np.float64)


def grouped_ap(
    ranking: Ranking,
    detection_groups: IntArray,
    object_groups: IntArray,
    num_groups: int,
) -> DoubleArray:
    """Give the AP of every group and class, as if the group were all there is.

    Args:
        ranking: of K detections and G objects.
        detection_groups: `(K,)` group of every ranked detection, -1 for none.
        object_groups: `(G,)` group of every object, -1 for none. A detection that takes
            an object should be in the object's group.
        num_groups: N.

    Returns:
        `(N, C)`; NaN where a group has no object of the class.
    """
    values = np.full((num_groups, ranking.num_classes), np.nan)
    labels = ranking.ground_truth.labels
    for label, part in enumerate(ranking.parts()):
        groups = object_groups[labels == label]
        counts = np.bincount(groups[groups >= 0], minlength=num_groups)
        values[counts > 0, label] = 0
        hits = ranking.objects[part] >= 0
        for group, places in _places(detection_groups[part], hits):
            if counts[group]:
                values[group, label] = area_of_places(places, int(counts[group]))
    return values


def _places(
    groups: IntArray, hits: npt.NDArray[np.bool_]
) -> list[tuple[int, npt.NDArray[np.intp]]]:
    """Give, for every group with a hit, the 1-based places of its hits in the group."""
    order = np.argsort(groups, kind="stable")
    groups, at = groups[order], np.flatnonzero(hits[order])
    at = at[groups[at] >= 0]
    if not len(at):
        return []
    first = np.searchsorted(groups, groups[at])
    cuts = np.flatnonzero(np.diff(groups[at])) + 1
    places = np.split(at - first + 1, cuts)
    return list(zip(groups[at][np.append(0, cuts)].tolist(), places, strict=True))
