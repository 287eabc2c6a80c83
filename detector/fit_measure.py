"""How well a detector in training finds what held-out pictures show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import keras
import numpy as np

from detector.fit_data import PictureStore
from detector.postprocess import PostprocessConfig, select_detections
from vod.dataset.annotated import AnnotatedPictures
from vod.draw import draw_detections
from vod.errors import VideoError
from vod.evaluation import Scores, evaluate
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Detections, FloatArray

MEASURED: Final = PostprocessConfig(
    score_threshold=1e-3, iou_threshold=0.3, max_detections=300
)
"""Suppression and limit are those of the released configurations of Deep Feature Flow.

Their score threshold, 1e-4, takes ten times as many boxes, which change nothing.
"""

SHOWN: Final = 8
SHOWN_SCORE: Final = 0.3
BATCH: Final = 8


@dataclass(frozen=True, eq=False, slots=True)
class HeldOut:
    """Pictures that a detector is measured on, read once.

    Attributes:
        pictures: with their objects.
        preprocessing: of the detector.
        images: `(F, height, width, 3)` uint8, stretched to the detector's input.
    """

    pictures: AnnotatedPictures
    preprocessing: Preprocessing
    images: ByteArray

    def detect(self, model: keras.Model) -> dict[int, Detections]:
        """Give the detections of every frame by its index, in pixels of the frame."""
        found = {}
        truth = self.pictures.truth
        for frame, (boxes, scores) in enumerate(self._raw(model)):
            chosen = select_detections(boxes, scores, MEASURED)
            height, width = truth.frame_sizes[frame].tolist()
            placed = self.preprocessing.boxes_to_frame(
                chosen.boxes, frame_height=height, frame_width=width
            )
            found[int(truth.frame_indices[frame])] = replace(chosen, boxes=placed)
        return found

    def scores(self, model: keras.Model) -> Scores:
        """Score by the VID protocol, every picture on its own."""
        return evaluate(self.pictures.truth, self.detect(model))

    def draw(self, model: keras.Model) -> dict[str, ByteArray]:
        """Draw what is found in a few pictures, as the network sees them."""
        few = self.images[np.linspace(0, len(self.images) - 1, SHOWN).astype(int)]
        config = replace(MEASURED, score_threshold=SHOWN_SCORE)
        drawn = {}
        for number, (boxes, scores) in enumerate(_predict(model, few, self)):
            chosen = select_detections(boxes, scores, config)
            drawn[f"found/{number}"] = draw_detections(
                few[number], chosen, self.pictures.classes, key_frame=False
            )
        return drawn

    def _raw(self, model: keras.Model) -> Iterator[tuple[FloatArray, FloatArray]]:
        return _predict(model, self.images, self)


def hold_out(pictures: AnnotatedPictures, preprocessing: Preprocessing) -> HeldOut:
    """Read pictures to be measured on.

    Raises:
        VideoError: one is missing or no picture.
    """
    store = PictureStore(None, keep=False)
    images, sizes = [], []
    for frame in range(len(pictures)):
        rgb = store.read(pictures.path(frame))[0]
        sizes.append(rgb.shape[:2])
        images.append(preprocessing.resize(rgb))
    # A DET picture without annotation, or a COCO file, may not say how large it is.
    truth = replace(pictures.truth, frame_sizes=np.array(sizes, np.int32))
    return HeldOut(replace(pictures, truth=truth), preprocessing, np.stack(images))


def write_pictures(folder: Path, pictures: Mapping[str, ByteArray]) -> None:
    """Write named pictures as JPEG.

    Raises:
        VideoError: one cannot be written.
    """
    for name, rgb in pictures.items():
        path = folder / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), rgb[..., ::-1]):
            raise VideoError(f"cannot write {path}.")


def _predict(
    model: keras.Model, images: ByteArray, held: HeldOut
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield boxes `(N, 4)` and scores `(N, C)` of every picture.

    Batches are filled up to one size, so that a graph is made once.
    """
    for first in range(0, len(images), BATCH):
        some = images[first : first + BATCH]
        filled = np.resize(some, (BATCH, *some.shape[1:]))
        values = np.concatenate([held.preprocessing.normalise(one) for one in filled])
        boxes, scores = model.predict_on_batch(values)
        yield from zip(boxes[: len(some)], scores[: len(some)], strict=True)
