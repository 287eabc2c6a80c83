"""All scored detections by class, best first: what every analysis starts from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vod.errors import AnnotationError
from vod.evaluation.matching import LEFT_OUT, MatchRule, match
from vod.evaluation.pairs import place, rows_by_class
from vod.evaluation.protocols import DEFAULT_PROTOCOL, protocol_named
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.predictions import Predictions
from vod.types import IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """Detections (K) of listed frames and known classes, and what each one takes.

    They are sorted by label, then descending score; equal scores by position of their
    frame, then of their line.

    Attributes:
        ground_truth: the objects (G) of the classes (C).
        predictions: the detections as read (M).
        rule: by which they were matched.
        rows: `(K,)` int32 row in `predictions`.
        starts: `(C + 1,)` class c stands at `starts[c]` up to `starts[c + 1]`.
        frames: `(K,)` int32 position of the frame in the list.
        scores: `(K,)` float64.
        objects: `(K,)` int32 row of the object that it takes, -1 for a false positive.
    """

    ground_truth: GroundTruth
    predictions: Predictions
    rule: MatchRule
    rows: IntArray
    starts: npt.NDArray[np.int64]
    frames: IntArray
    scores: DoubleArray
    objects: IntArray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.ground_truth.classes)

    @property
    def num_left_out(self) -> int:
        """Detections of unlisted frames or unknown classes."""
        return len(self.predictions) - len(self)

    @property
    def hits(self) -> BoolArray:
        """`(K,)` whether each detection is a true positive."""
        return self.objects >= 0

    @property
    def labels(self) -> IntArray:
        """`(K,)` label of every detection."""
        return np.repeat(
            np.arange(self.num_classes, dtype=np.int32), np.diff(self.starts)
        )

    def parts(self) -> Iterator[slice]:
        """Yield where every class stands, in the order of the classes."""
        for first, last in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield slice(int(first), int(last))


def rank(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    protocol: str = DEFAULT_PROTOCOL,
) -> Ranking:
    """Match detections by a protocol's rule and sort them.

    Args:
        ground_truth: the objects.
        predictions: the detections; classes are found by name, see `ClassMap`.
        protocol: whose matching is used; AP in the analyses is always the area under
            the precision envelope.

    Raises:
        ConfigError: no such protocol.
        AnnotationError: a score is not finite.
    """
    return rank_by_rule(ground_truth, predictions, protocol_named(protocol).rule)


def rank_by_rule(
    ground_truth: GroundTruth, predictions: Predictions, rule: MatchRule
) -> Ranking:
    """Match detections by a rule and sort them; see `rank`."""
    if not np.isfinite(predictions.scores).all():
        raise AnnotationError(
            "scores must be finite, received NaN or infinity; read detections with "
            "read_predictions, which names the line."
        )
    predictions = predictions.aligned(ground_truth.classes)
    placement = place(ground_truth, predictions)
    taken = match(ground_truth, predictions, rule, placement=placement)
    ordered, counts = [np.zeros(0, np.int32)], []
    for _, of_class in rows_by_class(ground_truth, predictions.scores, placement):
        judged = of_class[taken[of_class] != LEFT_OUT]
        ordered.append(judged.astype(np.int32))
        counts.append(len(judged))
    rows = np.concatenate(ordered)
    return Ranking(
        ground_truth,
        predictions,
        rule,
        rows,
        np.cumsum([0, *counts], dtype=np.int64),
        placement.frames[rows],
        predictions.scores[rows],
        taken[rows].astype(np.int32),
    )
