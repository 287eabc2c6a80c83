"""Which class is taken for which, once every box is judged by its place alone."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.evaluation.matching import match
from vod.ground_truth import DoubleArray


@dataclass(frozen=True, eq=False, slots=True)
class Confusion:
    """What the objects of every class were called.

    Attributes:
        classes: names (C).
        counts: `(C + 1, C + 1)` int64; row = class of the object, column = class of the
            detection that takes it. The last column holds objects that nothing takes,
            the last row detections that take nothing; their corner is 0.
    """

    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """Give the counts of the classes that have any; the last name is background."""
        used = (self.counts[:-1, :].sum(axis=1) + self.counts[:, :-1].sum(axis=0)) > 0
        chosen = np.append(np.flatnonzero(used), len(self.classes))
        return {
            "classes": [*(self.classes[i] for i in chosen[:-1]), "background"],
            "rows": "object",
            "columns": "detection",
            "counts": self.counts[np.ix_(chosen, chosen)].tolist(),
        }


def confuse(ranking: Ranking, working_scores: DoubleArray) -> Confusion:
    """Match without regard to class and count who took what.

    In each frame the detections with at least their class's working score choose in
    descending score, by the protocol's rule, among the objects of all classes. Of two
    boxes on one object the better score decides what it was called; the other takes
    nothing.

    Args:
        ranking: of all detections.
        working_scores: `(C,)` least score, for example `Curves.best_scores`.

    Raises:
        ConfigError: not one score a class.
    """
    truth, count = ranking.ground_truth, ranking.num_classes
    if working_scores.shape != (count,):
        raise ConfigError(
            f"one working score a class is needed, {count} in all, received "
            f"{working_scores.shape}."
        )
    labels = ranking.labels
    chosen = np.flatnonzero(ranking.scores >= working_scores[labels])
    # In the order of the file, which decides between equal scores.
    chosen = chosen[np.argsort(ranking.rows[chosen])]
    rows, labels = ranking.rows[chosen], labels[chosen]
    everything = ranking.predictions
    taken = match(
        dataclasses.replace(
            truth, classes=("object",), labels=np.zeros_like(truth.labels)
        ),
        dataclasses.replace(
            everything,
            classes=("object",),
            indices=everything.indices[rows],
            labels=np.zeros_like(labels),
            scores=everything.scores[rows],
            boxes=everything.boxes[rows],
            ages=everything.ages[rows],
        ),
        # A limit of detections is meant for a class, not for all classes together.
        dataclasses.replace(ranking.rule, max_detections=None),
    )
    hits = taken >= 0
    called = np.full(truth.num_objects, count)
    called[taken[hits]] = labels[hits]
    cells = np.append(
        truth.labels.astype(np.int64) * (count + 1) + called,
        count * (count + 1) + labels[~hits].astype(np.int64),
    )
    counts = np.bincount(cells, minlength=(count + 1) ** 2)
    return Confusion(truth.classes, counts.reshape(count + 1, count + 1))
