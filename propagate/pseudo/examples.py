"""Snippets as the two trainings take them: pairs of frames, and clips with tracks."""

from collections.abc import Sequence

import cv2
import numpy as np

from propagate.joint.augmented import Augmenter, Pair
from propagate.joint.teacher import GRID
from propagate.pseudo.config import PseudoConfig
from propagate.pseudo.draw import draw_snippet
from propagate.pseudo.snippet import Snippet
from propagate.refine.stills import Still
from propagate.train_data import Clip, PairConfig, Track
from vod.errors import ConfigError
from vod.types import Detections


class PseudoPairs:
    """Draws pairs of frames of snippets, each from a new one."""

    def __init__(
        self,
        stills: Sequence[Still],
        config: PseudoConfig,
        pairs: PairConfig,
        *,
        size: int,
        cells: int,
    ) -> None:
        """Take what to draw from.

        Args:
            stills: pictures with boxes.
            config: how they move.
            pairs: frames between the two, and how they are changed.
            size: side of the pictures given.
            cells: side of the flow given.

        Raises:
            ConfigError: there is no picture.
        """
        check_stills(stills)
        self._stills, self._config, self._pairs = stills, config, pairs
        self._augmented = Augmenter(pairs, size=size, cells=cells)

    def draw(self, rng: np.random.Generator) -> Pair:
        """Draw one pair; the same `rng` state gives the same."""
        snippet = draw_snippet(self._stills, self._config, rng)
        distance = min(int(rng.choice(self._pairs.distances)), len(snippet) - 1)
        first = int(rng.integers(len(snippet) - distance))
        frames = [first, first + distance]
        if rng.random() < 0.5:
            frames.reverse()
        earlier, current = map(snippet.view, frames)
        height, width = snippet.size
        unit = np.array([width, height] * 2, np.float32)
        field = snippet.flow(current, earlier) / np.append(unit[:2], np.float32(1))
        seen = np.minimum(snippet.visible(earlier), snippet.visible(current))
        boxes = [snippet.boxes(view.number) / unit for view in (earlier, current)]
        return self._augmented(
            (current.picture, earlier.picture),
            cv2.resize(field, (GRID, GRID), interpolation=cv2.INTER_AREA),
            np.concatenate(boxes, 1)[seen >= self._config.visible],
            rng,
        )


def pseudo_clip(snippet: Snippet, config: PseudoConfig, name: str) -> Clip:
    """Draw all frames of a snippet; where an object is seen, a track tells its box."""
    views = [snippet.view(number) for number in range(len(snippet))]
    seen = np.stack([snippet.visible(view) for view in views]) >= config.visible
    boxes = np.stack([snippet.boxes(view.number) for view in views])
    tracks = [
        Track(np.flatnonzero(there).astype(np.int32), boxes[there, row])
        for row, there in enumerate(seen.T)
    ]
    pictures = np.stack([view.picture for view in views])
    return Clip(name, pictures, [Detections.empty()] * len(views), tracks=tracks)


def pseudo_clips(
    stills: Sequence[Still], config: PseudoConfig, *, count: int, seed: int
) -> list[Clip]:
    """Draw so many snippets as clips; 6 MB each at 21 frames of 300 x 300.

    Raises:
        ConfigError: there is no picture.
    """
    check_stills(stills)
    return [
        pseudo_clip(
            draw_snippet(stills, config, np.random.default_rng((seed, number))),
            config,
            f"snippet {number}",
        )
        for number in range(count)
    ]


def check_stills(stills: Sequence[Still]) -> None:
    """Refuse to set nothing in motion.

    Raises:
        ConfigError: there is no picture with an object.
    """
    if not stills:
        raise ConfigError("no picture has an object to set in motion: give --stills.")
