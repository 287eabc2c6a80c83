"""What a set of detections is worth under one protocol."""

from dataclasses import dataclass, field
from typing import Any

ApByClass = dict[str, float | None]


def mean_of(ap: ApByClass) -> float | None:
    """Give the mean over the classes that have an AP, None where none has."""
    values = [value for value in ap.values() if value is not None]
    return sum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True)
class MotionScores:
    """AP of the objects whose motion lies in one range.

    Attributes:
        mean_ap: mean over the classes with objects in the range, None without any.
        ap: AP of every class, None where the range holds no object of it.
        num_ground_truth: objects in the range.
    """

    mean_ap: float | None
    ap: ApByClass
    num_ground_truth: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What a set of detections is worth.

    Attributes:
        protocol: name of the protocol.
        mean_ap: mean AP in [0, 1] over the classes with objects; None when there is no
            object at all.
        ap: AP of every class of the ground truth, None for a class without objects.
        num_ground_truth: objects by class.
        num_detections: detections by class on listed frames.
        num_frames: listed frames.
        num_unlisted: detections that are ignored since their frame is not listed.
        num_unknown: detections on listed frames that are ignored since the ground truth
            lacks their class.
        motion: FGFA's groups by name (slow, medium, fast), None where not asked for.
        motion_strict: likewise with ranges that do not share their ends.
        extra: what only this protocol has, for instance `AP75` of coco.
    """

    protocol: str
    mean_ap: float | None
    ap: ApByClass
    num_ground_truth: dict[str, int]
    num_detections: dict[str, int]
    num_frames: int
    num_unlisted: int = 0
    num_unknown: int = 0
    motion: dict[str, MotionScores] | None = None
    motion_strict: dict[str, MotionScores] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """Give `map` and `ap_<class>` of the classes with objects, for a log."""
        named = {f"ap_{name}": ap for name, ap in self.ap.items() if ap is not None}
        return {"map": self.mean_ap or 0.0, **named}

    def to_json(self) -> dict[str, Any]:
        """Give the scores ready for JSON, under the keys that papers use."""
        values: dict[str, Any] = {
            "protocol": self.protocol,
            "mAP": self.mean_ap,
            "AP": dict(self.ap),
            "frames": self.num_frames,
            "objects": dict(self.num_ground_truth),
            "detections": dict(self.num_detections),
            "ignored": {
                "frame_not_listed": self.num_unlisted,
                "class_unknown": self.num_unknown,
            },
            **self.extra,
        }
        for key, groups in (
            ("motion", self.motion),
            ("motion_strict", self.motion_strict),
        ):
            if groups is not None:
                values[key] = {
                    name: {
                        "mAP": group.mean_ap,
                        "AP": dict(group.ap),
                        "objects": group.num_ground_truth,
                    }
                    for name, group in groups.items()
                }
        return values
