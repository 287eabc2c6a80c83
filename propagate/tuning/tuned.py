"""What tuning has brought, in figures and as text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Measure:
    """How agreement is told, see `propagate.agreement` and `propagate.refine.measure`.

    Attributes:
        ages: frames from the key frame.
        without: figures of what would be done without the network are called so.
        value: and those with it.
        use: what to write to use the weights; `{}` is their folder.
    """

    ages: tuple[int, ...]
    without: str
    value: str
    use: str

    def score(self, figures: Mapping[str, float]) -> float:
        """Give the one figure that must rise: mean agreement over the ages."""
        return float(np.mean([figures[f"{self.value}_{age}"] for age in self.ages]))


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning has brought.

    Attributes:
        before: agreement on the held-out parts.
        after: the same with the tuned weights.
        weights: folder ready to use; None where they are no better.
    """

    before: dict[str, float]
    after: dict[str, float]
    weights: Path | None


def handed_over(
    before: dict[str, float],
    after: dict[str, float],
    *,
    measure: Measure,
    out: Path,
    export: Callable[[], Path],
) -> Tuned:
    """Write both figures down, and move better weights to `out`.

    Args:
        before: agreement.
        after: likewise, with the weights as stored.
        measure: tells whether they are better.
        out: gets agreement.json, and the weights.
        export: makes the weights ready to use, and gives their folder.
    """
    report = {"before": before, "after": after}
    (out / "agreement.json").write_text(json.dumps(report, indent=1) + "\n")
    if measure.score(after) <= measure.score(before):
        return Tuned(before, after, None)
    for file in list(export().iterdir()):
        file.replace(out / file.name)
    return Tuned(before, after, out)


def format_table(tuned: Tuned, measure: Measure) -> str:
    """Give the figures as text, and what became of the weights."""
    lines = [
        f"{'agreement on the last fifth':<28}{measure.without:>8}{'before':>8}"
        f"{'after':>8}",
        *(
            f"{f'after {age} frames':<28}"
            f"{tuned.before[f'{measure.without}_{age}']:>8.3f}"
            f"{tuned.before[f'{measure.value}_{age}']:>8.3f}"
            f"{tuned.after[f'{measure.value}_{age}']:>8.3f}"
            for age in measure.ages
        ),
    ]
    if tuned.weights is None:
        lines.append(
            "The tuned weights are no better on what they were not trained on: they "
            "are not handed over. Keep the ones you had; more minutes or more varied "
            "clips may help."
        )
    else:
        lines.append(f"Use them: run_video.py CLIP {measure.use.format(tuned.weights)}")
    return "\n".join(lines) + "\n"
