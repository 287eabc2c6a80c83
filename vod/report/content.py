"""All that a report says, worked out once from one matching."""

from dataclasses import dataclass
from typing import Any

from vod.analysis.ages import AgeScores, by_age
from vod.analysis.bootstrap import Confidence, bootstrap
from vod.analysis.confusion import Confusion, confuse
from vod.analysis.curves import Curves, precision_recall_curves
from vod.analysis.error_split import ErrorSplit, split_errors
from vod.analysis.ranking import Ranking, rank
from vod.analysis.sizes import SizeScores, by_size
from vod.analysis.snippets import SnippetScores, per_snippet
from vod.analysis.steadiness import FRAME_RATE, SteadinessReport, measure_steadiness
from vod.class_map import ClassMap
from vod.evaluation.protocols import DEFAULT_PROTOCOL
from vod.evaluation.scores import Scores
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions

CURVE_POINTS = 200
"""Points a class on the page and in the JSON; more cannot be seen."""


@dataclass(frozen=True, eq=False, slots=True)
class Analyses:
    """Why a set of detections scores what it scores.

    Attributes:
        ranking: the matched detections that all the others come from.
        class_map: where the detector's own classes went.
        curves: precision and recall.
        errors: kinds of error and what they cost.
        confusion: at each class's best score.
        sizes: AP by size of the object.
        ages: AP by age of the key frame.
        snippets: AP a video.
        steadiness: flicker and delay, at each class's best score.
        confidence: bootstrap intervals.
    """

    ranking: Ranking
    class_map: ClassMap
    curves: Curves
    errors: ErrorSplit
    confusion: Confusion
    sizes: SizeScores
    ages: AgeScores
    snippets: SnippetScores
    steadiness: SteadinessReport
    confidence: Confidence

    def to_json(self) -> dict[str, Any]:
        """Give every analysis under its name; the class map is no finding."""
        return {
            "confidence": self.confidence.to_json(),
            "errors": self.errors.to_json(),
            "sizes": self.sizes.to_json(),
            "ages": self.ages.to_json(),
            "steadiness": self.steadiness.to_json(),
            "confusion": self.confusion.to_json(),
            "snippets": self.snippets.to_json(),
            "curves": self.curves.to_json(),
        }


def analyse(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    protocol: str = DEFAULT_PROTOCOL,
    key_interval: int | None = None,
    frame_rate: float = FRAME_RATE,
) -> Analyses:
    """Work out everything that a report shows beside the scores.

    Args:
        ground_truth: the objects.
        predictions: the detections.
        protocol: whose matching is used; see `vod.analysis.ranking.rank`.
        key_interval: see `vod.analysis.ages.by_age`.
        frame_rate: of all videos, frames a second.

    Raises:
        ConfigError: a parameter out of its range.
    """
    ranking = rank(ground_truth, predictions, protocol=protocol)
    curves = precision_recall_curves(ranking, max_points=CURVE_POINTS)
    working = curves.best_scores
    return Analyses(
        ranking=ranking,
        class_map=predictions.class_map(ground_truth.classes),
        curves=curves,
        errors=split_errors(ranking),
        confusion=confuse(ranking, working),
        sizes=by_size(ranking),
        ages=by_age(ranking, key_interval=key_interval),
        snippets=per_snippet(ranking),
        steadiness=measure_steadiness(ranking, working, frame_rate=frame_rate),
        confidence=bootstrap(ranking),
    )


def report_values(scores: Scores, analyses: Analyses | None = None) -> dict[str, Any]:
    """Give the report for machines: the scores and, under `analysis`, the rest."""
    values = scores.to_json()
    if analyses is not None:
        values["analysis"] = analyses.to_json()
    return values
