"""Score result files: matching, average precision, every published protocol.

`evaluate` is the door; `match` and `ap_from_hits` are its two halves, for analyses.
"""

from vod.evaluation.average_precision import ap_from_hits
from vod.evaluation.legacy import (
    VidScores,
    average_precision,
    inclusive_iou,
    main,
    match_frame,
    report_values,
)
from vod.evaluation.legacy import evaluate_either as evaluate
from vod.evaluation.matching import FALSE_POSITIVE, LEFT_OUT, MatchRule, match
from vod.evaluation.pairs import place
from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.scores import MotionScores, Scores

__all__ = [
    "FALSE_POSITIVE",
    "LEFT_OUT",
    "PROTOCOLS",
    "MatchRule",
    "MotionScores",
    "Scores",
    "VidScores",
    "ap_from_hits",
    "average_precision",
    "evaluate",
    "inclusive_iou",
    "main",
    "match",
    "match_frame",
    "place",
    "report_values",
]
