"""One result file under every protocol, and what makes each figure differ.

From the devkit to another protocol leads a chain of steps, each of which changes one
thing: the threshold of small objects, the width of a box, who may take what, how
precision is summed. After every step the file is matched and scored again, so that a
step's gain and the detections whose verdict it changes are measured, not guessed. The
order of the steps is fixed; another order would share the same total out differently.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from vod.analysis.findings import VISIBLE, Findings, find_traps
from vod.evaluation.matching import LEFT_OUT, MatchRule, match
from vod.evaluation.pairs import Placement, RowArray, place
from vod.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS
from vod.evaluation.scores import ApByClass, Scores, mean_of
from vod.evaluation.scoring import class_ap, evaluate, mean_over_all_classes
from vod.ground_truth import GroundTruth
from vod.predictions import Predictions

INTERPOLATION: Final = "interpolation"
PEER: Final = "pycocotools"

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "tolerance": (
        "small objects ask for IoU 0.5 like all others",
        "reach only the lower threshold that the devkit gives small objects",
    ),
    "pixel": (
        "a box is xmax - xmin wide, not one pixel more",
        "reach the threshold only with the last pixel counted",
    ),
    "next_free": (
        "a detection may only take the object that it overlaps most",
        "are duplicates, but take the next free object in the devkit",
    ),
    "last_of_equals": (
        "of two objects with equal IoU the last is taken, not the first",
        "lose their object to another",
    ),
    "keeps_inverted": (
        "boxes turned inside out are left out, not false positives",
        "are left out",
    ),
    "max_detections": (
        "only the best 100 detections of a frame and class are looked at",
        "are beyond the best 100 and lose their object",
    ),
    INTERPOLATION: ("precision is averaged at fixed recalls, not over all", ""),
    PEER: ("pycocotools' own order of equal scores and rounding", ""),
}
"""What a step changes, seen from the devkit, and what detections lose by it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change on the way from the devkit to another protocol.

    Attributes:
        aspect: what changes, a key of `REASONS`.
        before: mAP, None without objects.
        after: mAP once it is changed.
        lost: detections that were true positives and are none.
        gained: detections that become true positives.
        moved: detections that take another object.
        left_out: false positives that are no longer looked at.
        ap_change: AP after less before, of the classes where it changes.
    """

    aspect: str
    before: float | None
    after: float | None
    lost: int
    gained: int
    moved: int
    left_out: int
    ap_change: dict[str, float]

    @property
    def gain(self) -> float:
        """What the step does to mAP."""
        if self.before is None or self.after is None:
            return 0.0
        return self.after - self.before

    @property
    def matters(self) -> bool:
        """Whether any verdict or figure changes."""
        counts = self.lost + self.gained + self.moved + self.left_out
        return counts > 0 or abs(self.gain) >= VISIBLE

    def sentence(self) -> str:
        """Say what changes, for how many detections, and what it does to mAP."""
        reason, loss = REASONS[self.aspect]
        counts = (
            (self.lost, loss),
            (self.gained, "find an object in turn"),
            (self.moved, "take another object"),
            (self.left_out, "are false positives no more"),
        )
        said = ", ".join(f"{count} {what}" for count, what in counts if count)
        effect = f"; of the detections {said}" if said else ""
        # Adding 0 turns a rounded -0.0 into 0.0.
        return f"{round(self.gain, 6) + 0:+.6f}  {reason}{effect}"

    def to_json(self) -> dict[str, Any]:
        """Give all figures and the sentence."""
        return {
            "aspect": self.aspect,
            "reason": self.sentence(),
            "mAP_before": self.before,
            "mAP_after": self.after,
            "lost": self.lost,
            "gained": self.gained,
            "moved": self.moved,
            "left_out": self.left_out,
            "AP_change": self.ap_change,
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """A file under every protocol.

    Attributes:
        scores: by protocol.
        steps: by protocol, the way from the devkit; empty for the devkit itself.
        mean_over_all: the devkit's mAP with every class of the list in the mean, as
            DFF and FGFA print it; None where that is no number.
        findings: what in the file or its use moves the figure.
    """

    scores: dict[str, Scores]
    steps: dict[str, tuple[Step, ...]]
    mean_over_all: float | None
    findings: Findings

    def to_json(self) -> dict[str, Any]:
        """Give scores, steps and findings."""
        return {
            "protocols": {
                name: {
                    **scores.to_json(),
                    "from_devkit": [step.to_json() for step in self.steps[name]],
                }
                for name, scores in self.scores.items()
            },
            "mean_over_all_classes": self.mean_over_all,
            "findings": self.findings.to_json(),
        }

    def table(self) -> str:
        """Give the audit as text: a figure a protocol, below it the way there."""
        lines = []
        for name, scores in self.scores.items():
            summary = PROTOCOLS[name].summary
            lines.append(f"{name:<16}{_shown(scores.mean_ap)}  {summary}")
            told = [step.sentence() for step in self.steps[name] if step.matters]
            lines += [f"{'':<15}{sentence}" for sentence in told]
        base = self.scores[DEFAULT_PROTOCOL]
        empty = sum(ap is None for ap in base.ap.values())
        lines.append(
            f"{'mean over all':<16}{_shown(self.mean_over_all)}  the devkit's with "
            f"{empty} classes without objects in the mean (DFF, FGFA)"
        )
        return "\n".join([*lines, "", *self.findings.sentences()]) + "\n"


def _shown(value: float | None) -> str:
    return f"{'-':>8}" if value is None else f"{value:>8.6f}"


def audit(ground_truth: GroundTruth, predictions: Predictions) -> Audit:
    """Score a file under every protocol and explain the differences.

    Raises:
        AnnotationError: a score is not finite.
    """
    scores = {
        name: evaluate(ground_truth, predictions, protocol=name) for name in PROTOCOLS
    }
    chain = _Chain(ground_truth, predictions, place(ground_truth, predictions))
    steps = {name: tuple(chain.steps(name, scores[name])) for name in PROTOCOLS}
    base = scores[DEFAULT_PROTOCOL]
    return Audit(
        scores,
        steps,
        mean_over_all_classes(base),
        find_traps(ground_truth, predictions, base),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Chain:
    """Matchings on the way from the devkit; several protocols share the first ones."""

    ground_truth: GroundTruth
    predictions: Predictions
    placement: Placement
    matchings: dict[MatchRule, RowArray] = field(default_factory=dict)
    scorings: dict[tuple[MatchRule, str], ApByClass] = field(default_factory=dict)

    def steps(self, name: str, scores: Scores) -> Iterator[Step]:
        """Yield what leads from the devkit to a protocol, in order."""
        goal = PROTOCOLS[name]
        rule = PROTOCOLS[DEFAULT_PROTOCOL].rule
        interpolation = PROTOCOLS[DEFAULT_PROTOCOL].interpolation
        taken, ap = self.taken(rule), self.ap(rule, interpolation)
        for aspect in REASONS:
            was = rule, interpolation
            if aspect == INTERPOLATION:
                interpolation = goal.interpolation
            elif aspect != PEER:
                rule = replace(rule, **{aspect: getattr(goal.rule, aspect)})
            is_peer = aspect == PEER and name == "coco"
            if is_peer or was != (rule, interpolation):
                now = scores.ap if is_peer else self.ap(rule, interpolation)
                yield _step(aspect, (taken, self.taken(rule)), (ap, now))
                taken, ap = self.taken(rule), now

    def taken(self, rule: MatchRule) -> RowArray:
        """Match by a rule, once."""
        if rule not in self.matchings:
            self.matchings[rule] = match(
                self.ground_truth, self.predictions, rule, placement=self.placement
            ).astype(np.int32)
        return self.matchings[rule]

    def ap(self, rule: MatchRule, interpolation: str) -> ApByClass:
        """Score a matching, once."""
        key = rule, interpolation
        if key not in self.scorings:
            self.scorings[key] = class_ap(
                self.ground_truth,
                self.predictions,
                self.taken(rule),
                self.placement,
                interpolation,
            )
        return self.scorings[key]


def _step(
    aspect: str, taken: tuple[RowArray, RowArray], ap: tuple[ApByClass, ApByClass]
) -> Step:
    """Count what differs between two matchings and two scorings."""
    before, after = taken
    was, now = before >= 0, after >= 0
    pairs = {name: (old, ap[1][name]) for name, old in ap[0].items()}
    changes = {
        name: new - old
        for name, (old, new) in pairs.items()
        if old is not None and new is not None and new != old
    }
    return Step(
        aspect,
        mean_of(ap[0]),
        mean_of(ap[1]),
        int((was & ~now).sum()),
        int((~was & now).sum()),
        int((was & now & (before != after)).sum()),
        int((~was & (before != LEFT_OUT) & (after == LEFT_OUT)).sum()),
        changes,
    )
