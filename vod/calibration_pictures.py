"""Real pictures to calibrate and check networks on: neighbours out of clips."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vod.errors import ConfigError, VideoError
from vod.images import find_images, read_image
from vod.sources import SAMPLE_PREFIX, open_source
from vod.types import ByteArray

UNRELATED = 30.0
"""Mean grey difference of two thumbnails from which pictures are no neighbours.

Neighbours in nine clips reach 16; of 44 pairs of unrelated stills none is below 43.
"""

THUMBNAIL = (32, 32)


@dataclass(frozen=True, eq=False, slots=True)
class Neighbours:
    """Two pictures in a row.

    Attributes:
        key: `(H, W, 3)` uint8 RGB.
        current: the picture after it; None where there is none that belongs to it.
    """

    key: ByteArray
    current: ByteArray | None


def read_neighbours(specs: Sequence[str], count: int) -> list[Neighbours]:
    """Pick pictures evenly out of clips, folders and patterns, an equal share of each.

    Args:
        specs: as `vod.sources.open_source` takes them; a pattern with `**` reaches
            folders below.
        count: of pictures in all; fewer where the sources have no more.

    Raises:
        ConfigError: no source, or a count below 1.
        DependencyError: a sample's package is not installed.
        VideoError: a source cannot be read.
    """
    if not specs or count < 1:
        raise ConfigError(
            "calibration needs pictures: name clips, folders of images or sample:bikes."
        )
    share = -(-count // len(specs))
    found = [pair for spec in specs for pair in _from_source(spec, share)]
    return found[:count] if len(specs) == 1 else found


def _from_source(spec: str, count: int) -> list[Neighbours]:
    is_clip = spec.startswith(SAMPLE_PREFIX) or "://" in spec
    images = None if is_clip else find_images(spec)
    if images is not None:
        chosen = spread(len(images), count)
        following = [images[min(index + 1, len(images) - 1)] for index in chosen]
        return [
            _related(read_image(images[index]), read_image(after))
            for index, after in zip(chosen, following, strict=True)
        ]
    with open_source(spec) as source:
        if source.info.is_live:
            raise VideoError(f"{spec} is live: calibrate on a file.")
        # A file that does not tell its length is read twice.
        length = source.info.frame_count
    if length is None:
        with open_source(spec) as source:
            length = sum(1 for _ in source)
    return _from_clip(spec, spread(length, count))


def spread(length: int, count: int) -> list[int]:
    """Give up to `count` indices below `length`, evenly spaced.

    >>> spread(10, 3)
    [1, 5, 8]
    """
    count = min(length, count)
    return [int((2 * n + 1) * length / (2 * count)) for n in range(count)]


def _from_clip(spec: str, chosen: Iterable[int]) -> list[Neighbours]:
    wanted = set(chosen)
    pairs: list[Neighbours] = []
    before: ByteArray | None = None
    with open_source(spec) as source:
        for frame in source:
            if before is not None:
                pairs.append(_related(before, frame.rgb))
            before = frame.rgb if frame.index in wanted else None
    if before is not None:
        pairs.append(Neighbours(before, None))
    return pairs


def _related(key: ByteArray, current: ByteArray) -> Neighbours:
    """Pair two pictures unless they show different things."""
    if key.shape != current.shape:
        return Neighbours(key, None)
    small = [
        cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        for picture in (key, current)
    ]
    difference = float(np.abs(small[0] - small[1]).mean())
    return Neighbours(key, current if difference < UNRELATED else None)
