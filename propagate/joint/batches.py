"""Batches of joint training: real, labelled, generated, and pictures in motion."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from flow.train.data import SyntheticBatches, normalise
from propagate.joint.augmented import Pair
from propagate.joint.config import JointTrainConfig
from vod.fitting.batches import NumberedBatches


class PairSource(Protocol):
    """Draws pairs; the same `rng` state gives the same."""

    def draw(self, rng: np.random.Generator) -> Pair:
        """Draw one pair."""
        ...


class JointBatches(NumberedBatches):
    """Endless batches of drawn and generated pairs, the same for the same seed."""

    def __init__(
        self,
        sources: Sequence[tuple[PairSource, int]],
        generated: SyntheticBatches | None,
        config: JointTrainConfig,
        *,
        cells: int,
    ) -> None:
        """Take what to draw from.

        Args:
            sources: of pairs, with how many of each are in a batch.
            generated: pairs without boxes and with exact flow, if any.
            config: of the run.
            cells: side of the flow.
        """
        super().__init__(
            steps=config.schedule.steps_per_epoch, workers=1, max_queue_size=6
        )
        self._sources, self._generated = sources, generated
        self._config, self._cells = config, cells

    def batch(self, number: int) -> Any:
        """Give `((current, earlier), targets)` of the batch with this number."""
        rng = np.random.default_rng((self._config.seed, number))
        pairs = [
            source.draw(rng) for source, count in self._sources for _ in range(count)
        ]
        current = normalise(np.stack([p.current for p in pairs]))
        earlier = normalise(np.stack([p.earlier for p in pairs]))
        boxes = np.stack([p.boxes for p in pairs]) * np.float32(self._cells)
        targets = {
            "flow": np.stack([p.flow for p in pairs]),
            "trust": np.stack([p.trust for p in pairs]),
            "boxes": boxes,
            "box_weight": np.stack([p.box_weight for p in pairs]),
        }
        if self._generated is None:
            return (current, earlier), targets
        (more_current, more_earlier), flow = self._generated.batch(number)
        count = len(flow)
        whole = {
            "flow": flow,
            "trust": np.ones(flow.shape[:3], np.float32),
            "boxes": np.repeat(boxes[:1], count, 0),
            "box_weight": np.zeros((count, self._config.pairs.boxes), np.float32),
        }
        joined = {k: np.concatenate([v, whole[k]]) for k, v in targets.items()}
        return (
            np.concatenate([current, more_current]),
            np.concatenate([earlier, more_earlier]),
        ), joined
