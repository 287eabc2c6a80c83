"""Why detections are wrong, and what each kind of error costs, as TIDE has it.

Every false positive gets one kind, the first that holds:

* localisation: overlaps an object of its class, t_b <= IoU < t_f;
* class: IoU >= t_f with an object of another class;
* duplicate: IoU >= t_f with an object of its class that another detection has taken;
* background: IoU <= t_b with every object of the frame;
* both: what is left, a poor overlap with an object of another class.

Objects that nobody takes and that no localisation or class error points at are missed.
What a kind costs (dAP) is the gain in mAP when an oracle mends it alone: a localisation
or class error becomes a true positive of its object if that is free and no error with a
better score points at it, and goes away otherwise; duplicate, background and both go
away; missed objects are no longer asked for.

t_f is every object's own threshold under the protocol (0.5, less for small objects in
`devkit`), t_b 0.1. AP is the area under the envelope where TIDE has 101 points, so the
mAP that is split is the protocol's own.

Source: Bolya et al., TIDE, ECCV 2020, sec. 2; the order of the tests, the choice among
several errors of one object, and that a class left without objects and detections
leaves the mean, after `quantify.py` of its code.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.analysis.grouped import area_of_places
from vod.analysis.numbers import or_none
from vod.analysis.overlaps import ERRORS, NO_ERROR, Flaws, find_flaws
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.ground_truth import BoolArray

BACKGROUND_IOU: Final = 0.1
MISSED: Final = "missed"


@dataclass(frozen=True, slots=True)
class ErrorSplit:
    """Kinds of error, how many there are and what they cost.

    Attributes:
        mean_ap: mAP as it is, NaN without objects.
        counts: false positives of every kind, and `missed` objects.
        by_class: the same by class: that of the detection or of the missed object.
        cost: gain in mAP if a kind alone were mended, NaN without objects; with
            `false_positive` (no false positive is left) and `false_negative` (no object
            is asked for that nobody takes).
    """

    mean_ap: float
    counts: dict[str, int]
    by_class: dict[str, dict[str, int]]
    cost: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Give counts and costs; null is what no object, or none that is left, has."""
        return {
            "mAP": or_none(self.mean_ap),
            "counts": self.counts,
            "dAP": {kind: or_none(cost) for kind, cost in self.cost.items()},
            "by_class": self.by_class,
        }


def split_errors(
    ranking: Ranking, *, background_iou: float = BACKGROUND_IOU
) -> ErrorSplit:
    """Sort false positives and lost objects by reason, and weigh the reasons.

    Args:
        ranking: of all detections.
        background_iou: t_b, above 0 and below 0.5.

    Raises:
        ConfigError: t_b out of its range.
    """
    if not 0 < background_iou < 0.5:
        raise ConfigError(
            f"background_iou must lie between 0 and 0.5, received {background_iou}."
        )
    flaws = find_flaws(ranking, background_iou)
    hits = [ranking.objects[part] >= 0 for part in ranking.parts()]
    used = np.zeros(ranking.ground_truth.num_objects, np.bool_)
    used[ranking.objects[ranking.hits]] = True
    missed = ~used
    missed[flaws.targets[flaws.targets >= 0]] = False
    mended = _mendable(ranking, flaws, used)
    means = {
        name: _mean_ap(ranking, _hits_without(ranking, kind, flaws, mended))
        for kind, name in enumerate(ERRORS)
    }
    means[MISSED] = _mean_ap(ranking, hits, forgiven=missed)
    means["false_positive"] = _mean_ap(ranking, (of[of] for of in hits))
    means["false_negative"] = _mean_ap(ranking, hits, forgiven=~used)
    mean_ap = _mean_ap(ranking, hits)
    counts, by_class = _tally(ranking, flaws, missed)
    cost = {name: value - mean_ap for name, value in means.items()}
    return ErrorSplit(mean_ap, counts, by_class, cost)


def _mendable(ranking: Ranking, flaws: Flaws, used: BoolArray) -> npt.NDArray[np.intp]:
    """Choose, for every free object, the best of the errors that point at it."""
    rows = np.flatnonzero(flaws.targets >= 0)
    rows = rows[~used[flaws.targets[rows]]]
    targets = flaws.targets[rows]
    order = np.lexsort((ranking.rows[rows], -ranking.scores[rows], targets))
    first = np.diff(targets[order], prepend=-1) > 0
    best: npt.NDArray[np.intp] = rows[order[first]]
    return best


def _hits_without(
    ranking: Ranking, kind: int, flaws: Flaws, mended: npt.NDArray[np.intp]
) -> Iterator[BoolArray]:
    """Yield the hits of every class, best first, once one kind of error is mended."""
    back = mended[flaws.kinds[mended] == kind]
    back_labels = ranking.ground_truth.labels[flaws.targets[back]]
    for label, part in enumerate(ranking.parts()):
        kept = part.start + np.flatnonzero(flaws.kinds[part] != kind)
        joining = back[back_labels == label]
        hits = np.append(ranking.objects[kept] >= 0, np.ones(len(joining), np.bool_))
        if len(joining):
            rows = np.append(kept, joining)
            keys = (ranking.rows[rows], ranking.frames[rows], -ranking.scores[rows])
            hits = hits[np.lexsort(keys)]
        yield hits


def _mean_ap(
    ranking: Ranking,
    hits: Iterable[BoolArray],
    *,
    forgiven: BoolArray | None = None,
) -> float:
    """Give mAP of the hits of every class; `forgiven` `(G,)` objects are not asked for.

    NaN where there is no object at all.
    """
    labels = ranking.ground_truth.labels
    before = np.bincount(labels, minlength=ranking.num_classes).tolist()
    asked = labels if forgiven is None else labels[~forgiven]
    counts = np.bincount(asked, minlength=ranking.num_classes).tolist()
    values = []
    for of_class, had, count in zip(hits, before, counts, strict=True):
        if count:
            values.append(area_of_places(np.flatnonzero(of_class) + 1, count))
        elif had and len(of_class):
            values.append(0.0)
    return float(np.mean(values)) if values else float("nan")


def _tally(
    ranking: Ranking, flaws: Flaws, missed: BoolArray
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Count errors of every kind, in all and by class."""
    truth, kinds = ranking.ground_truth, len(ERRORS)
    wrong = flaws.kinds != NO_ERROR
    table = np.bincount(
        ranking.labels[wrong] * kinds + flaws.kinds[wrong],
        minlength=ranking.num_classes * kinds,
    ).reshape(-1, kinds)
    lost = np.bincount(truth.labels[missed], minlength=ranking.num_classes)
    table = np.column_stack([table, lost])
    names = (*ERRORS, MISSED)
    by_class = {
        name: dict(zip(names, row, strict=True))
        for name, row in zip(truth.classes, table.tolist(), strict=True)
        if any(row)
    }
    return dict(zip(names, table.sum(axis=0).tolist(), strict=True)), by_class
