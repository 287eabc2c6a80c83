"""Run the paper's system over videos: key frames at an interval, flow in between."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from detector.fit_data import PictureStore
from detector.fit_measure import MEASURED, SHOWN, SHOWN_SCORE
from detector.postprocess import PostprocessConfig, select_detections
from propagate.paper_frames import PaperFrames, PaperStep
from propagate.paper_networks import PaperNetworks
from vod.dataset.annotated import AnnotatedPictures
from vod.draw import draw_detections
from vod.errors import ConfigError
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Detections, FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class PaperKey:
    """What later frames need of a key frame; arrays of the backend.

    Attributes:
        small: the flow network's picture of it.
        state: the aggregation's.
        maps: the head's.
    """

    small: Any
    state: Any
    maps: list[Any]


class PaperDetector:
    """The system, ready for frames one by one; nothing is remembered in it.

    Args:
        networks: of the system, filled.
        preprocessing: of the detector.
        aggregate: let key frames use what was seen at those before; without it every
            key frame stands alone and the flow serves the frames between.
    """

    def __init__(
        self,
        networks: PaperNetworks,
        preprocessing: Preprocessing,
        *,
        aggregate: bool = True,
    ) -> None:
        steps = PaperFrames(networks, preprocessing)
        self.preprocessing = preprocessing
        self._aggregates = aggregate and networks.aggregation is not None
        self._first = _compiled(_First(steps, "first_key"))
        self._next = _compiled(_Next(steps, "next_key"))
        self._between = _compiled(_Between(steps, "between"))
        self._head = _compiled(networks.head)

    def key(self, image: FloatArray, before: PaperKey | None) -> PaperKey:
        """Give what a key frame leaves; `image` is `(1, H, W, 3)`, normalised."""
        if before is None or not self._aggregates:
            small, state, *maps = self._first([image])
        else:
            small, state, *maps = self._next([image, before.small, before.state])
        return PaperKey(small, state, maps)

    def between(self, image: FloatArray, key: PaperKey) -> list[Any]:
        """Give the head's maps of a frame that is no key frame."""
        maps: list[Any] = self._between([image, key.small, *key.maps])
        return maps

    def detect(
        self, maps: list[Any], config: PostprocessConfig = MEASURED
    ) -> Detections:
        """Give what the maps show, in pixels of the detector's input."""
        boxes, scores = (np.asarray(part) for part in self._head(maps))
        return select_detections(boxes[0], scores[0], config)

    def frames(
        self, pictures: Iterable[ByteArray], interval: int
    ) -> Iterator[Detections]:
        """Yield what every frame of a video shows, in its pixels.

        Args:
            pictures: `(H, W, 3)` uint8 RGB, in order.
            interval: frames from a key frame to the next; 1 makes all of them keys.

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
                maps = self.between(image, key)
            found = self.detect(maps)
            height, width = rgb.shape[:2]
            placed = self.preprocessing.boxes_to_frame(
                found.boxes, frame_height=height, frame_width=width
            )
            yield replace(found, boxes=placed)


def detect_videos(
    detector: PaperDetector, pictures: AnnotatedPictures, interval: int
) -> dict[int, Detections]:
    """Give the detections of every frame by its index; each video begins anew.

    Raises:
        VideoError: a picture is missing or none.
    """
    store, truth = PictureStore(None, keep=False), pictures.truth
    found = {}
    for _, frames in truth.videos():
        shown = (store.read(pictures.path(int(frame)))[0] for frame in frames)
        for frame, boxes in zip(frames, detector.frames(shown, interval), strict=True):
            found[int(truth.frame_indices[frame])] = boxes
    return found


def draw_found(
    pictures: AnnotatedPictures, found: Mapping[int, Detections]
) -> dict[str, ByteArray]:
    """Draw what was found in a few frames, evenly spread; names say which they are."""
    truth, store, drawn = pictures.truth, PictureStore(None, keep=False), {}
    for frame in np.unique(np.linspace(0, len(pictures) - 1, SHOWN).astype(int)):
        boxes = found[int(truth.frame_indices[frame])]
        name = Path(truth.image_names[frame])
        drawn[f"found/{name.parent.name}_{name.stem}"] = draw_detections(
            store.read(pictures.path(int(frame)))[0],
            boxes.select(boxes.scores >= SHOWN_SCORE),
            pictures.classes,
            key_frame=False,
        )
    return drawn


def whole_videos(pictures: AnnotatedPictures, most: int) -> AnnotatedPictures:
    """Keep about so many frames, as whole videos that are spread over the list."""
    if len(pictures) <= most:
        return pictures
    count = len(pictures.truth.snippets)
    wanted = max(1, round(most * count / len(pictures)))
    kept = np.zeros(count, np.bool_)
    kept[np.linspace(0, count - 1, wanted).astype(int)] = True
    return pictures.select(kept[pictures.truth.frame_snippets])


class _First(PaperStep):
    """`[image]` to the flow's picture, state and maps, without a key frame before."""

    def call(self, inputs: list[Any]) -> list[Any]:
        steps = self.steps
        state = steps.first(steps.features(inputs[0]))
        return [steps.small(inputs[0]), state, *steps.maps(state)]


class _Next(PaperStep):
    """`[image, small, state]`, the last two of the key frame before, to the same."""

    def call(self, inputs: list[Any]) -> list[Any]:
        image, before, state = inputs
        steps = self.steps
        small = steps.small(image)
        motion = steps.motion(small, before)
        state = steps.aggregate(steps.features(image), state, motion)
        return [small, state, *steps.maps(state)]


class _Between(PaperStep):
    """`[image, small, *maps]` to maps; all but the image are of the key frame."""

    def call(self, inputs: list[Any]) -> list[Any]:
        image, before, *maps = inputs
        motion = self.steps.motion(self.steps.small(image), before)
        return self.steps.propagate(maps, motion)


def _compiled(model: keras.Model) -> Any:
    """Give a function of a model that runs as a graph."""
    model.compile(jit_compile=keras.backend.backend() == "jax")
    return model.predict_on_batch
