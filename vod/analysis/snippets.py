"""AP of every snippet by itself: which videos are hard."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vod.analysis.grouped import grouped_ap
from vod.analysis.numbers import by_name, mean_of_known, or_none
from vod.analysis.ranking import Ranking
from vod.ground_truth import DoubleArray


@dataclass(frozen=True, eq=False, slots=True)
class SnippetScores:
    """AP of every snippet (S) as if it were the whole set.

    Attributes:
        snippets: names.
        classes: names.
        ap: `(S, C)`, NaN where the snippet has no object of the class.
        mean_ap: `(S,)` mean over the classes with objects in the snippet, else NaN.
        num_frames: `(S,)` listed frames.
        num_objects: `(S,)`.
        num_detections: `(S,)`.
        num_false_positives: `(S,)`, also of classes without objects in the snippet,
            which no AP shows.
    """

    snippets: tuple[str, ...]
    classes: tuple[str, ...]
    ap: DoubleArray
    mean_ap: DoubleArray
    num_frames: tuple[int, ...]
    num_objects: tuple[int, ...]
    num_detections: tuple[int, ...]
    num_false_positives: tuple[int, ...]

    def worst_first(self) -> list[int]:
        """Give the positions of the snippets with objects, lowest mean AP first."""
        order = np.argsort(self.mean_ap, kind="stable")
        return [int(i) for i in order if not np.isnan(self.mean_ap[i])]

    def to_json(self) -> list[dict[str, Any]]:
        """Give one entry a snippet, in the order of the list."""
        return [
            {
                "snippet": name,
                "mAP": or_none(self.mean_ap[i]),
                "AP": {
                    name: value
                    for name, value in by_name(self.classes, self.ap[i]).items()
                    if value is not None
                },
                "frames": self.num_frames[i],
                "objects": self.num_objects[i],
                "detections": self.num_detections[i],
                "false_positives": self.num_false_positives[i],
            }
            for i, name in enumerate(self.snippets)
        ]


def per_snippet(ranking: Ranking) -> SnippetScores:
    """Score every snippet by itself."""
    truth = ranking.ground_truth
    count = len(truth.snippets)
    of_detections = truth.frame_snippets[ranking.frames]
    of_objects = truth.frame_snippets[truth.object_frames]
    ap = grouped_ap(ranking, of_detections, of_objects, count)
    columns = (
        truth.frame_snippets,
        of_objects,
        of_detections,
        of_detections[~ranking.hits],
    )
    counts = [tuple(np.bincount(c, minlength=count).tolist()) for c in columns]
    return SnippetScores(
        truth.snippets, truth.classes, ap, mean_of_known(ap, axis=1), *counts
    )
