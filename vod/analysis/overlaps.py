"""What the false positives overlap: objects of their own class, of another, nothing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.analysis.ranking import Ranking
from vod.evaluation.pairs import aligned_iou, joined
from vod.ground_truth import BoolArray, DoubleArray
from vod.types import IntArray

ERRORS: Final = ("localisation", "class", "duplicate", "background", "both")
"""Kinds of false positives; a kind is a position here."""

LOCALISATION, CLASS, DUPLICATE, BACKGROUND, BOTH = range(len(ERRORS))
NO_ERROR: Final = -1


@dataclass(frozen=True, eq=False, slots=True)
class Flaws:
    """What is wrong with every ranked detection (K).

    Attributes:
        kinds: `(K,)` int8 position in `ERRORS`, `NO_ERROR` for a true positive.
        targets: `(K,)` int32 row of the object that a localisation or class error
            points at, else -1.
    """

    kinds: npt.NDArray[np.int8]
    targets: IntArray


def find_flaws(ranking: Ranking, background_iou: float) -> Flaws:
    """Give every false positive its kind; `vod.analysis.error_split` defines them."""
    truth = ranking.ground_truth
    kinds = np.where(ranking.hits, NO_ERROR, BACKGROUND).astype(np.int8)
    targets = np.full(len(ranking), -1, np.int32)
    first = np.searchsorted(truth.object_frames, np.arange(truth.num_frames + 1))
    false = np.flatnonzero(~ranking.hits)
    frames = ranking.frames[false]
    thresholds = ranking.rule.thresholds(truth.boxes)
    labels = ranking.labels
    for pairs, objects in joined(first[frames], first[frames + 1] - first[frames]):
        rows = false[pairs]
        iou = aligned_iou(
            ranking.predictions.boxes[ranking.rows[rows]],
            truth.boxes[objects],
            pixel=ranking.rule.pixel,
        )
        own = truth.labels[objects] == labels[rows]
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        near = iou >= thresholds[objects]
        judged = _Pairs(starts, objects, iou, own, near)
        kinds[rows[starts]], targets[rows[starts]] = _judge(judged, background_iou)
    return Flaws(kinds, targets)


@dataclass(frozen=True, eq=False, slots=True)
class _Pairs:
    """False positives and objects of their frames, by false positive.

    Attributes:
        starts: `(N,)` first pair of each false positive.
        objects: `(P,)` rows.
        iou: `(P,)`.
        own: `(P,)` whether the object is of the detection's class.
        near: `(P,)` whether the IoU reaches the object's threshold.
    """

    starts: npt.NDArray[np.intp]
    objects: npt.NDArray[np.int64]
    iou: DoubleArray
    own: BoolArray
    near: BoolArray

    def best(self, mask: BoolArray) -> tuple[DoubleArray, IntArray]:
        """Give the greatest IoU within a mask and its first object; -1 where none."""
        iou = np.where(mask, self.iou, -1.0)
        greatest = np.maximum.reduceat(iou, self.starts)
        counts = np.diff(self.starts, append=len(iou))
        at_best = np.flatnonzero(mask & (iou == np.repeat(greatest, counts)))
        segments = np.searchsorted(self.starts, at_best, side="right") - 1
        objects = np.full(len(self.starts), -1, np.int32)
        first = np.diff(segments, prepend=-1) > 0
        objects[segments[first]] = self.objects[at_best[first]]
        return greatest, objects


def _judge(
    pairs: _Pairs, background_iou: float
) -> tuple[npt.NDArray[np.int8], IntArray]:
    """Give kind and target of every false positive."""
    own_iou, own = pairs.best(pairs.own)
    own_near, _ = pairs.best(pairs.own & pairs.near)
    other_near, other = pairs.best(~pairs.own & pairs.near)
    any_iou = np.maximum.reduceat(pairs.iou, pairs.starts)
    # An object of the own class within reach is taken, or the detection had it.
    tests = [
        (own_near < 0) & (own_iou >= background_iou),
        other_near >= 0,
        own_near >= 0,
        any_iou <= background_iou,
    ]
    kinds = np.select(tests, [LOCALISATION, CLASS, DUPLICATE, BACKGROUND], BOTH)
    targets = np.select([kinds == LOCALISATION, kinds == CLASS], [own, other], -1)
    return kinds.astype(np.int8), targets.astype(np.int32)
