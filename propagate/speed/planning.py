"""Find the ways to run a video that reach a frame rate, best first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from propagate.config import NO_FLOW
from propagate.parts import Mode
from propagate.speed.choices import Choice, Network, kinds_of
from propagate.speed.costs import Costs

CHECKED: Final = 3  # the best candidates, by a real run
ATTEMPTS: Final = 4  # rounds of runs, with other intervals where a prediction was off
TOLERANCE: Final = 0.02  # of the target; two runs differ by more
SPARE: Final = 1.1  # times the target: so fast, a shorter interval may do as well


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run, and what it would bring.

    Attributes:
        choice: the way.
        predicted: frames a second, from the costs of its parts.
        measured: in a short real run; None where it was not tried.
        mean_ap: on the user's data; None without.
    """

    choice: Choice
    predicted: float
    measured: float | None = None
    mean_ap: float | None = None

    def reaches(self, target: float) -> bool:
        """Say whether it makes so many frames a second, by what is known."""
        known = self.predicted if self.measured is None else self.measured
        return known >= target * (1 - TOLERANCE)

    def as_mapping(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        choice = self.choice
        return {
            "network": choice.network.name,
            "flow": choice.flow,
            "mode": choice.mode,
            "keyframe_interval": choice.interval,
            "predicted_fps": self.predicted,
            "measured_fps": self.measured,
            "map": self.mean_ap,
        }


Score = Callable[[Sequence[Choice]], Mapping[Choice, float]]
"""Gives mAP, or nothing where there are no data."""

Try = Callable[[Sequence[Choice]], Mapping[Choice, float]]
"""Gives frames a second in real runs, side by side."""


@dataclass(frozen=True, eq=False, slots=True)
class Planner:
    """Knows the costs, and how to find out more.

    Attributes:
        costs: of the parts.
        target: frames a second.
        score: of choices, on data.
        run: choices for real.
    """

    costs: Costs
    target: float
    score: Score
    run: Try

    def propose(
        self, networks: Sequence[Network], flows: Sequence[str], modes: Sequence[Mode]
    ) -> list[Candidate]:
        """Give one candidate for each network, flow and mode, best first.

        Each has the shortest interval that reaches the target, or the longest there is.
        The best ones have been run; where the prediction was off, the interval has been
        changed and run again.
        """
        first = [
            self._shortest(network, flow, mode, intervals)
            for network, flow, mode, intervals in kinds_of(networks, flows, modes)
            if flow == NO_FLOW or (network, flow) in self.costs.flow
        ]
        found = self._ranked(self._scored([c for c in first if c is not None]))
        for attempt in range(ATTEMPTS):
            untried = [c for c in found[:CHECKED] if c.measured is None]
            if not untried:
                break
            rates = self.run([candidate.choice for candidate in untried])
            found = [
                replace(c, measured=rates[c.choice]) if c in untried else c
                for c in found
            ]
            if attempt < ATTEMPTS - 1:  # the last round's stay as they were run
                may_shorten = attempt == 0
                found = [
                    self._corrected(c, may_shorten=may_shorten) if c.measured else c
                    for c in found
                ]
            found = self._ranked(self._scored(found))
        return found

    def _shortest(
        self,
        network: Network,
        flow: str,
        mode: Mode,
        intervals: Sequence[int],
        *,
        slower: float = 1.0,
    ) -> Candidate | None:
        """Give the first interval that reaches the target, else the last, if any.

        Args:
            network: of the detector.
            flow: registry name, or none.
            mode: causal or offline.
            intervals: ascending.
            slower: factor on predicted times, from a run of this kind.
        """
        found = None
        for interval in intervals:
            choice = Choice(network, flow, mode, interval)
            found = Candidate(choice, 1e3 / (slower * self.costs.predict(choice)))
            if found.reaches(self.target):
                break
        return found

    def _corrected(self, candidate: Candidate, *, may_shorten: bool) -> Candidate:
        """Give another interval, to be run, to one whose run was off the target."""
        choice, measured = candidate.choice, candidate.measured or 0.0
        if self.target <= measured <= SPARE * self.target or not measured:
            return candidate
        kinds = kinds_of([choice.network], [choice.flow], [choice.mode])
        intervals = next(
            longer
            for _, flow, mode, longer in kinds
            if (flow, mode) == (choice.flow, choice.mode) and choice.interval in longer
        )
        too_slow = not candidate.reaches(self.target)
        other = self._shortest(
            choice.network,
            choice.flow,
            choice.mode,
            [n for n in intervals if n > choice.interval] if too_slow else intervals,
            slower=1e3 / measured / self.costs.predict(choice),
        )
        is_shorter = other is not None and other.choice.interval < choice.interval
        if other is None or not (too_slow or (may_shorten and is_shorter)):
            return candidate
        return other

    def _scored(self, found: Sequence[Candidate]) -> list[Candidate]:
        unknown = [c.choice for c in found if c.mean_ap is None]
        scores = self.score(unknown)
        return [
            c if c.mean_ap is not None else replace(c, mean_ap=scores.get(c.choice))
            for c in found
        ]

    def _ranked(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Sort: those that reach the target by quality, then the others by speed."""
        reaching = [c for c in found if c.reaches(self.target)]
        others = [c for c in found if not c.reaches(self.target)]
        reaching.sort(key=_quality)
        others.sort(key=lambda c: -(c.measured or c.predicted))
        return reaching + others


def _quality(candidate: Candidate) -> tuple[Any, ...]:
    """Give a sort key, best first: by mAP, or by what usually is better.

    Usually, on `docs/propagation.md`'s clips: looking ahead, and every frame, before
    past frames alone; flow before none; short intervals. The order of networks and
    flows among equals is that in which they were named.
    """
    choice = candidate.choice
    holds = choice.flow == NO_FLOW and choice.interval > 1
    looks_back = choice.mode == "causal" and choice.interval > 1
    score = 0.0 if candidate.mean_ap is None else -candidate.mean_ap
    return (score, holds, looks_back, choice.interval)
