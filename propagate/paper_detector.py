"""The paper's system on frames one by one: graphs in, boxes and maps out.

Needs no network library: the graphs may be exported files or Keras models.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from detector.postprocess import PostprocessConfig, select_detections
from flow.field import FlowField
from vod.errors import ConfigError
from vod.graph import Graph
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Detections, FloatArray

NETWORK: Final = "paper"
"""Name of the whole system in a weights record."""


@dataclass(frozen=True, eq=False, slots=True)
class PaperKey:
    """What later frames need of a key frame.

    Attributes:
        small: the flow network's picture of it.
        state: the aggregation's.
        maps: the head's.
    """

    small: FloatArray
    state: FloatArray
    maps: tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False, slots=True)
class PaperDetector:
    """The system, ready for frames; nothing is remembered in it.

    Images are `(1, H, W, 3)`, normalised.

    Attributes:
        preprocessing: of the detector; the flow's pictures are made of the detector's.
        first_key: image of a key frame that stands alone to small, state and maps.
        next_key: image, and small and state of the key frame before, to the same; None
            where nothing is aggregated, so that every key frame stands alone.
        between_keys: image, and small and maps of the key frame, to the flow to that
            frame and the maps warped along it.
        head: maps to boxes `(1, N, 4)` in input pixels and scores `(1, N, C)`.
    """

    preprocessing: Preprocessing
    first_key: Graph
    next_key: Graph | None
    between_keys: Graph
    head: Graph

    @classmethod
    def of(cls, preprocessing: Preprocessing, graphs: Mapping[str, Graph]) -> Self:
        """Put graphs together by role: `ROLES`, of which `next_key` may be missing."""
        return cls(
            preprocessing,
            graphs["first_key"],
            graphs.get("next_key"),
            graphs["between"],
            graphs["head"],
        )

    def key(self, image: FloatArray, before: PaperKey | None) -> PaperKey:
        """Give what a key frame leaves, after the key frame before, if there is one."""
        if before is None or self.next_key is None:
            small, state, *maps = self.first_key(image)
        else:
            small, state, *maps = self.next_key(image, before.small, before.state)
        return PaperKey(small, state, tuple(maps))

    def between(
        self, image: FloatArray, key: PaperKey
    ) -> tuple[FlowField, tuple[FloatArray, ...]]:
        """Give the flow from a frame to its key frame, and the frame's maps."""
        flow, *maps = self.between_keys(image, key.small, *key.maps)
        return FlowField(flow[0]), tuple(maps)

    def frames(
        self, pictures: Iterable[ByteArray], interval: int, config: PostprocessConfig
    ) -> Iterator[Detections]:
        """Yield what every frame of a video shows, in its pixels.

        Args:
            pictures: `(H, W, 3)` uint8 RGB, in order.
            interval: frames from a key frame to the next; 1 makes all of them keys.
            config: thresholds.

        Raises:
            ConfigError: the interval is less than 1.
        """
        if interval < 1:
            raise ConfigError(f"the interval must be at least 1, received {interval}.")
        key = None
        for number, rgb in enumerate(pictures):
            image = self.preprocessing.normalise(self.preprocessing.resize(rgb))
            if number % interval == 0 or key is None:
                key = self.key(image, key)
                maps = key.maps
            else:
                _, maps = self.between(image, key)
            boxes, scores = self.head(*maps)
            found = select_detections(boxes[0], scores[0], config)
            height, width = rgb.shape[:2]
            placed = self.preprocessing.boxes_to_frame(
                found.boxes, frame_height=height, frame_width=width
            )
            yield replace(found, boxes=placed)
