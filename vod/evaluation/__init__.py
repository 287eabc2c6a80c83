"""Score result files: matching, average precision, every published protocol.

`evaluate` is the door; `match` and `ap_from_hits` are its two halves, for analyses.
"""

from vod.evaluation.average_precision import ap_from_hits
from vod.evaluation.coco_columns import CocoOptions
from vod.evaluation.matching import FALSE_POSITIVE, LEFT_OUT, MatchRule, match
from vod.evaluation.pairs import place
from vod.evaluation.protocols import PROTOCOLS
from vod.evaluation.scores import MotionScores, Scores
from vod.evaluation.scoring import evaluate

__all__ = [
    "FALSE_POSITIVE",
    "LEFT_OUT",
    "PROTOCOLS",
    "CocoOptions",
    "MatchRule",
    "MotionScores",
    "Scores",
    "ap_from_hits",
    "evaluate",
    "match",
    "place",
]
