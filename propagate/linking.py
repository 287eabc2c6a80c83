"""Link detections across frames and score them together: Seq-NMS, for files.

After Han et al., "Seq-NMS for Video Object Detection", arXiv:1602.08465. Boxes of one
class in neighbouring frames with IoU > 0.5 are linked. The sequence of linked boxes
with the greatest sum of scores is taken; its boxes get one common score; boxes that
overlap them in their frames are suppressed; and so on until no box is left.

Limits: a frame in which an object is missed cuts its sequence; a common score is given
to all of a sequence, also where it drifted off its object; all boxes of the frames
linked together are in memory, which windows bound.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from vod.boxes import pairwise_iou
from vod.errors import ConfigError
from vod.types import Detections, FloatArray, IntArray

Rows = npt.NDArray[np.intp]

WINDOW: Final = 1000
"""Frames that are linked together: 40 s at 25 frames a second."""


@dataclass(frozen=True, slots=True)
class LinkingConfig:
    """How detections are linked and rescored.

    Attributes:
        link_iou: boxes of neighbouring frames with more than this are linked (Han et
            al., section 3).
        suppress_iou: a box with more than this to one of a better sequence goes; the
            detector's own, as a box that it keeps is no copy (the paper has no figure).
        rescore: the sequence's `mean` or greatest score, `max`, becomes that of its
            boxes.
    """

    link_iou: float = 0.5
    suppress_iou: float = 0.6
    rescore: Literal["mean", "max"] = "mean"

    def __post_init__(self) -> None:
        for name in ("link_iou", "suppress_iou"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} must lie in [0, 1], received {value}.")
        if self.rescore not in ("mean", "max"):
            raise ConfigError(
                f"rescore must be 'mean' or 'max', received {self.rescore!r}."
            )


@dataclass(frozen=True, eq=False, slots=True)
class Linked:
    """What linking makes of one frame's detections (N), best new score first.

    Attributes:
        rows: `(K,)` rows of the detections that stay.
        scores: `(K,)` float32, of their sequences.
        sequences: `(K,)` int32, number of the sequence, the same in all frames.
    """

    rows: Rows
    scores: FloatArray
    sequences: IntArray


def seq_nms(
    frames: Sequence[Detections], *, config: LinkingConfig | None = None
) -> list[Detections]:
    """Link, rescore and suppress the detections of one video.

    Args:
        frames: one a frame, in order, without gaps; best with low score threshold.
        config: None for the paper's.

    Returns:
        As many, each best score first; boxes and labels are as they were.
    """
    return [
        Detections(found.boxes[kept.rows], kept.scores, found.labels[kept.rows])
        for found, kept in zip(frames, link_detections(frames, config), strict=True)
    ]


def seq_nms_windows(
    frames: Iterable[Detections],
    *,
    window: int = WINDOW,
    config: LinkingConfig | None = None,
) -> Iterator[Detections]:
    """Do as `seq_nms` in constant memory: sequences end where a window does.

    Args:
        frames: one a frame, in order.
        window: frames that are linked together.
        config: None for the paper's.

    Raises:
        ConfigError: a window below 1.
    """
    if window < 1:
        raise ConfigError(f"window must be 1 or more, received {window}.")
    source = iter(frames)
    while together := list(islice(source, window)):
        yield from seq_nms(together, config=config)


def link_detections(
    frames: Sequence[Detections], config: LinkingConfig | None = None
) -> list[Linked]:
    """Tell which detections stay, with what score, in which sequence.

    Args:
        frames: one a frame, in order, without gaps.
        config: None for the paper's.
    """
    config = config or LinkingConfig()
    starts = np.cumsum([0, *(len(found) for found in frames)])
    labels = _joined([found.labels for found in frames], np.int32)
    scores = np.zeros(len(labels), np.float32)
    sequences = np.full(len(labels), -1, np.int32)
    number = 0
    for label in np.unique(labels).tolist():
        graph = _Graph.of(frames, starts, label, config)
        for path in graph.sequences():
            nodes = graph.nodes[path]
            together = graph.scores[path]
            chosen = together.mean() if config.rescore == "mean" else together.max()
            scores[nodes], sequences[nodes] = min(float(chosen), 1.0), number
            number += 1
    kept = []
    for start, end in pairwise(starts.tolist()):
        rows = np.flatnonzero(sequences[start:end] >= 0)
        rows = rows[np.argsort(-scores[start + rows], kind="stable")]
        kept.append(Linked(rows, scores[start + rows], sequences[start + rows]))
    return kept


def _joined(arrays: Sequence[IntArray], kind: type[np.int32]) -> IntArray:
    return np.concatenate([np.zeros(0, kind), *arrays])


@dataclass(frozen=True, eq=False, slots=True)
class _Graph:
    """All boxes of one class (n), in the order of their frames.

    Attributes:
        nodes: `(n,)` positions among the boxes of all classes.
        scores: `(n,)` float64.
        before: linked boxes of the frame before, for every box.
        after: linked boxes of the frame after.
        rivals: overlapping boxes of the same frame.
    """

    nodes: Rows
    scores: npt.NDArray[np.float64]
    before: list[list[int]]
    after: list[list[int]]
    rivals: list[list[int]]

    @classmethod
    def of(
        cls,
        frames: Sequence[Detections],
        starts: npt.NDArray[np.int64],
        label: int,
        config: LinkingConfig,
    ) -> "_Graph":
        """Link the boxes of one class; `starts[f]` is frame f's first position."""
        rows = [np.flatnonzero(found.labels == label) for found in frames]
        begins = np.cumsum([0, *(len(each) for each in rows)])
        total = int(begins[-1])
        before: list[list[int]] = [[] for _ in range(total)]
        after: list[list[int]] = [[] for _ in range(total)]
        rivals: list[list[int]] = [[] for _ in range(total)]
        last = np.zeros((0, 4), np.float32)
        for frame, (found, chosen) in enumerate(zip(frames, rows, strict=True)):
            boxes, begin = found.boxes[chosen], int(begins[frame])
            same = pairwise_iou(boxes, boxes) > config.suppress_iou
            for one, other in np.argwhere(same).tolist():
                rivals[begin + one].append(begin + other)
            linked = pairwise_iou(last, boxes) > config.link_iou
            for one, other in np.argwhere(linked).tolist():
                before[begin + other].append(begin - len(last) + one)
                after[begin - len(last) + one].append(begin + other)
            last = boxes
        return cls(
            np.concatenate([start + r for start, r in zip(starts, rows, strict=False)]),
            np.concatenate(
                [f.scores[r] for f, r in zip(frames, rows, strict=True)]
            ).astype(np.float64),
            before,
            after,
            rivals,
        )

    def sequences(self) -> Iterator[list[int]]:
        """Yield the best sequence of what is left, until nothing is left.

        `best[i]` is the greatest sum of a sequence that ends in i. A taken sequence
        changes it only for boxes that came over a box that is gone: these alone are
        settled again, in the order of frames, and so on from where it changes.
        """
        count = len(self.nodes)
        alive = [True] * count
        best, came = [0.0] * count, [-1] * count
        for node in range(count):
            self._settle(node, alive, best, came)
        queue = [(-value, node) for node, value in enumerate(best)]
        heapq.heapify(queue)
        while queue:
            value, end = heapq.heappop(queue)
            if not alive[end] or -value != best[end]:
                continue  # gone, or settled anew since and queued again
            path = [end]
            while came[path[-1]] >= 0:
                path.append(came[path[-1]])
            path.reverse()
            yield path
            gone = {r for node in path for r in (node, *self.rivals[node]) if alive[r]}
            for node in gone:
                alive[node] = False
            dirty = [s for node in gone for s in self._followers(node, alive, came)]
            heapq.heapify(dirty)
            while dirty:
                node = heapq.heappop(dirty)
                was = best[node]
                self._settle(node, alive, best, came)
                heapq.heappush(queue, (-best[node], node))
                if best[node] != was:
                    for later in self._followers(node, alive, came):
                        heapq.heappush(dirty, later)

    def _settle(
        self, node: int, alive: list[bool], best: list[float], came: list[int]
    ) -> None:
        came[node], most = -1, 0.0
        for earlier in self.before[node]:
            if alive[earlier] and (came[node] < 0 or best[earlier] > most):
                came[node], most = earlier, best[earlier]
        best[node] = float(self.scores[node]) + most

    def _followers(self, node: int, alive: list[bool], came: list[int]) -> list[int]:
        """Give the boxes whose best sequence comes over this one."""
        return [s for s in self.after[node] if alive[s] and came[s] == node]
